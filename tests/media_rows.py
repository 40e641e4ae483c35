"""Rows of media, as whoever makes media writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Database, Media, MediaFile
from gatehouse_common.db.media_models import MediaFileRow, MediaRow
from gatehouse_common.db.upkeep_models import FactRow
from gatehouse_common.ids import new_id

T = 1_800_000_000_000_000
ADA = 1


def put(db: Database, number: int, **more: Any) -> Media:
    """A medium that is ready."""
    return put_many(db, [{"number": number, **more}])[0]


def put_many(db: Database, each: Sequence[Mapping[str, Any]]) -> list[Media]:
    """Media that are ready, with what is otherwise of each; what is taken in after them gets numbers beyond theirs."""
    media = [medium(**more) for more in each]
    with db.begin() as c:
        c.execute(insert(MediaRow), [{f.name: getattr(one, f.name) for f in fields(Media)} for one in media])
        _count_on(c, max(one.number for one in media))
    return media


def _count_on(c: Connection, number: int) -> None:
    """Let the count that gives media their numbers go on after a number, unless it is beyond it already."""
    lock = FactRow.name == "media.lock"
    told = c.execute(select(FactRow.value).where(lock).with_for_update()).scalar_one()
    c.execute(update(FactRow).where(lock).values(value=str(max(int(told or 0), number))))


def medium(number: int, **more: Any) -> Media:
    """A medium that is ready."""
    media = Media(
        number=number,
        id=new_id(),
        owner=ADA,
        owner_name="ada",
        kind="upload",
        name=f"film {number}.webm",
        folder=f"uploads/ada.1/{number}/",
        state="ready",
        type="video/webm",
        bytes=100 * number,
        lasted_us=number * SECOND,
        width=640,
        height=480,
        fps=30.0,
        video_codec="vp8",
        audio_codec="opus",
        created_us=T + number,
        ready_us=T + number,
    )
    return replace(media, **more)


def add_file(db: Database, media: Media, kind: str, size: int = 10, **more: Any) -> MediaFile:
    """A file of a medium, as its row says."""
    file = MediaFile(media.number, kind, "", f"{media.folder}{kind}.bin", "video/webm", size, "ready", T)
    file = replace(file, **more)
    with db.begin() as c:
        row = {f.name: getattr(file, f.name) for f in fields(MediaFile)} | {"facts": dict(file.facts)}
        c.execute(insert(MediaFileRow).values(row))
    return file
