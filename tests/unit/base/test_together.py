"""What is done once for all who ask for it at the same time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatehouse_common.together import Together


class _Slow:
    """Doubles numbers, and waits each time until it may go on."""

    def __init__(self) -> None:
        self.batches = list[list[int]]()
        self.began, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, some: Sequence[int]) -> list[int]:
        self.batches.append(list(some))
        self.began.release()
        assert self.go_on.acquire(timeout=30)
        if 13 in some:
            raise ValueError("thirteen")
        return [2 * one for one in some]


def _waiting(together: Together[int, int], count: int) -> None:
    while len(together._waiting) < count:  # nothing else tells that they wait
        threading.Event().wait(0.001)


def _interrupt(together: Together[int, int], thread: int) -> None:
    _waiting(together, 1)
    signal.pthread_kill(thread, signal.SIGINT)


def test_those_who_come_meanwhile_are_served_by_the_next_one_and_all_at_once() -> None:
    """S4-5: nobody waits for others to come, and nobody is answered by what began before they asked."""
    slow = _Slow()
    together = Together[int, int](slow)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(together.do, 1)
        assert slow.began.acquire(timeout=30)
        rest = [pool.submit(together.do, number) for number in range(2, 8)]
        _waiting(together, 6)
        slow.go_on.release()
        assert first.result(30) == 2
        assert slow.began.acquire(timeout=30)
        assert not any(one.done() for one in rest)
        slow.go_on.release()
        assert [one.result(30) for one in rest] == [4, 6, 8, 10, 12, 14]
    assert [sorted(batch) for batch in slow.batches] == [[1], [2, 3, 4, 5, 6, 7]]


def test_an_error_is_that_of_all_of_whom_it_is_and_of_nobody_later() -> None:
    """S4-18: a commit that fails has failed for all whose it is; the next is another."""
    slow = _Slow()
    together = Together[int, int](slow)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(together.do, 1)
        assert slow.began.acquire(timeout=30)
        bad = [pool.submit(together.do, number) for number in (12, 13)]
        _waiting(together, 2)
        slow.go_on.release(3)
        for one in bad:
            with pytest.raises(ValueError, match="thirteen"):
                one.result(30)
        assert (first.result(30), together.do(5)) == (2, 10)


def test_who_is_interrupted_leaves_nobody_waiting() -> None:
    """A signal comes to the main thread while it waits for its turn."""
    slow = _Slow()
    together = Together[int, int](slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(together.do, 1)
        assert slow.began.acquire(timeout=30)
        interrupting = pool.submit(_interrupt, together, threading.get_ident())
        with pytest.raises(KeyboardInterrupt):
            together.do(2)
        interrupting.result(30)
        slow.go_on.release(2)
        assert first.result(30) == 2
        assert pool.submit(together.do, 3).result(30) == 6
    assert slow.batches == [[1], [3]]
