"""Reasons to delete nothing: the store is not the one that is known, the clock has jumped, or too much would go."""

from __future__ import annotations

import json
from collections.abc import Callable

import structlog

from gatehouse_common.clock import HOUR, MINUTE, Clock
from gatehouse_common.db import Facts
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.errors import Conflict, DataLoss, NotFound, ResourceExhausted
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

log = structlog.get_logger(__name__)

STORE_ID = "store.id"
CONFIRMED = "retention.confirmed"
_START_US = 15 * MINUTE
MOST_SHARE = 0.5
FEW = 24
"""Of so few objects any share may go."""


class StoreGuard:
    """Knows the store by a small object in it: a disk that is not mounted, or a wrong bucket, has none, or another."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._facts = Facts(core.db)

    def check(self, *, adopt: bool = False) -> None:
        """Return if the store is the one whose objects the index tells of; the first time, it becomes that.

        Args:
            adopt: let it become that now, whatever it was.

        Raises:
            Conflict: it is another, or not there.
            GatehouseError: store or database do not answer.
        """
        core, known = self._core, self._facts.get(STORE_ID)
        found = self._read(damaged_too=adopt)
        if known is not None and found == known:
            return
        if known is not None and not adopt:
            what = "has no sign of this installation" if found is None else "belongs to another installation"
            raise Conflict(
                f"the store {what}: is its disk mounted, is it the right bucket? Nothing is deleted until it is there; "
                "if it is right as it is, tell so with `gatehouse retention run --adopt-store`."
            )
        sign = found or new_id()
        # The sign first: if it cannot be written, nothing is known yet, and it is tried again.
        try:
            if found is None:
                self._write(sign)
        except ResourceExhausted:
            if known is None:
                return  # a full disk: room has to be made before there is any for the sign
            raise
        now_us = core.clock.now_us()
        if adopt:
            self._facts.put(STORE_ID, sign, now_us)
        agreed = self._facts.first(STORE_ID, sign, now_us)
        if agreed != sign:
            self._write(agreed)

    def _write(self, sign: str) -> None:
        self._core.store.put_bytes(keys.STORE_SIGN, json.dumps({"store": sign}).encode() + b"\n", overwrite=True)

    def _read(self, *, damaged_too: bool) -> str | None:
        try:
            return str(json.loads(self._core.store.read(keys.STORE_SIGN))["store"])
        except NotFound:
            return None
        except (ValueError, KeyError, TypeError) as error:
            if damaged_too:
                return None
            raise DataLoss(f"{keys.STORE_SIGN} in the store is damaged: {type(error).__name__}") from error


class ClockGuard:
    """Notices when the wall clock jumps: ages are not to be believed then.

    They are again when the clock is back, or a person has said that it is right (``gatehouse retention run``). A clock
    that is set within the first minutes of a start is more likely to be right after it, as on a machine that has none
    of its own, and is believed after an hour. A machine that was asleep has lost no time: its clock has not jumped.

    Args:
        clock: the time.
        confirmed: returns when a person last said that all is right, None: never.
    """

    def __init__(self, clock: Clock, confirmed: Callable[[], str | None]) -> None:
        self._clock, self._confirmed = clock, confirmed
        self._began_us = clock.elapsed_us()
        self._offset = self._now()
        self._jumped_us: int | None = None
        self._said: str | None = None

    def trusted(self) -> bool:
        """Return whether ages may be believed; look at least every few minutes.

        Raises:
            Unavailable: the database does not answer.
        """
        now, offset = self._clock.elapsed_us(), self._now()
        if abs(offset - self._offset) <= HOUR:
            self._offset, self._jumped_us = offset, None
            return True
        if self._jumped_us is None:
            log.warning("the clock has jumped: nothing is deleted for its age", by_us=offset - self._offset)
            self._jumped_us, self._said = now, self._confirmed()
        is_start = self._jumped_us - self._began_us < _START_US and now - self._jumped_us >= HOUR
        if is_start or self._confirmed() != self._said:
            self._offset, self._jumped_us = offset, None
            return True
        return False

    def now_us(self) -> int:
        """Return the wall time as it would be if the clock had not jumped: by this, holds run out and footage ages."""
        offset = self._now()
        return self._clock.elapsed_us() + (offset if abs(offset - self._offset) <= HOUR else self._offset)

    def _now(self) -> int:
        return self._clock.now_us() - self._clock.elapsed_us()


def refuse_after_rebuild(facts: Facts) -> str:
    """Return why nothing is deleted for its age since the index was made anew; empty: a person has said that it may be.

    Raises:
        Unavailable: the database does not answer.
    """
    rebuilt, confirmed = facts.get(INDEX_REBUILT), facts.get(CONFIRMED)
    if rebuilt is None or (confirmed is not None and int(confirmed) >= int(rebuilt)):
        return ""
    return (
        "the index was made anew, and settings of cameras are in no file: nothing is deleted for its age or size until "
        "`gatehouse retention plan` was looked at and `gatehouse retention run` called once"
    )


def refuse_too_much(kind: str, going: int, objects: int) -> str:
    """Return why objects of a class are not deleted in one run; empty: they may be.

    Args:
        kind: the class.
        going: how many would go.
        objects: how many there are.
    """
    if going <= FEW or going <= MOST_SHARE * objects:
        return ""
    return (
        f"{going} of {objects} objects of {kind} footage have come of age at once, more than half: is the clock right, "
        "are the settings? If so, `gatehouse retention run --force` deletes them."
    )


def refuse_too_large(what: str, over: int, size: int) -> str:
    """Return why so many bytes are not deleted in one run for the room they take; empty: they may be."""
    if over <= MOST_SHARE * size:
        return ""
    return (
        f"{over >> 20} MiB of the {size >> 20} MiB of {what} are more than the settings let it have, more than half: "
        "are they right? If so, `gatehouse retention run --force` deletes them."
    )
