"""The gaps before a run cover exactly what is missing, whatever happened in between."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.db import Gap
from gatehouse_common.messages import GapCause, Interruption
from gatehouse_indexer.gap_rules import MIN_GAP_US, derive_gaps

TIMES = st.integers(0, 10_000_000)
CAUSES = st.sampled_from(list(GapCause))
INTERRUPTIONS = st.lists(st.builds(Interruption, cause=CAUSES, since_us=st.none() | TIMES), max_size=5)


@given(TIMES, TIMES, INTERRUPTIONS)
def test_gaps_tile_the_span_that_is_missing(until: int, start: int, interruptions: list[Interruption]) -> None:
    gaps = derive_gaps("cam", "run", until, start, interruptions)
    if start - until < MIN_GAP_US:
        assert gaps == []
        return
    assert gaps[0].start_us == until
    assert gaps[-1].end_us == start
    assert all(g.end_us > g.start_us for g in gaps)
    assert all(a.end_us == b.start_us for a, b in itertools.pairwise(gaps))
    assert all(a.cause != b.cause for a, b in itertools.pairwise(gaps))
    assert {g.run for g in gaps} == {"run"}


@given(TIMES, TIMES, INTERRUPTIONS, st.randoms())
def test_the_order_in_which_causes_are_told_does_not_matter(until, start, interruptions, random) -> None:  # type: ignore[no-untyped-def]
    unique = list({i.since_us: i for i in interruptions}.values())
    shuffled = random.sample(unique, len(unique))
    clear = [i for i in unique if i.since_us is None or i.since_us > until]
    if len(clear) == len(unique):
        assert derive_gaps("c", "r", until, start, unique) == derive_gaps("c", "r", until, start, shuffled)


@given(TIMES, TIMES, st.lists(st.builds(Interruption, cause=CAUSES, since_us=TIMES), min_size=1, max_size=5), TIMES)
def test_each_instant_has_the_cause_that_was_last_told(
    until: int, start: int, interruptions: list[Interruption], at: int
) -> None:
    gaps = derive_gaps("cam", "run", until, start, interruptions)
    hit = [g for g in gaps if g.start_us <= at < g.end_us]
    if not hit:
        return
    times = [i.since_us for i in interruptions if i.since_us is not None]
    before = [t for t in times if t <= at]
    latest = max(before) if before else min(times)
    told = {i.cause for i in interruptions if i.since_us == latest}
    if latest >= until:
        assert hit[0].cause in told


@pytest.mark.parametrize(
    ("interruptions", "causes"),
    [
        ([], [("dropped", 0, 100)]),
        ([("service_down", None)], [("service_down", 0, 100)]),
        ([("camera_offline", None), ("service_down", 40)], [("camera_offline", 0, 40), ("service_down", 40, 100)]),
        ([("service_down", None), ("camera_offline", 500)], [("service_down", 0, 100)]),
        ([("camera_offline", 30)], [("camera_offline", 0, 100)]),
    ],
)
def test_examples(interruptions: list[tuple[str, int | None]], causes: list[tuple[str, int, int]]) -> None:
    second = 1_000_000
    told = [
        Interruption(cause=GapCause(c), since_us=None if since is None else since * second)
        for c, since in interruptions
    ]
    found = derive_gaps("cam", "run", 0, 100 * second, told)
    assert found == [Gap("cam", a * second, b * second, c, "", "run") for c, a, b in causes]
