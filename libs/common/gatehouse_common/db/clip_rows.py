"""Rows of clips: read with the events in them, and written as a plan says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, insert, select, update

from gatehouse_common.clock import ticks_us
from gatehouse_common.errors import NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval

from .clip_plan import Lengths, Piece, Plan, Reach, inside, left_over
from .happenings import note
from .models import CameraRow, RunRow
from .plate_models import MAX_CLIP_US, ClipPlateEventRow, ClipRow
from .plate_records import Clip

CLIP = [getattr(ClipRow, f.name) for f in fields(Clip) if f.name != "events"]

_WANTED: list[Any] = [ClipRow.id, ClipRow.wanted_start_us, ClipRow.wanted_end_us, ClipRow.previous]
_IDS_AT_ONCE = 500
_EMPTY: Final = {"key": "", "bytes": 0, "width": 0, "height": 0, "frames": 0, "detail": "", "stored_us": None}


def lock_camera(c: Connection, camera: str) -> None:
    """Keep others from planning and making clips of a camera until the end of the transaction.

    A camera that was removed has no row to be locked. Then two that are at the same clips find themselves in a
    deadlock, and one of them begins anew.
    """
    c.execute(select(CameraRow.id).where(CameraRow.id == camera).with_for_update())


def wall_time(c: Connection, run: str, pts: int, told_us: int) -> int:
    """Return when a frame is on the screen by its run's origin; of a run that is not known, as it was told."""
    origin_us = c.execute(select(RunRow.origin_us).where(RunRow.id == run)).scalar()
    return told_us if origin_us is None else int(origin_us) + ticks_us(pts)


def move_planned(c: Connection, camera: str, since_us: int, moved_us: int) -> None:
    """Move the planned clips of a camera in time, as far as they are for reads since then: their run has moved.

    Those before belong to another run. A clip that is for both begins where it did.
    """
    lock_camera(c, camera)
    for piece in planned_of(c, camera):
        reaches = tuple(
            replace(
                r,
                first_us=r.first_us + (moved_us if r.first_us >= since_us else 0),
                last_us=r.last_us + (moved_us if r.last_us >= since_us else 0),
            )
            for r in piece.reaches
        )
        if reaches == piece.reaches:
            continue
        whole = all(r.first_us >= since_us for r in piece.reaches)
        start = piece.span.start + (moved_us if whole else 0)
        span = Interval(start, min(max(start + 1, piece.span.end + moved_us), start + MAX_CLIP_US))
        _put(c, camera, replace(piece, span=span, reaches=reaches), piece, 0)


def find_clips(c: Connection, query: Select[Any]) -> list[Clip]:
    """Return the clips of a query of ``CLIP``, in its order, with their events."""
    rows = c.execute(query).all()
    events: dict[str, list[str]] = {}
    for reach_of, reach in _reaches(c, [row.id for row in rows]):
        events.setdefault(reach_of, []).append(reach.event)
    return [Clip(**row._mapping, events=tuple(events.get(row.id, ()))) for row in rows]  # noqa: SLF001 - is public


def planned_of(c: Connection, camera: str) -> list[Piece]:
    """Return the clips of a camera that are planned, locked."""
    return _pieces(c, select(*_WANTED).where(ClipRow.state == "planned", ClipRow.camera == camera))


def made_in(c: Connection, camera: str, window: Interval) -> list[Piece]:
    """Return the clips of a camera that were made or given up and were wanted for a part of a time, locked."""
    near = (
        ClipRow.camera == camera,
        ClipRow.wanted_start_us > window.start - MAX_CLIP_US,  # what the index can seek to
        ClipRow.wanted_start_us < window.end,
        ClipRow.wanted_end_us > window.start,
    )
    return _pieces(c, select(*_WANTED).where(*near, ClipRow.state != "planned"))


def write(c: Connection, camera: str, plan: Plan, known: Sequence[Piece], now_us: int) -> list[str]:
    """Do what a plan says; return the ids of the clips in it, in order of time.

    Args:
        c: a connection on which the camera is locked.
        camera: whose clips they are.
        plan: what to do.
        known: the clips that the plan was made from, as they are kept.
        now_us: the time, for clips that are new.
    """
    before = {piece.id: piece for piece in known}
    placed: list[Piece] = []
    for piece in plan.pieces:
        previous = placed[-1].id if placed else piece.previous
        placed.append(_put(c, camera, replace(piece, previous=previous), before.get(piece.id), now_us))
    for piece in plan.joined:
        if piece != before.get(piece.id):
            _link(c, piece)
    if plan.dropped:
        c.execute(delete(ClipRow).where(ClipRow.id.in_(plan.dropped)))
        c.execute(delete(ClipPlateEventRow).where(ClipPlateEventRow.clip.in_(plan.dropped)))
    if placed:
        _follow(c, camera, placed[-1], [*plan.dropped, *(piece.id for piece in placed)])
    return [piece.id for piece in sorted([*plan.joined, *placed], key=lambda p: (p.span, p.id))]


def finish(
    c: Connection, clip: str, values: dict[str, Any], cut: Interval | None, lengths: Lengths, at_us: int
) -> None:
    """Give a planned clip its end; what it was made longer by since it was begun is planned anew.

    Events of which only that has anything are no longer in it.

    Raises:
        NotFound: there is no such clip any more.
    """
    state = c.execute(select(ClipRow.state, ClipRow.camera).where(ClipRow.id == clip).with_for_update()).first()
    if state is None:
        raise NotFound(f"the clip {clip[:64]!r} has become part of another")
    if state.state not in {"planned", "failed"}:
        return
    kept = next(iter(_pieces(c, select(*_WANTED).where(ClipRow.id == clip))))
    cut = cut or kept.span
    c.execute(
        update(ClipRow).where(ClipRow.id == clip).values(wanted_start_us=cut.start, wanted_end_us=cut.end, **values)
    )
    note(c, "clip.failed" if values["state"] == "failed" else "clip.ready", clip, state.camera, at_us)
    if state.state == "failed":
        return
    if kept.span != cut and (reaches := inside(kept.reaches, cut, lengths)) != kept.reaches:
        _link(c, replace(kept, reaches=reaches))
        c.execute(update(ClipRow).where(ClipRow.id == clip).values(_reads(reaches)))
    for rest in left_over(kept, cut, lengths):
        placed = _put(c, state.camera, rest, None, at_us)
        _follow(c, state.camera, placed, [clip])


def _follow(c: Connection, camera: str, last: Piece, of: Collection[str]) -> None:
    """Let clips that go on where one ends say so, if they went on from what it was made of."""
    here = (ClipRow.camera == camera, ClipRow.wanted_start_us == last.span.end, ClipRow.id != last.id)
    c.execute(update(ClipRow).where(*here, ClipRow.previous.in_(list(of))).values(previous=last.id))


def _pieces(c: Connection, query: Select[Any]) -> list[Piece]:
    rows = c.execute(query.with_for_update()).all()
    reaches: dict[str, list[Reach]] = {}
    for clip, reach in _reaches(c, [row.id for row in rows]):
        reaches.setdefault(clip, []).append(reach)
    return [
        Piece(row.id, Interval(row.wanted_start_us, row.wanted_end_us), tuple(reaches.get(row.id, ())), row.previous)
        for row in rows
    ]


def _reaches(c: Connection, clips: Sequence[str]) -> Iterator[tuple[str, Reach]]:
    """Yield the events of clips in the order in which they began."""
    of = ClipPlateEventRow
    for at in range(0, len(clips), _IDS_AT_ONCE):
        query = select(of.clip, of.event, of.first_us, of.last_us).where(of.clip.in_(clips[at : at + _IDS_AT_ONCE]))
        for clip, event, first_us, last_us in c.execute(query.order_by(of.clip, of.first_us, of.event)):
            yield clip, Reach(event, first_us, last_us)


def _put(c: Connection, camera: str, piece: Piece, before: Piece | None, now_us: int) -> Piece:
    """Write a planned clip as it shall be; return it with its id."""
    if piece == before:
        return piece
    span = {"start_us": piece.span.start, "end_us": piece.span.end}
    wanted = {"wanted_start_us": piece.span.start, "wanted_end_us": piece.span.end}
    values = {**span, **wanted, **_reads(piece.reaches), "previous": piece.previous}
    if piece.id:
        c.execute(update(ClipRow).where(ClipRow.id == piece.id).values(values))
    else:
        piece = replace(piece, id=new_id())
        new = {"id": piece.id, "camera": camera, "state": "planned", "created_us": now_us, **_EMPTY}
        c.execute(insert(ClipRow).values({**new, **values}))
    if before is None or piece.reaches != before.reaches:
        _link(c, piece)
    return piece


def _reads(reaches: Sequence[Reach]) -> dict[str, int]:
    return {"first_us": min(r.first_us for r in reaches), "last_us": max(r.last_us for r in reaches)}


def _link(c: Connection, piece: Piece) -> None:
    c.execute(delete(ClipPlateEventRow).where(ClipPlateEventRow.clip == piece.id))
    rows = [{"clip": piece.id, "event": r.event, "first_us": r.first_us, "last_us": r.last_us} for r in piece.reaches]
    c.execute(insert(ClipPlateEventRow), rows)
