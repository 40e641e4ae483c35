"""Whatever is read, visits begin and end as they should (S2-2, S2-5)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_detector.visits import Ended, Judged
from sighting_kit import START_US, Seen, Watching, look

seen = st.builds(
    Seen,
    st.sampled_from(["ABC1234", "A8C1234", "ABC123", "XYZ9876", "XYZ9875", "Q"]),
    st.floats(0, 1919),
    st.floats(0, 1079),
    st.floats(20, 400),
    st.one_of(st.floats(0, 1), st.just(0.5)),
)
steps = st.lists(st.tuples(st.floats(0, 30), st.lists(seen, max_size=4)), min_size=1, max_size=25)


@given(steps, st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=200, deadline=None)
def test_visits_begin_surely_end_once_and_lose_no_read(film: list[tuple[float, list[Seen]]], threshold: float) -> None:
    watching = Watching(threshold)
    at = 0.0
    for step, plates in film:
        at += step
        watching.at(at, *plates)
    watching.wait_until(at + 13 * 3600)
    opened = [j.visit.event for j in watching.opened if j.visit]
    assert len(opened) == len(set(opened))
    assert sorted(opened) == sorted(e.visit.event for e in watching.ended)
    for judged in watching.judged:
        assert judged.qualifies == (judged.sighting.read.confidence > threshold)
        assert not judged.opened or judged.qualifies
        assert judged.visit is not None or not judged.qualifies
    told = [o for o in watching.outcomes if isinstance(o, Ended) or (isinstance(o, Judged) and o.visit)]
    ended: set[str] = set()
    for outcome in told:
        assert outcome.visit is not None
        assert outcome.visit.event not in ended, "nothing is told of a visit after its end"
        assert outcome.visit.start_us <= outcome.visit.end_us
        if isinstance(outcome, Ended):
            ended.add(outcome.visit.event)
            assert outcome.time_us >= outcome.visit.end_us
    counted = sum(e.visit.reads for e in watching.ended)
    assert counted == sum(j.qualifies for j in watching.judged)


@given(steps)
@settings(max_examples=100, deadline=None)
def test_what_is_seen_twice_changes_nothing(film: list[tuple[float, list[Seen]]]) -> None:
    once, twice = Watching(), Watching()
    at = 0.0
    for step, plates in film:
        at += step
        one = look(at, *plates)
        once.see([one])
        twice.see([one, one])
    for watching in (once, twice):
        watching.wait_until(at + 13 * 3600)
    assert [(e.visit.text, e.visit.start_us, e.visit.reads) for e in once.ended] == [
        (e.visit.text, e.visit.start_us, e.visit.reads) for e in twice.ended
    ]
    assert len(once.judged) == len(twice.judged)
    assert START_US > 0
