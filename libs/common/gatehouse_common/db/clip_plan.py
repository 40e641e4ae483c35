"""Which clips the reads of a camera ask for: pure arithmetic on wall time, microseconds UTC.

A read asks for its *window* ``[read - pre, read + post)``. Windows that overlap or touch are one *stretch*, and a
stretch is cut into clips of at most the longest allowed, each going on where the one before it ends; a rest that is too
short for a clip of its own is part of the last. What clips there
are depends on the reads alone, not on the order in which they are told, nor on how often - until a clip is made: then
it is as it is, and what comes late gets a clip of its own, with the whole of its window in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gatehouse_common.intervals import Interval, subtract


@dataclass(frozen=True, slots=True)
class Reach:
    """The first and last read of a plate event that a clip is for."""

    event: str
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A clip that is wanted; ``id`` is empty if it is new. ``previous`` is the id of the clip that it goes on from."""

    id: str
    span: Interval
    reaches: tuple[Reach, ...]
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done so that a read is in a clip.

    Attributes:
        pieces: clips that are planned, in order; each but the first goes on from the one before it.
        dropped: ids of planned clips that became part of others.
        joined: clips that were made already, and that the event is in too, as they shall be.
    """

    pieces: list[Piece] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    joined: list[Piece] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long before and after a read a clip reaches, how long it may be, and the least that is one; microseconds."""

    pre_us: int
    post_us: int
    max_us: int
    least_us: int = 0

    def window(self, first_us: int, last_us: int) -> Interval:
        """Return what the reads of a time ask for; never nothing, or there would be no clip of them."""
        start = first_us - self.pre_us
        return Interval(start, max(last_us + self.post_us, start + 1))


def plan_read(read: Reach, lengths: Lengths, planned: Sequence[Piece], made: Sequence[Piece]) -> Plan:
    """Return the clips that are wanted once a read is known.

    Args:
        read: the read, of one instant; its event.
        lengths: how long clips are.
        planned: the camera's clips that are planned; no two overlap.
        made: those that were made or given up, and that share an instant with the window; as they were wanted.
    """
    window = lengths.window(read.first_us, read.last_us)
    touching = [piece for piece in made if piece.span.overlaps(window)]
    joined = [replace(piece, reaches=_join([*piece.reaches, read])) for piece in touching]
    if not subtract(window, [piece.span for piece in touching]):
        return Plan(joined=joined)
    for piece in sorted(touching, key=lambda p: p.span.end):
        goes_on = any(p.previous == piece.id and p.span.start == piece.span.end for p in planned)
        if goes_on and piece.span.start <= window.start < piece.span.end < window.end:
            window = Interval(piece.span.end, window.end)
        else:
            joined = [other for other in joined if other.id != piece.id]
    stretch = _stretch(window, planned)
    span = _hull([window, *(piece.span for piece in stretch)])
    reaches = _join([*(reach for piece in stretch for reach in piece.reaches), read])
    return Plan(*_cut(span, reaches, lengths, stretch), joined)


def left_over(planned: Piece, cut: Interval, lengths: Lengths) -> list[Piece]:
    """Return what is still wanted of a clip of which ``cut`` was made: it grew while it was being made.

    What goes on from it begins where it ends. What a read asks for that came before it has the whole window of that
    read, as of one that comes late; the frames that both have are in both.

    Args:
        planned: the clip as it is wanted now.
        cut: as it was wanted when it was begun.
        lengths: how long clips are.
    """
    found: list[Piece] = []
    for rest in subtract(planned.span, [cut]):
        goes_on = rest.start == cut.end
        span = rest if goes_on or planned.previous else Interval(rest.start, _early_end(planned, cut, rest, lengths))
        found.append(Piece("", span, inside(planned.reaches, span, lengths), planned.id if goes_on else None))
    return found


def _early_end(planned: Piece, cut: Interval, rest: Interval, lengths: Lengths) -> int:
    """Return where the windows end that begin before ``cut``."""
    ends = [
        lengths.window(r.first_us, min(r.last_us, cut.start + lengths.pre_us)).end
        for r in planned.reaches
        if r.first_us - lengths.pre_us < cut.start
    ]
    return max(rest.end, min(cut.end, planned.span.end, max(ends, default=rest.end)))


def inside(reaches: tuple[Reach, ...], span: Interval, lengths: Lengths) -> tuple[Reach, ...]:
    """Return those that have a part of a span in their windows; all of them if none has."""
    found = tuple(r for r in reaches if lengths.window(r.first_us, r.last_us).overlaps(span))
    return found or reaches


def _stretch(window: Interval, planned: Sequence[Piece]) -> list[Piece]:
    """Return the planned clips that are one stretch with the window, in order."""
    found: list[Piece] = []
    span = window
    rest = sorted(planned, key=lambda p: p.span.start)
    while near := [p for p in rest if p.span.start <= span.end and p.span.end >= span.start]:
        found += near
        rest = [p for p in rest if p not in near]
        span = _hull([span, *(p.span for p in near)])
    return sorted(found, key=lambda p: p.span.start)


def _cut(
    span: Interval, reaches: tuple[Reach, ...], lengths: Lengths, before: Sequence[Piece]
) -> tuple[list[Piece], list[str]]:
    """Return a stretch as clips, and the ids that are not needed any more; ids stay with the clips in order."""
    ids = [piece.id for piece in before]
    pieces: list[Piece] = []
    for n, start in enumerate(range(span.start, span.end, lengths.max_us)):
        end = min(start + lengths.max_us, span.end)
        part = Interval(start, span.end if span.end - end < lengths.least_us else end)
        pieces.append(Piece(ids[n] if n < len(ids) else "", part, inside(reaches, part, lengths)))
        if part.end == span.end:
            break
    if before and before[0].span.start == span.start:
        pieces[0] = replace(pieces[0], previous=before[0].previous)
    return pieces, ids[len(pieces) :]


def _join(reaches: Sequence[Reach]) -> tuple[Reach, ...]:
    """Return one reach for each event, in the order in which they began."""
    found: dict[str, Reach] = {}
    for reach in reaches:
        known = found.get(reach.event, reach)
        first_us, last_us = min(known.first_us, reach.first_us), max(known.last_us, reach.last_us)
        found[reach.event] = Reach(reach.event, first_us, last_us)
    return tuple(sorted(found.values(), key=lambda r: (r.first_us, r.event)))


def _hull(spans: Sequence[Interval]) -> Interval:
    return Interval(min(span.start for span in spans), max(span.end for span in spans))
