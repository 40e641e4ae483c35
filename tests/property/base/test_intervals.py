"""Arithmetic on half-open ranges against the set of instants they stand for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.intervals import Interval, merge, subtract

intervals = st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda p: Interval(p[0], p[0] + p[1]))


def instants(*some: Interval) -> set[int]:
    return {i for one in some for i in range(one.start, one.end)}


@given(st.lists(intervals, max_size=12))
def test_merge_covers_the_same_instants_disjointly(some: list[Interval]) -> None:
    merged = merge(some)
    assert instants(*merged) == instants(*some)
    assert all(a.end < b.start for a, b in itertools.pairwise(merged))


@given(intervals, st.lists(intervals, max_size=12))
def test_subtract_leaves_exactly_the_rest(whole: Interval, parts: list[Interval]) -> None:
    left = subtract(whole, parts)
    assert instants(*left) == instants(whole) - instants(*parts)
    assert all(a.end < b.start for a, b in itertools.pairwise(left))


@given(intervals, intervals)
def test_intersection_is_what_both_share(a: Interval, b: Interval) -> None:
    both = a.intersect(b)
    assert instants(*([both] if both else [])) == instants(a) & instants(b)
    if a.duration and b.duration:
        assert a.overlaps(b) == bool(both)


def test_an_interval_never_ends_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        Interval(2, 1)
