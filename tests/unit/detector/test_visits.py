"""When visits begin, go on, stand and end (S2-2, S2-4, S2-5, C-19; PRODUCT.md fact 10)."""

from __future__ import annotations

import pytest

from gatehouse_common.messages.plates import Direction
from gatehouse_detector.geometry import Box
from sighting_kit import LATER_RUN, SECOND, START_US, WIDTH, Seen, Watching, crossing, look

HOUR = 3600.0


def test_a_car_that_crosses_is_one_visit() -> None:
    """A5: ten reads in two seconds."""
    watching = Watching()
    watching.see(crossing("ABC1234"))
    assert len(watching.opened) == 1
    assert watching.ended == []
    watching.wait_until(11.7)
    assert watching.ended == []
    watching.wait_until(11.9)
    (ended,) = watching.ended
    assert ended.visit.reads == 10
    assert (ended.visit.start_us, ended.visit.end_us) == (START_US, START_US + 1_800_000)
    assert ended.visit.direction is Direction.RIGHT
    assert [j.tell for j in watching.judged] == [True] * 10
    assert not any(j.standing for j in watching.judged)


def test_equality_with_the_threshold_does_not_qualify() -> None:
    """S2-2, C-19: strictly greater."""
    watching = Watching(threshold=0.5)
    watching.at(0, Seen("ABC1234", 500, confidence=0.5))
    assert watching.opened == []
    assert [(j.qualifies, j.visit) for j in watching.judged] == [(False, None)]
    watching.at(0.2, Seen("ABC1234", 520, confidence=0.5000001))
    (opened,) = watching.opened
    assert opened.visit is not None
    assert opened.visit.start_us == START_US + 200_000
    assert opened.visit.reads == 1


def test_reads_below_the_threshold_open_nothing_however_many_they_are() -> None:
    watching = Watching(threshold=0.9)
    watching.see([look(k / 5, Seen("ABC1234", 500 + k, confidence=0.85)) for k in range(100)])
    watching.wait_until(100)
    assert watching.opened == watching.ended == []
    assert len(watching.judged) == 100
    assert 20 <= len(watching.told) <= 41, "a few a second are told of, and not all"


def test_noise_does_not_drown_what_matters() -> None:
    """At most five doubtful reads a second are told of, whatever the picture is full of; qualifying ones all."""
    watching = Watching()
    for k in range(50):
        noise = [Seen(f"N{k:02}{n:02}", 60 + 170 * n, 100, 80, 0.2) for n in range(10)]
        watching.at(k / 10, Seen("ABC1234", 200 + 30 * k), *noise)
    assert len([j for j in watching.told if j.qualifies]) == 50
    assert len([j for j in watching.told if not j.qualifies]) <= 6 * 5


def test_a_read_below_the_threshold_belongs_to_the_visit_but_does_not_prolong_it() -> None:
    watching = Watching()
    watching.at(0, Seen("ABC1234", 500))
    watching.at(1, Seen("ABC1234", 560, confidence=0.3))
    doubtful = watching.judged[-1]
    assert doubtful.visit is not None
    assert not doubtful.qualifies
    assert doubtful.visit.end_us == START_US
    assert doubtful.visit.reads == 1


def test_each_visit_is_another_event() -> None:
    watching = Watching()
    watching.see(crossing("ABC1234"))
    watching.see(crossing("ABC1234", start_s=60))
    watching.wait_until(100)
    assert len({e.visit.event for e in watching.ended}) == 2


def parked(watching: Watching, until_s: float, *, step_s: float = 0.2, from_s: float = 0.0) -> None:
    """A car that is read where it stands."""
    count = round((until_s - from_s) / step_s)
    watching.see([look(from_s + k * step_s, Seen("ABC1234", 900 + k % 3, 600 + k % 2)) for k in range(count)])


def test_a_parked_car_is_told_at_most_twice_a_minute() -> None:
    watching = Watching()
    parked(watching, 120)
    assert len(watching.opened) == 1
    standing = [j for j in watching.told if j.standing]
    assert 4 <= len(standing) <= 5
    assert standing[0].sighting.read.time_us - START_US <= 4_200_000
    assert len(watching.judged) == 600
    watching.wait_until(140)
    assert watching.ended == [], "nothing moves, so nothing is looked at: that says nothing"


def test_a_parked_car_that_is_read_again_hours_later_is_the_same_visit() -> None:
    watching = Watching()
    parked(watching, 10)
    for hour in range(1, 11):
        watching.wait_until(hour * HOUR - 1)
        found = watching.at(hour * HOUR, Seen("ABC1234", 901), Seen("XYZ9876", 300, 200))
        read = next(j for j in found if getattr(j, "sighting", None) and j.sighting.read.text == "ABC1234")
        assert (read.standing, read.opened) == (True, False)
    assert [j.visit.text for j in watching.opened if j.visit].count("ABC1234") == 1


def test_a_parked_car_that_is_read_a_little_wrong_is_still_the_same() -> None:
    watching = Watching()
    parked(watching, 10)
    watching.wait_until(100)
    watching.at(200, Seen("A8C1Z34", 901, confidence=0.6))
    assert len(watching.opened) == 1


def test_a_car_that_stopped_just_before_nothing_moved_any_more_is_parked_too() -> None:
    """It was read for less time than it takes to see that it stands."""
    watching = Watching()
    watching.see([look(k / 5, Seen("ABC1234", 900 - 200 * 0.5**k)) for k in range(12)])
    watching.wait_until(60)
    assert watching.ended == []
    watching.at(600, Seen("ABC1234", 900))
    assert len(watching.opened) == 1
    assert watching.judged[-1].standing


def test_a_visit_ends_when_its_place_is_seen_empty() -> None:
    watching = Watching()
    parked(watching, 10)
    watching.wait_until(100)
    watching.see([look(200 + k, region=Box(0, 0, 500, 500)) for k in range(30)])
    assert watching.ended == [], "that was another part of the picture"
    watching.see([look(300 + 2 * k) for k in range(10)])
    (ended,) = watching.ended
    assert ended.visit.end_us == START_US + 9_800_000


def test_someone_who_stands_before_a_parked_car_does_not_end_its_visit() -> None:
    watching = Watching()
    parked(watching, 10)
    watching.see([look(10 + k) for k in range(4)])
    parked(watching, 20, from_s=15)
    watching.wait_until(200)
    watching.see([look(200 + k / 5) for k in range(20)])
    watching.at(600, Seen("ABC1234", 901))
    assert watching.ended == []
    assert len(watching.opened) == 1


def test_a_visit_ends_when_another_plate_stands_in_its_place() -> None:
    watching = Watching()
    parked(watching, 10)
    watching.wait_until(100)
    watching.see([look(200 + k / 5, Seen("XYZ9876", 900)) for k in range(3)])
    assert [e.visit.text for e in watching.ended] == ["ABC1234"]
    assert [j.visit.text for j in watching.opened if j.visit] == ["ABC1234", "XYZ9876"]


def test_a_car_that_leaves_its_place_goes_on_with_its_visit_and_ends_it() -> None:
    watching = Watching()
    parked(watching, 10)
    watching.wait_until(100)
    leaving = [look(200 + k / 5, Seen("ABC1234", 960 + 60 * k)) for k in range(12)]
    watching.see(leaving)
    assert not watching.judged[-1].standing
    watching.see([look(202.4 + k / 5) for k in range(60)])
    (ended,) = watching.ended
    assert ended.visit.end_us == START_US + 202_200_000
    assert len(watching.opened) == 1


def test_a_plate_that_comes_back_from_elsewhere_is_another_visit() -> None:
    """It was not seen to leave; but it cannot have been standing where it was."""
    watching = Watching()
    parked(watching, 10)
    watching.wait_until(100)
    watching.see([look(3000 + k / 5, Seen("ABC1234", 100 + 20 * k, 200, 60)) for k in range(5)])
    assert len(watching.opened) == 2
    assert len(watching.ended) == 1


def test_after_so_long_it_is_another_visit() -> None:
    watching = Watching()
    parked(watching, 10)
    watching.wait_until(12 * HOUR + 11)
    assert len(watching.ended) == 1
    watching.at(12 * HOUR + 20, Seen("ABC1234", 900))
    assert len(watching.opened) == 2


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (lambda k: (1800 - 180 * k, 600, 160), Direction.LEFT),
        (lambda k: (100 + 180 * k, 600, 160), Direction.RIGHT),
        (lambda k: (900 + 10 * k, 400 + 40 * k, 80 * 1.15**k), Direction.APPROACHING),
        (lambda k: (900, 800 - 40 * k, 200 * 0.87**k), Direction.LEAVING),
        (lambda k: (900 + k % 2, 600, 160), Direction.STANDING),
    ],
)
def test_direction_is_told_from_where_the_plate_goes(way: object, expected: Direction) -> None:
    watching = Watching()
    for k in range(10):
        x, y, width = way(k)  # type: ignore[operator]
        watching.at(k / 5, Seen("ABC1234", x, y, width))
    visit = watching.judged[-1].visit
    assert visit is not None
    assert visit.direction is expected


def test_one_read_has_no_direction() -> None:
    watching = Watching()
    watching.at(0, Seen("ABC1234", 500))
    assert watching.opened[0].visit is not None
    assert watching.opened[0].visit.direction is Direction.UNKNOWN


def test_the_best_picture_is_of_a_read_that_says_what_was_voted() -> None:
    watching = Watching()
    texts = ["A8C1234", "ABC1234", "ABC1234", "ABC1234", "ABC1Z34"]
    for k, text in enumerate(texts):
        watching.at(k / 5, Seen(text, 300 + 100 * k, confidence=0.95 if k in {0, 4} else 0.8))
    visit = watching.judged[-1].visit
    assert visit is not None
    assert visit.text == "ABC1234"
    assert visit.best.text == "ABC1234"


def test_a_clock_that_was_set_back_ends_what_goes_on_and_all_begins_anew() -> None:
    watching = Watching()
    watching.see(crossing("ABC1234", start_s=4000))
    watching.see([look(k / 5, Seen("XYZ9876", 100 + 190 * k), run=LATER_RUN) for k in range(5)])
    assert [e.visit.text for e in watching.ended] == ["ABC1234"]
    assert len(watching.opened) == 2


def test_a_visit_goes_on_over_a_reconnect() -> None:
    watching = Watching()
    watching.see(crossing("ABC1234")[:5])
    watching.see([look(1 + k / 5, Seen("ABC1234", 100 + (5 + k) * (WIDTH - 200) / 9), run=LATER_RUN) for k in range(5)])
    assert len(watching.opened) == 1


def test_all_end_when_the_camera_is_not_watched_any_more() -> None:
    watching = Watching()
    watching.see(crossing("ABC1234"))
    (ended,) = watching.visits.end_all()
    assert getattr(ended, "visit").text == "ABC1234"  # noqa: B009
    assert ended.time_us >= START_US + 1_800_000  # type: ignore[union-attr]
    assert SECOND == 1_000_000


def test_pieces_of_a_plate_that_stands_do_not_move_it() -> None:
    """One whose other end is hidden by somebody who passes is where it was."""
    watching = Watching()
    parked(watching, 10)
    watching.wait_until(60)
    watching.at(80, Seen("ABC1", 901 - 34, 600, 91, 0.6))
    watching.at(80.6, Seen("1234", 901 + 34, 600, 91, 0.4))
    assert watching.judged[-1].standing
    watching.wait_until(120)
    assert watching.ended == []
    watching.at(140, Seen("ABC1234", 901))
    assert len(watching.opened) == 1
    visit = watching.judged[-1].visit
    assert visit is not None
    assert visit.direction is Direction.STANDING


def test_what_stood_there_before_anybody_looked_is_one_visit_however_seldom_it_is_seen() -> None:
    """A car that was parked before the start, or a sign: it is read once, and then a minute later."""
    watching = Watching()
    for minute in range(30):
        watching.wait_until(60 * minute - 1)
        watching.at(60 * minute, Seen("ABC1234", 900 + minute % 3))
    assert len(watching.opened) == 1
    assert len(watching.told) == 30
    assert all(j.standing for j in watching.judged[1:])


def test_a_plate_that_was_read_once_is_gone_when_its_place_is_seen_without_it() -> None:
    watching = Watching()
    watching.at(0, Seen("ABC1234", 900))
    watching.wait_until(20)
    assert watching.ended == []
    watching.at(30)
    assert len(watching.ended) == 1
    assert watching.ended[0].visit.end_us == START_US
