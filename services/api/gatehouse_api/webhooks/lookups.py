"""Looks names up within a time: the system's own way has none that can be set, and cannot be stopped."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from gatehouse_common.errors import Unavailable

from .targets import Look

LIMIT_S: Final = 5.0
MOST_OF_ONE: Final = 2
"""So many look-ups of one name may go on at once: what nobody waits for any more goes on, for as long as it lasts."""


@dataclass(slots=True, eq=False)
class _Lookup:
    """One that goes on; whoever wants the same name meanwhile waits for it too."""

    found: Future[Sequence[str]] = field(default_factory=Future)
    is_late: bool = False
    """Somebody has waited for as long as anybody does."""


class Lookups:
    """Asks another for the addresses of names, and waits only so long. Safe for many threads.

    Args:
        look: who is asked.
        limit_s: for one name, of each who waits for it.
    """

    def __init__(self, look: Look, limit_s: float = LIMIT_S) -> None:
        self._look, self._limit_s = look, limit_s
        self._lock = threading.Lock()
        self._going_on: dict[str, list[_Lookup]] = {}

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name.

        Raises:
            OSError: it has none.
            Unavailable: nobody said so in time.
        """
        mine = self._joined(host, port)
        try:
            return mine.found.result(self._limit_s)
        except TimeoutError as error:
            if mine.found.done():  # it may be the answer: the name service itself did not wait longer
                return mine.found.result()
            mine.is_late = True
            raise Unavailable(f"looking up {host} took longer than {self._limit_s:g} s") from error

    def _joined(self, host: str, port: int) -> _Lookup:
        """Return the look-up of a name that goes on, or one that begins; addresses are the same for all ports."""
        with self._lock:
            going_on = self._going_on.setdefault(host, [])
            if going_on and not going_on[-1].is_late:
                return going_on[-1]
            if len(going_on) >= MOST_OF_ONE:
                raise Unavailable(f"{host} is being looked up for longer than {self._limit_s:g} s already")
            mine = _Lookup()
            going_on.append(mine)
        asking = threading.Thread(target=self._ask, args=(host, port, mine), name="lookup", daemon=True)
        try:
            asking.start()
        except RuntimeError as error:  # no more threads
            self._ended(host, mine)
            mine.found.set_exception(Unavailable(f"{host} cannot be looked up now: {error}"))
        return mine

    def _ask(self, host: str, port: int, mine: _Lookup) -> None:
        found: Sequence[str] = ()
        failed: Exception | None = None
        try:
            found = self._look(host, port)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it is waited for
            failed = error
        self._ended(host, mine)  # first: whoever comes after the answer asks anew
        if failed is None:
            mine.found.set_result(found)
        else:
            mine.found.set_exception(failed)

    def _ended(self, host: str, mine: _Lookup) -> None:
        with self._lock:
            self._going_on[host].remove(mine)
            if not self._going_on[host]:
                del self._going_on[host]
