"""Which reads are of one plate: by place and text, and by the times of frames alone."""

from __future__ import annotations

import random

import pytest

from gatehouse_detector.geometry import Box
from sighting_kit import RUN, START_US, Seen, Watching, crossing, look, sighting


def test_two_cars_at_once_are_two() -> None:
    watching = Watching()
    left = crossing("ABC1234", y=300)
    right = crossing("XYZ9876", y=800)
    watching.see(
        [look(k / 5, Seen("ABC1234", 100 + 190 * k, 300), Seen("XYZ9876", 1800 - 190 * k, 800)) for k in range(10)]
    )
    watching.wait_until(30)
    assert sorted(e.visit.text for e in watching.ended) == ["ABC1234", "XYZ9876"]
    assert [e.visit.reads for e in watching.ended] == [10, 10]
    assert len(left) == len(right)


def test_plates_that_differ_in_one_character_at_other_places_are_not_joined() -> None:
    """They are never seen on the same frame, which would tell them apart by itself."""
    watching = Watching()
    watching.see(
        [look(k / 5, Seen("ABC1234", 300) if k % 2 else Seen("ABC1237", 1300)) for k in range(12)],
    )
    watching.wait_until(60)
    watching.see([look(60 + k, Seen("QQQ", 900, 100, confidence=0.1)) for k in range(30)])
    assert {e.visit.text: e.visit.reads for e in watching.ended} == {"ABC1234": 6, "ABC1237": 6}


def test_a_plate_that_was_read_wrong_once_is_still_where_it_was() -> None:
    watching = Watching()
    looks = crossing("ABC1234")
    looks[4] = look(0.8, Seen("TH1S8AD", 100 + 4 * 1720 / 9, confidence=0.6))
    watching.see(looks)
    watching.wait_until(30)
    assert [(e.visit.text, e.visit.reads) for e in watching.ended] == [("ABC1234", 10)]


def test_a_plate_in_two_regions_of_a_frame_is_one_read() -> None:
    watching = Watching()
    seen = Seen("ABC1234", 900)
    watching.at(0, seen, region=Box(700, 400, 1200, 800))
    watching.at(0, seen, region=Box(800, 300, 1400, 900))
    watching.at(0.2, seen)
    assert len(watching.opened) == 1


@pytest.mark.parametrize("seed", range(6))
def test_frames_that_come_in_disorder_or_twice_change_nothing(seed: int) -> None:
    looks = [*crossing("ABC1234"), *crossing("ABD1Z34", start_s=0.05, y=200)]
    ordered = Watching()
    ordered.see(sorted(looks, key=lambda one: one.pts))
    ordered.wait_until(60)
    rng = random.Random(seed)
    mixed = [*looks, *rng.sample(looks, 8)]
    mixed.sort(key=lambda one: one.time_us + rng.randrange(600_000))
    disordered = Watching()
    disordered.see(mixed)
    disordered.wait_until(60)

    def told(watching: Watching) -> list[tuple[object, ...]]:
        return sorted(
            (e.visit.text, e.visit.start_us, e.visit.end_us, e.visit.reads, str(e.visit.direction), e.visit.confidence)
            for e in watching.ended
        )

    assert told(disordered) == told(ordered)
    assert len(told(ordered)) == 2


def test_arrival_means_nothing() -> None:
    """Reads that come all at once, long after, are tracked as if they had come when they were taken."""
    watching = Watching()
    late = [*crossing("ABC1234"), *crossing("ABC1234", start_s=40)]
    watching.see(late)
    watching.wait_until(100)
    assert [e.visit.start_us - START_US for e in watching.ended] == [0, 40_000_000]
    assert sighting(Seen("ABC1234", 1), 40).read.run == RUN


def test_pieces_of_a_plate_are_of_that_plate() -> None:
    """Each is narrower than the whole, and has its middle elsewhere."""
    watching = Watching()
    for k in range(8):
        x = 300 + 100 * k
        left, right = Seen("BX835", x - 23, width=114), Seen("835KV", x + 23, width=114)
        watching.at(k / 5, *([left, right] if k % 3 == 0 else [right] if k % 3 == 1 else [Seen("BX835KV", x)]))
    watching.wait_until(30)
    assert [e.visit.text for e in watching.ended] == ["BX835KV"]
