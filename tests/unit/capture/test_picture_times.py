"""Pictures that come without a time get one that is right, and each its own."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest

from gatehouse_capture.sources.times import PictureTimes

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
