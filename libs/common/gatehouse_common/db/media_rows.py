"""How the rows of uploads, of their pieces, of media and of their files are read and written, by all who do so."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Connection, select

from gatehouse_common.errors import NotFound

from .media_models import MediaFileRow, MediaRow
from .media_records import Media, MediaFile, Piece, Upload
from .upload_models import UploadPieceRow, UploadRow

UPLOAD: Final = [getattr(UploadRow, f.name) for f in fields(Upload)]
PIECE: Final = [getattr(UploadPieceRow, f.name) for f in fields(Piece)]
MEDIA: Final = [getattr(MediaRow, f.name) for f in fields(Media)]
FILE: Final = [getattr(MediaFileRow, f.name) for f in fields(MediaFile)]
"""The columns of each in the order of its fields: ``Media(*row)`` is what a row of ``select(*MEDIA)`` says."""


def row_values(one: Upload | Piece | Media | MediaFile) -> dict[str, Any]:
    """Return what a row of it holds."""
    found = {f.name: getattr(one, f.name) for f in fields(one)}
    return {**found, "facts": dict(one.facts)} if isinstance(one, Upload | MediaFile) else found


def find_medium(c: Connection, number: int) -> Media:
    """Return a medium, whatever its state.

    Raises:
        NotFound: there is none of that number.
    """
    row = c.execute(select(*MEDIA).where(MediaRow.number == number)).first()
    if row is None:
        raise NotFound(f"there is no medium {number}")
    return Media(*row)
