"""Which clips reads ask for (S2-3 to S2-6): the same however they are told, without a gap, and never too long."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.db.clip_plan import Lengths, Piece, Reach, inside, left_over, plan_read
from gatehouse_common.intervals import Interval, merge, subtract

LENGTHS = Lengths(5, 15, 100)

reads = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from("abcd")).map(lambda r: Reach(r[1], r[0], r[0])), max_size=30
)


@dataclass
class Clips:
    """The clips of a camera, changed as plans say."""

    lengths: Lengths = LENGTHS
    planned: dict[str, Piece] = field(default_factory=dict)
    made: dict[str, Piece] = field(default_factory=dict)
    count: int = 0

    def see(self, read: Reach) -> list[str]:
        window = self.lengths.window(read.first_us, read.last_us)
        near = [piece for piece in self.made.values() if piece.span.overlaps(window)]
        plan = plan_read(read, self.lengths, list(self.planned.values()), near)
        for one in plan.dropped:
            del self.planned[one]
        self.made.update((piece.id, piece) for piece in plan.joined)
        placed: list[Piece] = []
        for piece in plan.pieces:
            previous = placed[-1].id if placed else piece.previous
            placed.append(self.put(replace(piece, previous=previous)))
        return [piece.id for piece in [*plan.joined, *placed]]

    def put(self, piece: Piece) -> Piece:
        if not piece.id:
            self.count += 1
            piece = replace(piece, id=f"clip-{self.count}")
        self.planned[piece.id] = piece
        return piece

    def make(self, clip: str, cut: Interval | None = None) -> None:
        piece = self.planned.pop(clip)
        cut = cut or piece.span
        reaches = inside(piece.reaches, cut, self.lengths) if cut != piece.span else piece.reaches
        self.made[clip] = replace(piece, span=cut, reaches=reaches)
        for rest in left_over(piece, cut, self.lengths):
            self.put(rest)

    @property
    def spans(self) -> list[Interval]:
        return sorted(piece.span for piece in self.planned.values())

    def shape(self) -> list[tuple[Interval, tuple[Reach, ...]]]:
        return sorted((piece.span, piece.reaches) for piece in self.planned.values())


def wanted(of: list[Reach], lengths: Lengths) -> list[Interval]:
    return merge(lengths.window(read.first_us, read.last_us) for read in of)


def told(of: list[Reach], lengths: Lengths = LENGTHS) -> Clips:
    clips = Clips(lengths)
    for read in of:
        clips.see(read)
    return clips


@given(reads, st.integers(0, 10), st.integers(0, 20), st.integers(1, 130))
def test_clips_are_the_windows_of_the_reads_cut_at_the_longest(
    of: list[Reach], pre: int, post: int, longest: int
) -> None:
    lengths = Lengths(pre, post, longest)
    clips = told(of, lengths)
    assert merge(clips.spans) == wanted(of, lengths)
    for stretch in wanted(of, lengths):
        inside = [span for span in clips.spans if stretch.overlaps(span)]
        starts = list(range(stretch.start, stretch.end, longest))
        assert [span.start for span in inside] == starts
        assert [span.end for span in inside] == [*starts[1:], stretch.end]


@given(reads, st.randoms(use_true_random=False))
def test_the_order_in_which_reads_are_told_does_not_matter(of: list[Reach], chance: object) -> None:
    mixed = list(of)
    chance.shuffle(mixed)  # type: ignore[attr-defined] - a random.Random
    assert told(mixed).shape() == told(of).shape()


@given(reads)
def test_telling_again_changes_nothing(of: list[Reach]) -> None:
    clips = told(of)
    before = dict(clips.planned)
    for read in of:
        ids = clips.see(read)
        assert set(ids) <= set(before)
        assert any(clips.planned[one].span.contains(read.first_us) for one in ids)
    assert clips.planned == before


@given(reads)
def test_every_event_is_in_every_clip_that_its_windows_touch(of: list[Reach]) -> None:
    clips = told(of)
    for read in of:
        window = LENGTHS.window(read.first_us, read.last_us)
        for piece in clips.planned.values():
            if piece.span.overlaps(window):
                assert any(
                    reach.event == read.event and reach.first_us <= read.first_us <= reach.last_us
                    for reach in piece.reaches
                )


@given(reads)
def test_a_clip_goes_on_from_the_one_that_ends_where_it_begins(of: list[Reach]) -> None:
    clips = told(of)
    by_end = {piece.span.end: piece.id for piece in clips.planned.values()}
    for piece in clips.planned.values():
        assert piece.previous == by_end.get(piece.span.start)


steps = st.lists(
    st.one_of(
        reads.map(lambda of: ("see", of[:3])),
        st.tuples(st.just("make"), st.integers(0, 5)),
        st.tuples(st.just("make-as-it-was"), st.integers(0, 5), reads.map(lambda of: of[:3])),
    ),
    max_size=25,
)


@given(steps)
def test_nothing_is_missed_while_clips_are_made(of: list[tuple[object, ...]]) -> None:
    clips, known = Clips(), []
    for what, *rest in of:
        told_now = [read for one in rest if isinstance(one, list) for read in one]
        known += told_now
        if what == "see":
            for read in told_now:
                clips.see(read)
            continue
        planned = sorted(clips.planned.values(), key=lambda p: p.span)
        if not planned:
            for read in told_now:
                clips.see(read)
            continue
        chosen = planned[int(str(rest[0])) % len(planned)]
        for read in told_now:  # while the clip is being made
            clips.see(read)
        if chosen.id in clips.planned:
            clips.make(chosen.id, chosen.span)
    spans = [piece.span for piece in [*clips.planned.values(), *clips.made.values()]]
    for read in known:
        assert subtract(LENGTHS.window(read.first_us, read.last_us), spans) == []
    for piece in clips.planned.values():
        assert 0 < piece.span.duration <= LENGTHS.max_us
        assert piece.reaches
    assert sum(p.span.duration for p in clips.planned.values()) == sum(s.duration for s in merge(clips.spans))


@given(reads)
def test_a_made_clip_stays_as_it_is(of: list[Reach]) -> None:
    clips = told(of[:5])
    for one in list(clips.planned):
        clips.make(one)
    before = {one: piece.span for one, piece in clips.made.items()}
    for read in of:
        clips.see(read)
    assert {one: piece.span for one, piece in clips.made.items()} == before


def test_what_comes_late_has_its_whole_window_though_a_part_of_it_is_in_a_made_clip() -> None:
    clips = told([Reach("a", 100, 100)])
    clips.make("clip-1")
    clips.see(Reach("b", 112, 112))
    assert clips.spans == [Interval(107, 127)]
    assert {reach.event for reach in clips.made["clip-1"].reaches} == {"a"}


def test_what_comes_late_and_is_in_a_made_clip_joins_it() -> None:
    clips = told([Reach("a", 100, 100), Reach("a", 130, 130), Reach("a", 115, 115)])
    clips.make("clip-1")
    assert clips.see(Reach("b", 118, 118)) == ["clip-1"]
    assert clips.planned == {}
    assert [reach.event for reach in clips.made["clip-1"].reaches] == ["a", "b"]


def test_what_comes_while_a_clip_is_made_has_its_whole_window_in_a_file() -> None:
    clips = told([Reach("a", 100, 100)])  # [95, 115), and being made
    for read in (Reach("before", 92, 92), Reach("after", 112, 112), Reach("behind", 121, 121)):
        clips.see(read)
    clips.make("clip-1", Interval(95, 115))
    assert [(span, [r.event for r in reaches]) for span, reaches in clips.shape()] == [
        (Interval(87, 107), ["before", "a"]),
        (Interval(115, 136), ["after", "behind"]),
    ]
    assert [reach.event for reach in clips.made["clip-1"].reaches] == ["before", "a", "after"]
    shape = clips.shape()
    clips.see(Reach("before", 92, 92))
    assert clips.shape() == shape


@given(reads, st.integers(1, 130), st.integers(0, 5))
def test_no_clip_is_of_less_than_is_one(of: list[Reach], longest: int, least: int) -> None:
    """S2-6: what a stretch has left over is part of its last clip, and nothing of it is lost."""
    lengths = Lengths(5, 15, longest, min(least, longest))
    clips = told(of, lengths)
    assert merge(clips.spans) == wanted(of, lengths)
    assert all(lengths.least_us <= span.duration < longest + max(1, lengths.least_us) for span in clips.spans)
    assert clips.shape() == told(of[::-1], lengths).shape()


def test_a_chain_goes_on_after_its_first_clip_is_made() -> None:
    clips = told([Reach("a", at, at) for at in range(5, 105, 10)])  # [0, 110): 100 and 10 long
    clips.make("clip-1")
    assert clips.see(Reach("a", 98, 98)) == ["clip-1", "clip-2"]
    assert clips.see(Reach("b", 103, 103)) == ["clip-1", "clip-2"]
    assert clips.spans == [Interval(100, 118)]
    assert clips.planned["clip-2"].previous == "clip-1"
    assert [reach.event for reach in clips.made["clip-1"].reaches] == ["a", "b"]
