"""A check reads no faster than it may, and stops in the middle of a file."""

from __future__ import annotations

import threading

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import Cancelled
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor.checking.key_set import KeySet
from gatehouse_janitor.checking.pace import Pace
from gatehouse_janitor.checking.salvage import part_id


def test_so_many_bytes_a_second_whatever_the_pieces_are() -> None:
    clock = FakeClock()
    pace = Pace(clock, threading.Event(), 10e6)
    for piece in [1 << 20] * 50 + [1000] * 5000:
        pace.read(piece)
    total = 50 * (1 << 20) + 5000 * 1000
    assert abs(clock.monotonic_us() / SECOND - total / 10e6) < 0.05


def test_time_in_which_nothing_was_read_is_not_saved_up() -> None:
    clock = FakeClock()
    pace = Pace(clock, threading.Event(), 1e6)
    clock.advance(60 * SECOND)
    pace.read(2_000_000)
    assert clock.monotonic_us() == 62 * SECOND


def test_without_a_bound_nothing_waits_and_a_stop_is_heard_all_the_same() -> None:
    clock, stop = FakeClock(), threading.Event()
    pace = Pace(clock, stop, 0)
    pace.read(1 << 40)
    assert clock.monotonic_us() == 0
    stop.set()
    with pytest.raises(Cancelled):
        pace.read(1)


def test_a_set_of_many_keys_knows_what_is_in_it() -> None:
    there = KeySet()
    for n in range(200_000):
        there.add(f"plates/cam/2024-05-17/{n}.jpg")
    wanted = [f"plates/cam/2024-05-17/{n}.jpg" for n in range(199_990, 200_010)]
    assert there.lacks(wanted) == wanted[10:]
    assert KeySet().lacks(["a"]) == ["a"]
    there.add("another")
    assert there.lacks(["another", "none"]) == ["none"]


def test_ids_of_parts_follow_from_what_they_are_parts_of() -> None:
    """S2-44: a repair that is done again makes the same chunks."""
    chunk = "018f8a5e-3b2c-7d10-9e44-0123456789ab"
    assert part_id(chunk, 1000) == part_id(chunk, 1000)
    assert len({part_id(chunk, at) for at in range(1000)}) == 1000
    made = part_id(chunk, 7)
    assert (len(made), made[:14], made[14], made[19] in "89ab") == (36, chunk[:14], "7", True)
