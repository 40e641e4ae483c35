"""Rows of media, as whoever makes media writes them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from sqlalchemy import insert

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Database, Media, MediaFile
from gatehouse_common.db.media_models import MediaFileRow, MediaRow
from gatehouse_common.ids import new_id

T = 1_800_000_000_000_000
ADA = 1


def put(db: Database, number: int, **more: Any) -> Media:
    """A medium that is ready."""
    media = Media(
        number=number,
        id=new_id(),
        owner=ADA,
        owner_name="ada",
        kind="upload",
        name=f"film {number}.webm",
        folder=f"uploads/ada.1/{number}/",
        upload=None,
        session=None,
        state="ready",
        stage="",
        detail="",
        type="video/webm",
        bytes=100 * number,
        digest="",
        lasted_us=number * SECOND,
        width=640,
        height=480,
        fps=30.0,
        video_codec="vp8",
        audio_codec="opus",
        start_us=None,
        created_us=T + number,
        ready_us=T + number,
    )
    media = replace(media, **more)
    with db.begin() as c:
        c.execute(insert(MediaRow).values({f.name: getattr(media, f.name) for f in fields(Media)}))
    return media


def add_file(db: Database, media: Media, kind: str, size: int = 10, **more: Any) -> MediaFile:
    """A file of a medium, as its row says."""
    file = MediaFile(media.number, kind, "", f"{media.folder}{kind}.bin", "video/webm", size, "ready", T)
    file = replace(file, **more)
    with db.begin() as c:
        row = {f.name: getattr(file, f.name) for f in fields(MediaFile)} | {"facts": dict(file.facts)}
        c.execute(insert(MediaFileRow).values(row))
    return file
