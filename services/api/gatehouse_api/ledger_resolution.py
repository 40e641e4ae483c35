"""A ledger as coarse as it is looked at: a month on a screen has two thousand places, and may have many more gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatehouse_common.db import Gap
from gatehouse_common.intervals import Interval, merge, subtract
from gatehouse_common.messages import GapCause


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Gaps of one cause that are told together.

    Attributes:
        start_us: when the first begins, microseconds UTC.
        end_us: when the last ends.
        cause: of each of them.
        detail: of the last that has one.
        count: how many there are.
        missing_us: how long they are together.
    """

    start_us: int
    end_us: int
    cause: str
    detail: str
    count: int
    missing_us: int


def unexplained(camera: str, recorded: Sequence[Interval], gaps: Iterable[Gap], seam_us: int) -> list[Gap]:
    """Return the holes between spans that no gap accounts for, as gaps: seen coarsely, they would be as if recorded.

    Args:
        camera: whose.
        recorded: its spans, sorted.
        gaps: what is known of it.
        seam_us: a shorter hole is none.
    """
    if not recorded:
        return []
    known = merge([*recorded, *(Interval(gap.start_us, gap.end_us) for gap in gaps)], slack=seam_us)
    left = subtract(Interval(recorded[0].start, recorded[-1].end), known)
    return [Gap(camera, hole.start, hole.end, GapCause.DROPPED.value) for hole in left]


def group_gaps(gaps: Iterable[Gap], resolution_us: int) -> list[GapGroup]:
    """Return gaps, those of one cause that lie within ``resolution_us`` together, by start.

    A group never reaches further than that, so that many short gaps do not become a long one; a longer gap is a group
    of its own. With 0 every gap is.
    """
    groups: list[GapGroup] = []
    open_groups: dict[str, list[Gap]] = {}
    for gap in sorted(gaps, key=lambda one: one.start_us):
        members = open_groups.get(gap.cause)
        if members and max(gap.end_us, members[0].end_us) - members[0].start_us <= resolution_us:
            members.append(gap)
            continue
        if members:
            groups.append(_group(members))
        open_groups[gap.cause] = [gap]
    groups += [_group(members) for members in open_groups.values()]
    return sorted(groups, key=lambda one: one.start_us)


def _group(members: Sequence[Gap]) -> GapGroup:
    details = [gap.detail for gap in members if gap.detail]
    return GapGroup(
        start_us=members[0].start_us,
        end_us=max(gap.end_us for gap in members),
        cause=members[0].cause,
        detail=details[-1] if details else "",
        count=len(members),
        missing_us=sum(gap.end_us - gap.start_us for gap in members),
    )
