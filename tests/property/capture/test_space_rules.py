"""R3: a disk that fills up stops the least important cameras in time, and no write ever finds it full."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_capture.space_rules import Writer, held_back, largest_chunk
from gatehouse_common.retention import reserve_bytes
from gatehouse_common.settings import RetentionSettings
from gatehouse_common.storage.thresholds import floor, resume_above, stop_below

MB = 1_000_000
totals = st.sampled_from([32 * MB, 200 * MB, 2_000 * MB, 1_000_000 * MB])


def writers_of(most_rate: float) -> st.SearchStrategy[list[Writer]]:
    one = st.builds(
        Writer,
        st.sampled_from([f"cam-{k}" for k in range(6)]),
        st.integers(-2, 2),
        st.floats(0, most_rate, allow_nan=False),
    )
    return st.lists(one, max_size=6, unique_by=lambda w: w.camera)


def order(writers: list[Writer]) -> list[str]:
    return [w.camera for w in sorted(writers, key=lambda w: (-w.priority, w.camera))]


@given(writers_of(20 * MB), totals, st.floats(0, 1))
def test_the_least_important_are_stopped_and_no_more_than_needed(
    writers: list[Writer], total: int, share: float
) -> None:
    free = round(total * share)
    held = held_back(writers, [], free, total)
    kept = [w for w in writers if w.camera not in held]
    assert set(order(writers)[len(kept) :]) == held
    assert not kept or free >= stop_below(sum(w.rate for w in kept), total)
    if held:
        last = next(w for w in writers if w.camera == order(writers)[len(kept)])
        assert free < stop_below(sum(w.rate for w in kept) + last.rate, total)


@given(writers_of(20 * MB), totals, st.floats(0, 1), st.sets(st.sampled_from([f"cam-{k}" for k in range(6)])))
def test_where_nothing_changes_cameras_do_not_go_on_and_off(
    writers: list[Writer], total: int, share: float, before: set[str]
) -> None:
    """Whatever was held back before: after as many looks as there are cameras, and one, it stays as it is."""
    free = round(total * share)
    held = frozenset(before)
    seen = []
    for _ in range(2 * len(writers) + 2):
        held = held_back(writers, held, free, total)
        seen.append(held)
    assert seen[-1] == seen[-2]
    kept = [[w.priority for w in sorted(writers, key=lambda w: -w.priority) if w.camera not in now] for now in seen]
    assert kept == sorted(kept), "a less important one took the place of one that came on"
    at_rest = [w for w in writers if w.camera in seen[-1]]
    if at_rest and kept[-1]:
        first = min(at_rest, key=lambda w: (-w.priority, w.camera))
        left = sum(w.rate for w in writers if w.camera not in seen[-1] and w.priority >= first.priority)
        assert min(kept[-1]) >= first.priority or free < stop_below(left + first.rate, total), "it should go first"


@given(writers_of(0.8 * MB), st.sampled_from([200 * MB, 1_000 * MB]), st.integers(0, 100))
def test_a_disk_that_nobody_frees_is_never_full(writers: list[Writer], total: int, others: int) -> None:
    """Looked at once a second while all write at their rates, and others a little: what is kept free is not used up."""
    free, held = total, frozenset[str]()
    for _ in range(2000):
        held = held_back(writers, held, free, total)
        writing = sum(w.rate for w in writers if w.camera not in held)
        if not writing:
            break
        free -= round(writing) + others * 1000
        assert free > 0
    assert free >= floor(total) // 2
    held = held_back(writers, held, total, total)
    for _ in writers:
        held = held_back(writers, held, total, total)
    assert not held


@given(st.floats(0, 100 * MB, allow_nan=False), totals)
def test_going_on_takes_more_room_than_stopping_leaves(rate: float, total: int) -> None:
    assert resume_above(rate, total) >= stop_below(rate, total)
    assert stop_below(rate, total) <= total // 10
    assert resume_above(rate, total) <= max(total // 10, 2 << 20)
    assert resume_above(rate, total) <= 256 * MB
    assert largest_chunk(total) <= total // 10


@given(st.integers(1 << 24, 1 << 46), st.floats(0, 1e9), st.floats(0, 1000))
def test_the_janitor_keeps_more_free_than_what_cameras_come_back_at(total: int, rate: float, said_gb: float) -> None:
    """R3: whatever the reserve is set to, no camera waits for room that nobody makes."""
    reserve = reserve_bytes(RetentionSettings(reserve_gb=said_gb), total, rate)
    assert reserve >= resume_above(rate, total)
    assert reserve <= total // 2


def test_what_is_being_written_is_no_large_part_of_a_disk_however_many_cameras_there_are() -> None:
    for cameras in (1, 3, 4, 8, 64, 500):
        together = cameras * largest_chunk(64_000 * MB, cameras)
        assert together <= 64_000 * MB * 0.4, cameras
    assert largest_chunk(16_000 * MB, 64) == 50 * MB
