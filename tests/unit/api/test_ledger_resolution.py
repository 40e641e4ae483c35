"""A ledger told more coarsely: nothing is lost of how much is missing, and why."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_api.ledger_resolution import group_gaps, unexplained
from gatehouse_common.db import Gap
from gatehouse_common.intervals import Interval, merge, subtract

S = 1_000_000

_GAPS = st.lists(
    st.builds(
        lambda start, length, cause: Gap("gate", start, start + length, cause),
        st.integers(0, 1000 * S),
        st.integers(1, 90 * S),
        st.sampled_from(["camera_offline", "disabled", "storage_full"]),
    ),
    max_size=60,
)


@given(_GAPS, st.integers(0, 300 * S))
def test_every_gap_is_in_one_group_of_its_cause(gaps: list[Gap], resolution_us: int) -> None:
    """S1-5: what is missing stays as much as it is, however coarsely it is told."""
    groups = group_gaps(gaps, resolution_us)
    for cause in {gap.cause for gap in gaps} | {group.cause for group in groups}:
        of_cause = [gap for gap in gaps if gap.cause == cause]
        told = [group for group in groups if group.cause == cause]
        assert sum(group.count for group in told) == len(of_cause)
        assert sum(group.missing_us for group in told) == sum(gap.end_us - gap.start_us for gap in of_cause)
        for gap in of_cause:
            assert any(group.start_us <= gap.start_us and gap.end_us <= group.end_us for group in told)
    for group in groups:
        assert group.count == 1 or group.end_us - group.start_us <= resolution_us
    assert groups == sorted(groups, key=lambda group: group.start_us)


def test_a_month_of_short_gaps_has_no_more_groups_than_places() -> None:
    """A gap of a second in every five minutes of 30 days, on 2000 places."""
    gaps = [Gap("gate", k * 300 * S, (k * 300 + 1) * S, "camera_offline") for k in range(30 * 288)]
    groups = group_gaps(gaps, 30 * 86400 * S // 2000)
    assert len(groups) <= 2000
    assert sum(group.count for group in groups) == 8640
    assert len(group_gaps(gaps, 0)) == 8640


_SPANS = st.lists(st.tuples(st.integers(0, 1000 * S), st.integers(1, 90 * S)), max_size=40)


@given(_SPANS, _GAPS)
def test_a_hole_that_nobody_explains_is_a_gap(spans: list[tuple[int, int]], gaps: list[Gap]) -> None:
    """S1-5: each instant between two recordings is recorded, in a gap that is known, or in one that is told."""
    seam_us = S // 20
    recorded = merge(Interval(start, start + length) for start, length in spans)
    holes = unexplained("gate", recorded, gaps, seam_us)
    assert {hole.cause for hole in holes} <= {"dropped"}
    known = [*recorded, *(Interval(gap.start_us, gap.end_us) for gap in gaps)]
    told = [Interval(hole.start_us, hole.end_us) for hole in holes]
    assert not [hole for hole in told for one in known if hole.overlaps(one)]
    if recorded:
        left = subtract(Interval(recorded[0].start, recorded[-1].end), [*known, *told])
        assert all(one.duration <= seam_us for one in left)
