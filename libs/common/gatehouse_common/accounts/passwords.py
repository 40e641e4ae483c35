"""Passwords: which are good enough, and what is kept of them (argon2id, RFC 9106)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gatehouse_common.errors import InvalidInput, TooOften

SHORTEST = 12
_LONGEST = 1024
_WEIGHED = 28
"""As much of a password is weighed: its time grows with the square of the length, to a second at this one."""
_PATIENCE_S = 5.0
_GUESSES = 10**8
"""Guesses after which a password counts as found by who has its hash: Dropbox's zxcvbn calls less "very guessable" or
"somewhat guessable"."""


class Passwords:
    """Hashes passwords and compares them.

    Args:
        memory_kib: memory of one hash; RFC 9106's second choice by default.
        passes: over that memory.
        at_once: so many are made at the same time; others wait. Each takes its memory, and anybody may ask for one.
    """

    def __init__(self, memory_kib: int = 65_536, passes: int = 3, at_once: int = 2) -> None:
        self._room = threading.BoundedSemaphore(at_once)
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._of_nobody = self._hasher.hash("of nobody")

    def check(self, password: str, *, of: str = "") -> None:
        """Return if a password may be used.

        Args:
            password: what was chosen.
            of: the name of whoever chose it.

        Raises:
            InvalidInput: it is too short or too long, or soon guessed; the sentence says what would be better.
            TooOften: too many wait for it already.
        """
        if len(password) < SHORTEST:
            raise InvalidInput(f"a password has at least {SHORTEST} characters.", "password")
        if len(password.encode(errors="replace")) > _LONGEST:
            raise InvalidInput(f"a password has at most {_LONGEST} bytes.", "password")
        with self._turn():
            self._weigh(password, of)

    def _weigh(self, password: str, of: str) -> None:
        from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415 - its lists take memory and time

        weighed = zxcvbn(password[:_WEIGHED], user_inputs=[of, "gatehouse"] if of else ["gatehouse"])
        if weighed["guesses"] < _GUESSES:
            said = weighed["feedback"]["warning"] or "It is soon guessed."
            raise InvalidInput(f"choose another password. {said} Several uncommon words are better.", "password")

    def hash(self, password: str) -> str:
        """Return what is kept: an argon2id hash with its salt and parameters, in PHC's form."""
        with self._turn():
            return self._hasher.hash(password.encode(errors="surrogatepass"))

    def verify(self, kept: str | None, password: str) -> bool:
        """Return whether a password is the one of which ``kept`` was made; takes as long if there is none."""
        given = password.encode(errors="surrogatepass")
        try:
            with self._turn():
                self._hasher.verify(kept or self._of_nobody, given[:_LONGEST])
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None and len(given) <= _LONGEST

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for a turn: whoever asks for many at once must not hold all that answer requests.

        Raises:
            TooOften: too many wait already.
        """
        if not self._room.acquire(timeout=_PATIENCE_S):
            raise TooOften("too many people log in at once: try again in a moment.", _PATIENCE_S)
        try:
            yield
        finally:
            self._room.release()

    def is_outdated(self, kept: str) -> bool:
        """Return whether what is kept should be made anew, at the next chance, since more effort is usual by now."""
        return self._hasher.check_needs_rehash(kept)
