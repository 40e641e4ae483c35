"""The coverage ledger: every instant of a camera is recorded, or in a gap with one cause. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from gatehouse_common.clock import SECOND
from gatehouse_common.intervals import Interval, merge
from gatehouse_common.messages import GapCause

from .records import Gap

SEAM_US = 50_000
"""A hole shorter than this is the jitter of frames around a change of runs, not missing footage."""
EDGE_US = 30 * SECOND
"""The index may be so far behind a camera that records before that counts as a gap: the longest GOP, and some."""

_INSIDE = frozenset({GapCause.DROPPED, GapCause.CORRUPT})
_NOBODY_WANTS = frozenset({GapCause.DISABLED, GapCause.PURGED, GapCause.DELETED})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of the ledger, ``[start_us, end_us)`` in microseconds UTC.

    Attributes:
        start_us: its first instant.
        end_us: the first instant after it.
        cause: why it is not recorded, a ``GapCause``; None: it is.
        explained: whether somebody told the cause; else it is what the rules below make of a hole.
        open: whether it goes on.
    """

    start_us: int
    end_us: int
    cause: str | None = None
    explained: bool = True
    open: bool = False

    @property
    def duration_us(self) -> int:
        """Length in microseconds."""
        return self.end_us - self.start_us


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a span is recorded, and why the rest is not.

    Attributes:
        span: what is told of; shorter than what was asked for where the camera did not exist, or nobody knows yet.
        stretches: a partition of it: by start, without overlap or hole.
    """

    span: Interval
    stretches: tuple[Stretch, ...]

    @property
    def recorded_us(self) -> int:
        """Microseconds recorded."""
        return self._sum(lambda s: s.cause is None)

    @property
    def expected_us(self) -> int:
        """Microseconds that should be there: without what was switched off, and what was let go of later."""
        return self._sum(lambda s: s.cause not in _NOBODY_WANTS)

    @property
    def unexplained_us(self) -> int:
        """Microseconds of gaps whose cause nobody told."""
        return self._sum(lambda s: not s.explained)

    @property
    def gaps_us(self) -> dict[str, int]:
        """Microseconds of gaps by cause, the longest first."""
        found: dict[str, int] = {}
        for one in self.stretches:
            if one.cause is not None:
                found[one.cause] = found.get(one.cause, 0) + one.duration_us
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def percentage(self) -> float | None:
        """Recorded of what is expected, 0 to 100; None where nothing is expected."""
        expected = self.expected_us
        return 100.0 * self.recorded_us / expected if expected else None

    def _sum(self, which: Callable[[Stretch], bool]) -> int:
        return sum(one.duration_us for one in self.stretches if which(one))


def coverage(
    recorded: Iterable[Interval],
    gaps: Iterable[Gap],
    wanted: Interval,
    now_us: int,
    *,
    known_until_us: int,
    present: str | None,
) -> Coverage:
    """Return the ledger of a span: a partition of it, each part recorded or a gap with exactly one cause.

    Where what is known contradicts itself: a pause inside a run, or a damaged place, is a gap although its file
    covers it; else what is recorded is no gap; of two gaps the one that began first keeps what both claim. A hole
    that nobody explains is a gap all the same: behind the last that is known its cause is what the camera does now,
    anywhere else ``dropped``. What has not happened, and what a camera that records has not told of yet
    (``EDGE_US``), is not told of.

    Args:
        recorded: spans with footage.
        gaps: those that the index knows.
        wanted: the span, from when the camera was added at the earliest.
        now_us: the time, microseconds UTC.
        known_until_us: where the last footage or gap of all ends.
        present: why the camera is not recorded now; None: it is.
    """
    until = min(wanted.end, now_us)
    if present is None and now_us - known_until_us <= EDGE_US:
        until = min(until, max(known_until_us, wanted.start))
    if until <= wanted.start:
        return Coverage(Interval(wanted.start, wanted.start), ())
    span = Interval(wanted.start, until)
    told = list(gaps)
    inner = _gaps([g for g in told if g.run is None and g.cause in _INSIDE], span)
    outer = _gaps([g for g in told if g.run is not None or g.cause not in _INSIDE], span)
    films = [Stretch(i.start, i.end) for i in merge(_clipped(recorded, span), slack=SEAM_US)]
    known = _over(_over(inner, films), outer)
    return Coverage(span, tuple(_joined(_filled(known, span, known_until_us, present))))


def _clipped(spans: Iterable[Interval], span: Interval) -> list[Interval]:
    return [found for one in spans if (found := one.intersect(span)) is not None]


def _gaps(gaps: Sequence[Gap], span: Interval) -> list[Stretch]:
    """Return gaps as stretches: clipped, sorted, disjoint."""
    found: list[Stretch] = []
    at = span.start
    for gap in sorted(gaps, key=lambda g: (g.start_us, g.end_us, g.cause)):
        start, end = max(gap.start_us, at), min(gap.end_us, span.end)
        if start < end:
            found.append(Stretch(start, end, gap.cause))
            at = end
    return found


def _over(top: Sequence[Stretch], bottom: Sequence[Stretch]) -> list[Stretch]:
    """Lay stretches over others; where both are, the upper ones show. All are sorted and disjoint."""
    shown: list[Stretch] = list(top)
    first = 0
    for one in bottom:
        at = one.start_us
        while first < len(top) and top[first].end_us <= at:
            first += 1
        for cover in top[first:]:
            if cover.start_us >= one.end_us:
                break
            if cover.start_us > at:
                shown.append(replace(one, start_us=at, end_us=cover.start_us))
            at = max(at, cover.end_us)
        if at < one.end_us:
            shown.append(replace(one, start_us=at))
    return sorted(shown, key=lambda s: s.start_us)


def _filled(known: Sequence[Stretch], span: Interval, known_until_us: int, present: str | None) -> list[Stretch]:
    """Return ``known`` and the holes between, as gaps; what is shorter than a seam belongs to what is beside it."""
    filled: list[Stretch] = []
    at = span.start
    for one in [*known, Stretch(span.end, span.end)]:
        beside = filled[-1] if filled else one
        if 0 < one.start_us - at < SEAM_US and beside.duration_us:
            filled.append(replace(beside, start_us=at, end_us=one.start_us))
        elif at < one.start_us:
            filled += _hole(at, one.start_us, known_until_us, present)
        if one.duration_us:
            filled.append(one)
            at = one.end_us
    return filled


def _hole(start: int, end: int, known_until_us: int, present: str | None) -> list[Stretch]:
    edge = min(max(known_until_us, start), end)
    found = []
    if start < edge:
        found.append(Stretch(start, edge, GapCause.DROPPED.value, explained=False))
    if edge < end:
        # Whoever records says so, and the index hears of no footage: somebody between the two is down.
        cause = GapCause.SERVICE_DOWN.value if present is None else present
        found.append(Stretch(edge, end, cause, explained=present is not None, open=True))
    return found


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for one in stretches:
        if joined and replace(joined[-1], start_us=one.start_us, end_us=one.end_us) == one:
            joined[-1] = replace(joined[-1], end_us=one.end_us)
        else:
            joined.append(one)
    return joined
