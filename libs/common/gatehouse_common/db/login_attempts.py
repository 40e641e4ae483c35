"""Wrong guesses, counted by account and by address in the index: all replicas know, and a restart forgets none."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select, update

from gatehouse_common.accounts import delay_us, name_key
from gatehouse_common.accounts.addresses import network_of
from gatehouse_common.accounts.delays import FORGOTTEN_US, FREE_TRIES, FREE_TRIES_OF_ADDRESS

from .account_models import AttemptRow
from .contention import retried
from .engine import Database
from .kept_text import fit_text
from .new_rows import insert_new


class LoginAttempts:
    """Counts guesses before they are looked at, so that many at once are no way around the pauses."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def begin(self, name: str, address: str, now_us: int) -> int:
        """Count a guess as wrong until ``succeeded`` says otherwise; or return how long no password is looked at.

        Returns:
            0: the password may be looked at; else the pause that is left, microseconds, and nothing was counted.
        """
        return self._begin({_account(name): FREE_TRIES, _network(address): FREE_TRIES_OF_ADDRESS}, now_us)

    @retried
    def begin_sign_up(self, address: str, now_us: int) -> int:
        """Count that somebody signs up; or return how long nobody may from there, microseconds."""
        return self._begin({f"signup:{_network(address)}": FREE_TRIES}, now_us)

    def _begin(self, tries: Mapping[str, int], now_us: int) -> int:
        with self._db.begin() as c:
            c.execute(delete(AttemptRow).where(AttemptRow.failed_us <= now_us - FORGOTTEN_US))
            query = select(AttemptRow.subject, AttemptRow.failures, AttemptRow.failed_us)
            rows = c.execute(query.where(AttemptRow.subject.in_(tries)).with_for_update()).all()
            ahead = [subject for subject, _, at in rows if at > now_us]
            if ahead:
                # The clock was ahead. From now on they wait as long as if the last guess had been just now: no longer,
                # and no less, for what they guessed stays counted.
                c.execute(update(AttemptRow).where(AttemptRow.subject.in_(ahead)).values(failed_us=now_us))
            waits = (delay_us(failures, tries[subject]) - max(0, now_us - at) for subject, failures, at in rows)
            wait = max(0, *waits, 0)
            if wait:
                return wait
            for subject in sorted(tries):
                _count(c, subject, now_us)
        return 0

    @retried
    def succeeded(self, name: str, address: str) -> None:
        """Forget the guesses for a name, and this one from the address.

        The others from there stay: whoever guesses may have an account of their own.
        """
        subject = _network(address)
        with self._db.begin() as c:
            c.execute(delete(AttemptRow).where(AttemptRow.subject == _account(name)))
            c.execute(delete(AttemptRow).where(AttemptRow.subject == subject, AttemptRow.failures <= 1))
            one_less = update(AttemptRow).values(failures=AttemptRow.failures - 1)
            c.execute(one_less.where(AttemptRow.subject == subject))

    @retried
    def forget(self, name: str) -> None:
        """Forget the guesses for a name: its owner has proved to be it in another way.

        Those from addresses are forgotten too: behind one proxy, that may be everybody's.
        """
        with self._db.begin() as c:
            c.execute(delete(AttemptRow).where(AttemptRow.subject == _account(name)))
            c.execute(delete(AttemptRow).where(AttemptRow.subject.startswith("address:")))

    def failures(self, name: str) -> int:
        """Return how many guesses for a name were wrong in a row."""
        with self._db.look() as c:
            return c.execute(select(AttemptRow.failures).where(AttemptRow.subject == _account(name))).scalar() or 0


def _count(c: Connection, subject: str, now_us: int) -> None:
    """Count a guess. Somebody else may be adding the row at this moment, for who reads no row locks none."""
    one_more = update(AttemptRow).where(AttemptRow.subject == subject)
    one_more = one_more.values(failures=AttemptRow.failures + 1, failed_us=now_us)
    if not c.execute(one_more).rowcount and not insert_new(
        c, AttemptRow, {"subject": subject, "failures": 1, "failed_us": now_us}
    ):
        c.execute(one_more)


def _account(name: str) -> str:
    return f"account:{fit_text(name_key(name), 255)}"


def _network(address: str) -> str:
    """Return whose guesses are counted together."""
    return f"address:{fit_text(network_of(address), 45)}"
