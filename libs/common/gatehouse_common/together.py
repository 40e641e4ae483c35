"""What costs as much for many as for one, done once for all who ask for it at the same time: a commit, a sync."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Asked(Generic[T, R]):
    what: T
    woken: threading.Event = field(default_factory=threading.Event)
    acts: bool = False
    found: list[R] = field(default_factory=list)
    error: BaseException | None = None


class Together(Generic[T, R]):
    """Acts for all who wait. Who comes first acts at once; those who come meanwhile wait, and then one acts for them.

    So nobody waits for others to come, and nobody is answered by what began before they asked.

    Args:
        act: does it for some, and returns what each gets, in their order; an error is that of all of them.
    """

    def __init__(self, act: Callable[[Sequence[T]], Sequence[R]]) -> None:
        self._act, self._lock = act, threading.Lock()
        self._waiting: list[_Asked[T, R]] = []
        self._is_busy = False

    def do(self, what: T) -> R:
        """Have it done, with what others ask for; return what this one gets.

        Raises:
            BaseException: whatever the action raised.
        """
        mine = _Asked[T, R](what)
        try:
            with self._lock:
                self._waiting.append(mine)
                if not self._is_busy:
                    self._is_busy = True
                    self._wake_next()
            mine.woken.wait()
        except BaseException:  # a signal's, in the main thread: those who wait behind it are not left alone
            self._leave(mine)
            raise
        if mine.acts:
            self._act_for_all()
        if mine.error is not None:
            raise mine.error
        return mine.found[0]

    def _act_for_all(self) -> None:
        with self._lock:
            asked, self._waiting = self._waiting, []
        try:
            for one, found in zip(asked, self._act([one.what for one in asked]), strict=True):
                one.found.append(found)
        except BaseException as error:  # noqa: BLE001 - it is raised in each of their threads, this one's too
            for one in asked:
                one.error = error
        with self._lock:
            self._is_busy = bool(self._waiting)
            self._wake_next()
        for one in asked:
            one.woken.set()

    def _leave(self, mine: _Asked[T, R]) -> None:
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
            if mine.acts:
                self._is_busy = bool(self._waiting)
                self._wake_next()

    def _wake_next(self) -> None:
        if self._waiting:
            self._waiting[0].acts = True
            self._waiting[0].woken.set()
