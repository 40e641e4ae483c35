"""Pictures that come without a time get one that is right, and each its own."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest

from gatehouse_capture.origin import Origin
from gatehouse_capture.sources.times import PictureClock, PictureTimes, taken_at
from gatehouse_common.testing.clock import FakeClock

FRAME = 3000  # ticks of 1/90000 s at 30 fps
FRAME_US = 33_333


@dataclass
class Coded:
    pts: int | None
    dts: int | None
    time_base: Fraction | None = Fraction(1, 90_000)


def times_of(packets: list[Coded], *, reordered: bool = False, live: bool = True, fps: float = 30) -> list[int]:
    times = PictureTimes(fps, reordered=reordered, live=live)
    return [times.of(packet, 1_000_000 + n * FRAME_US) for n, packet in enumerate(packets)]


def test_what_the_sender_says_is_believed() -> None:
    """In units of its own, and with the first packet of a session, which all times count from."""
    packets = [Coded(None, None), *(Coded(n * 40, None, Fraction(1, 1000)) for n in (3, 1, 2, 6))]
    assert times_of(packets, reordered=True) == [0, 10_800, 3_600, 7_200, 21_600]


def test_decode_times_stand_in_where_the_order_is_the_same() -> None:
    assert times_of([Coded(None, n * FRAME) for n in range(5, 9)]) == [n * FRAME for n in range(5, 9)]


@pytest.mark.parametrize("reordered", [False, True])
def test_a_live_picture_without_times_is_as_much_later_as_it_arrived_later(reordered: bool) -> None:
    packets = [Coded(0, None), Coded(None, None), Coded(None, None), Coded(3 * FRAME, None), Coded(None, None)]
    assert times_of(packets, reordered=reordered) == pytest.approx([n * FRAME for n in range(5)], abs=2)


def test_pictures_of_one_burst_have_times_of_their_own() -> None:
    times = PictureTimes(30, reordered=False, live=True)
    found = [times.of(Coded(None, None), 1_000_000) for _ in range(10)]
    assert len(set(found)) == 10
    assert found == sorted(found)


@pytest.mark.parametrize(("fps", "step"), [(50, 1800), (0, 3600)])
def test_a_raw_film_has_the_times_of_its_rate(fps: float, step: int) -> None:
    """S1-2: no two pictures fall on one time, whatever time it is when they are read."""
    assert times_of([Coded(None, None)] * 100, live=False, fps=fps) == [n * step for n in range(100)]


def dated(taken: list[int]) -> list[int]:
    """Return what live pictures taken at these times are in the end dated with, in microseconds after boot."""
    clock = FakeClock()
    boot = clock.now_us() - clock.monotonic_us()
    times, origin, ticks = PictureClock(clock), Origin(), []
    for at in taken:
        tick, wall = times.of(at)
        ticks.append(tick * 1_000_000 // 90_000)
        began = origin.see(ticks[-1], wall).origin_us
    return [began + tick - boot for tick in ticks]


@pytest.mark.parametrize("late_us", [200_000, 1_200_000, 20_000_000])
def test_pictures_that_waited_to_be_read_are_of_when_they_were_taken(late_us: int) -> None:
    """S1-3: a queue that nobody reads keeps its oldest pictures, for as long as that lasts."""
    began = 50_000_000
    said = [began + 10_000 + n * 200_000 for n in range(30)]
    read = [max(at, said[0] + late_us) for at in said]
    assert dated([taken_at(a, began, b) for a, b in zip(said, read, strict=True)]) == pytest.approx(said, abs=20)


@pytest.mark.parametrize("zero", [-40_000_000, 40_000_000, 1_700_000_000_000_000])
def test_a_driver_that_counts_from_another_zero_is_not_believed(zero: int) -> None:
    assert taken_at(50_200_000 + zero, 50_000_000, 50_210_000) == 50_210_000


def test_a_time_that_goes_back_moves_no_other_picture() -> None:
    """The first is said to be a second too late: it and those behind it, until their times go on; the rest is right."""
    right = [n * 200_000 for n in range(30)]
    assert dated([1_100_000, *right[1:]])[6:] == pytest.approx(right[6:], abs=100)
