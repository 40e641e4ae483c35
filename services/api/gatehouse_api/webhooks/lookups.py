"""Looks names up within a time: the system's own way has none that can be set, and cannot be stopped."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final

from gatehouse_common.errors import Unavailable

from .targets import Look

LIMIT_S: Final = 5.0
MOST_OF_ONE: Final = 2
"""So many look-ups of one name may go on at once: what nobody waits for any more goes on, for as long as it lasts."""


class Lookups:
    """Asks another for the addresses of names, and waits only so long. Safe for many threads.

    Args:
        look: who is asked.
        limit_s: for one name.
    """

    def __init__(self, look: Look, limit_s: float = LIMIT_S) -> None:
        self._look, self._limit_s = look, limit_s
        self._lock = threading.Lock()
        self._going_on: Counter[str] = Counter()

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name.

        Raises:
            OSError: it has none.
            Unavailable: nobody said so in time.
        """
        with self._lock:
            if self._going_on[host] >= MOST_OF_ONE:
                raise Unavailable(f"{host} is being looked up for longer than {self._limit_s:g} s already")
            self._going_on[host] += 1
        found: Future[Sequence[str]] = Future()
        asking = threading.Thread(target=self._ask, args=(host, port, found), name="lookup", daemon=True)
        try:
            asking.start()
        except RuntimeError as error:  # no more threads
            self._ended(host)
            raise Unavailable(f"{host} cannot be looked up now: {error}") from error
        try:
            return found.result(self._limit_s)
        except TimeoutError as error:
            if found.done():  # it is the answer: the name service itself did not wait longer
                raise
            raise Unavailable(f"looking up {host} took longer than {self._limit_s:g} s") from error

    def _ask(self, host: str, port: int, found: Future[Sequence[str]]) -> None:
        try:
            found.set_result(self._look(host, port))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it is waited for
            found.set_exception(error)
        finally:
            self._ended(host)

    def _ended(self, host: str) -> None:
        with self._lock:
            self._going_on[host] -= 1
            if not self._going_on[host]:
                del self._going_on[host]
