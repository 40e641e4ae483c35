"""What wall time a run has, against an oracle: a camera whose delays and clock are known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_capture.origin import HELD_US, SETTLE_US, STEP_US, Origin

FRAME_US = 33_333
START_US = 1_715_941_380_000_000
delays = st.lists(st.integers(0, 300_000), min_size=30, max_size=200)


@given(delays)
def test_the_least_delayed_frame_wins(late: list[int]) -> None:
    """Delay only adds: the smallest of arrival minus media time is the best there is (to a millisecond)."""
    origin = Origin()
    for n, delay in enumerate(late):
        judged = origin.see(n * FRAME_US, START_US + n * FRAME_US + delay)
    assert 0 <= judged.origin_us - (START_US + min(late)) < 1000
    assert not judged.stepped


@given(delays, st.integers(-900_000, 0))
def test_a_believable_sender_is_believed(late: list[int], skew: int) -> None:
    origin = Origin()
    for n, delay in enumerate(late):
        at = START_US + n * FRAME_US
        judged = origin.see(n * FRAME_US, at + delay + 1, at + skew if n > 5 and delay - skew < 990_000 else None)
    told = [n for n, d in enumerate(late) if n > 5 and d - skew < 990_000]
    if told and skew < -1000:
        assert judged.origin_us <= START_US + min(late) + 1


@given(delays, st.sampled_from([-86_400_000_000, 3_600_000_000, 7_000_000]))
def test_a_sender_whose_clock_is_wrong_is_not(late: list[int], skew: int) -> None:
    """A camera that thinks it is another day must not misdate its footage."""
    origin = Origin()
    for n, delay in enumerate(late):
        at = START_US + n * FRAME_US
        judged = origin.see(n * FRAME_US, at + delay, at + skew)
    assert 0 <= judged.origin_us - (START_US + min(late)) < 1000


def test_a_settled_origin_is_frozen() -> None:
    origin = Origin()
    origin.see(0, START_US + 200_000)
    after = origin.see(SETTLE_US + FRAME_US, START_US + SETTLE_US + FRAME_US + 10_000)
    assert after.origin_us == START_US + 200_000
    assert not after.refined


@given(st.sampled_from([-2 * STEP_US, 2 * STEP_US, 3_600_000_000, -3_600_000_000]))
def test_a_step_of_the_clock_is_noticed_soon_and_noise_is_not(step: int) -> None:
    origin = Origin()
    noticed = None
    for n in range(1200):
        media = n * FRAME_US
        arrival = START_US + media + (n * 7919) % 100_000 + (step if n >= 600 else 0)
        judged = origin.see(media, arrival)
        if judged.stepped:
            noticed = n
            break
    assert noticed is not None
    assert 600 <= noticed <= 600 + 300


def test_slow_drift_is_noticed_before_it_is_a_second() -> None:
    """R4: 500 parts per million."""
    origin = Origin()
    for n in range(90_000):
        media = n * FRAME_US
        judged = origin.see(media, START_US + media + media * 500 // 1_000_000)
        if judged.stepped:
            break
    assert judged.stepped
    assert STEP_US <= media * 500 // 1_000_000 < 1_000_000


@given(st.integers(0, HELD_US))
def test_a_run_never_begins_before_the_one_before_it_ended(overlap: int) -> None:
    floor = START_US + overlap
    origin = Origin(floor)
    for n in range(60):
        judged = origin.see(n * FRAME_US, START_US + n * FRAME_US)
    assert judged.origin_us >= floor


@given(st.integers(-990_000, 990_000))
def test_a_believable_clock_that_differs_is_no_step(skew: int) -> None:
    """A camera up to a second off is believed; that alone must not begin a new run every few seconds."""
    origin = Origin()
    for n in range(1200):
        at = START_US + n * FRAME_US
        assert not origin.see(n * FRAME_US, at, at + skew).stepped


@given(st.integers(600_000, 3_600_000_000))
def test_a_clock_set_back_costs_one_new_run_and_setting_it_right_another(back: int) -> None:
    """R4: the run after a step back follows on the one before, if that is near, or else is dated as the clock says."""
    origin = Origin(START_US + back)
    noticed = []
    for n in range(1800):
        media = n * FRAME_US
        arrival = START_US + media + (back if n >= 1200 else 0)
        judged = origin.see(media, arrival)
        assert judged.origin_us == (START_US + back if back <= HELD_US else START_US)
        if judged.stepped:
            noticed.append(n)
    assert noticed
    assert 1200 <= noticed[0] <= 1200 + 300


@given(st.lists(st.integers(-86_400_000_000, 86_400_000_000), min_size=1, max_size=6))
def test_however_the_clock_is_set_footage_is_dated_by_it_within_seconds(steps: list[int]) -> None:
    """A clock that was ahead for a day once must not date all that is recorded afterwards in the future."""
    floor = None
    offset = 0
    for step in steps:
        offset += step
        origin = Origin(floor)
        now = START_US + offset
        for n in range(300):
            judged = origin.see(n * FRAME_US, now + n * FRAME_US)
        assert 0 <= judged.origin_us - now <= HELD_US
        floor = judged.origin_us + 300 * FRAME_US


@given(st.integers(100, 500))
def test_a_camera_whose_clock_runs_fast_is_never_dated_more_than_seconds_late(ppm: int) -> None:
    """R4: run after run, each begun because media time has got ahead by half a second."""
    origin, began, floor, worst = Origin(), 0, 0, 0
    for n in range(0, 30 * 3600 * 4, 15):  # four hours, a frame each half second
        true = START_US + n * FRAME_US
        media = n * FRAME_US + n * FRAME_US * ppm // 1_000_000
        judged = origin.see(media - began, true)
        worst = max(worst, abs(judged.origin_us + media - began - true))
        floor = judged.origin_us + media - began
        if judged.stepped:
            origin, began = Origin(floor), media
    assert worst <= HELD_US + 2 * STEP_US


def test_a_clock_set_back_while_settling_does_not_move_what_is_recorded() -> None:
    origin = Origin()
    stepped = []
    for n in range(250):
        media = n * FRAME_US
        judged = origin.see(media, START_US + media - (3_600_000_000 if n >= 100 else 0))
        assert judged.origin_us == START_US
        stepped.append(judged.stepped)
    assert stepped.index(True) == 100


def test_one_late_frame_after_settling_is_no_step() -> None:
    origin = Origin()
    for n in range(600):
        media = n * FRAME_US
        late = 2_000_000 if media >= SETTLE_US and (media - SETTLE_US) < 2 * FRAME_US else 0
        assert not origin.see(media, START_US + media + late).stepped
