"""S1-17, R9: every instant of a camera is recorded or in one gap with one cause, whatever the index holds."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.db import Gap
from gatehouse_common.db.coverage import EDGE_US, SEAM_US, Coverage, coverage
from gatehouse_common.intervals import Interval
from gatehouse_common.messages import GapCause

TICK = 2 * SEAM_US
"""Longer than a seam, so that every hole of the small worlds below counts."""
WORLD = 40

ticks = st.integers(0, WORLD)
spans = st.tuples(ticks, ticks).filter(lambda pair: pair[0] < pair[1])
causes = st.sampled_from([cause.value for cause in GapCause])
holes = st.builds(
    lambda span, cause, run: Gap("cam", span[0] * TICK, span[1] * TICK, cause, "", run),
    spans,
    causes,
    st.sampled_from(["run", None]),
)
films = st.lists(spans, max_size=6)
presents = st.none() | st.sampled_from(["camera_offline", "storage_full", "service_down", "disabled"])


def ledger(
    recorded: list[tuple[int, int]], gaps: list[Gap], wanted: tuple[int, int], now: int, known: int, present: str | None
) -> Coverage:
    return coverage(
        [Interval(a * TICK, b * TICK) for a, b in recorded],
        gaps,
        Interval(wanted[0] * TICK, wanted[1] * TICK),
        now * TICK,
        known_until_us=known * TICK,
        present=present,
    )


def painted(recorded: list[tuple[int, int]], gaps: list[Gap], tick: int, known: int, present: str | None) -> str | None:
    """What one tick is by the rules, each instant looked at alone: the oracle."""

    def claims(which: list[Gap]) -> list[Gap]:
        there = [g for g in which if g.start_us <= tick * TICK < g.end_us]
        return sorted(there, key=lambda g: (g.start_us, g.end_us, g.cause))

    inner = claims([g for g in gaps if g.run is None and g.cause in {"dropped", "corrupt"}])
    if inner:
        return inner[0].cause
    if any(a <= tick < b for a, b in recorded):
        return None
    outer = claims([g for g in gaps if not (g.run is None and g.cause in {"dropped", "corrupt"})])
    if outer:
        return outer[0].cause
    return "dropped" if tick < known else present or "service_down"


@given(films, st.lists(holes, max_size=6), spans, ticks, ticks, presents)
def test_the_ledger_is_a_partition(
    recorded: list[tuple[int, int]],
    gaps: list[Gap],
    wanted: tuple[int, int],
    now: int,
    known: int,
    present: str | None,
) -> None:
    """No instant twice, none left out, each gap with one cause; the sums are those of the parts."""
    found = ledger(recorded, gaps, wanted, now, known, present)
    assert found.span.start == wanted[0] * TICK
    assert found.span.end <= max(wanted[0], min(wanted[1], now)) * TICK
    parts = found.stretches
    assert bool(parts) == (found.span.duration > 0)
    if parts:
        assert (parts[0].start_us, parts[-1].end_us) == (found.span.start, found.span.end)
    assert all(a.end_us == b.start_us for a, b in pairwise(parts))
    assert all(p.duration_us > 0 for p in parts)
    assert all(p.cause is None or GapCause(p.cause) for p in parts)
    assert found.recorded_us + sum(found.gaps_us.values()) == found.span.duration
    assert 0 <= found.unexplained_us <= sum(found.gaps_us.values())
    assert found.percentage is None or 0 <= found.percentage <= 100


@given(films, st.lists(holes, max_size=6), spans, ticks, presents)
def test_each_instant_is_what_the_rules_make_of_it(
    recorded: list[tuple[int, int]], gaps: list[Gap], wanted: tuple[int, int], known: int, present: str | None
) -> None:
    """Against an oracle that looks at each instant alone; without contradictions between gaps of one kind."""
    clean: list[Gap] = []
    for gap in gaps:
        if all(gap.end_us <= other.start_us or other.end_us <= gap.start_us for other in clean):
            clean.append(gap)
    found = ledger(recorded, clean, wanted, 10_000, known, present)
    by_tick = {
        tick: one.cause for one in found.stretches for tick in range(-(-one.start_us // TICK), -(-one.end_us // TICK))
    }
    assert by_tick == {
        tick: painted(recorded, clean, tick, known, present) for tick in range(wanted[0], found.span.end // TICK)
    }


@given(films, spans, ticks)
def test_a_hole_that_nobody_explains_is_counted(
    recorded: list[tuple[int, int]], wanted: tuple[int, int], known: int
) -> None:
    found = ledger(recorded, [], wanted, 10_000, known, "camera_offline")
    dropped = sum(one.duration_us for one in found.stretches if one.cause == "dropped")
    assert found.unexplained_us == dropped
    assert all(one.open == (one.cause == "camera_offline") for one in found.stretches)


@given(st.integers(1, EDGE_US), presents)
def test_what_a_recording_camera_has_not_told_of_yet_is_no_gap(behind: int, present: str | None) -> None:
    """The live edge: up to half a minute the index is behind; later, somebody between camera and index is down."""
    now = 1_000_000_000
    for late, reached in ((behind, now - behind), (EDGE_US + behind, now - EDGE_US - behind)):
        found = coverage([Interval(0, reached)], [], Interval(0, 2 * now), now, known_until_us=reached, present=present)
        last = found.stretches[-1]
        if present is None and late <= EDGE_US:
            assert found.span.end == reached
            assert last.cause is None
        elif late >= SEAM_US:
            assert found.span.end == now
            assert last.open
            assert last.cause == (present or "service_down")
            assert last.explained == (present is not None)


@given(st.lists(st.integers(1, SEAM_US - 1), min_size=1, max_size=20))
def test_seams_between_runs_are_no_gaps(seams: list[int]) -> None:
    at, spans_ = 0, []
    for seam in seams:
        spans_.append(Interval(at, at + 1_000_000))
        at += 1_000_000 + seam
    found = coverage(spans_, [], Interval(0, at), at * 2, known_until_us=at, present="disabled")
    assert found.gaps_us == {}
    assert found.percentage == 100


def test_what_nobody_wants_is_not_expected() -> None:
    """Switched off, or let go of by the plan: that is no failure to record."""
    gaps = [
        Gap("cam", 10 * TICK, 20 * TICK, "disabled", "", "run"),
        Gap("cam", 0, 5 * TICK, "purged"),
        Gap("cam", 30 * TICK, 40 * TICK, "camera_offline", "", "run"),
    ]
    found = ledger([(5, 10), (20, 30)], gaps, (0, 40), 40, 40, "disabled")
    assert found.gaps_us == {"camera_offline": 10 * TICK, "disabled": 10 * TICK, "purged": 5 * TICK}
    assert (found.recorded_us, found.expected_us) == (15 * TICK, 25 * TICK)
    assert found.percentage == 60
