"""The files of media: out of the store, by ranges and conditions, under names that people know."""

from __future__ import annotations

from flask import Response, g

from gatehouse_common.db import Media, MediaFile
from gatehouse_common.errors import Gone, NotFound
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile

from .context import context
from .delivery import deliver

_LONGEST_STEM = 200


def media_file(media: Media, file: MediaFile, *, download: bool) -> Response:
    """Return the answer to a GET or HEAD of a file of a medium.

    Args:
        media: the medium.
        file: of it.
        download: whether a browser saves it; else it is shown in place.

    Raises:
        Gone: it is not in the store any more.
    """
    try:
        there = context().core.store.stat(file.key)
    except NotFound as error:
        raise Gone(f"this file of medium {media.number} is not there any more") from error
    # Keys are used anew when a file is made anew: when that was says which of them it is.
    whole = ObjectRange(file.key, 0, there.size, f"{media.id} {file.kind} {file.variant} {file.made_us}")
    virtual = VirtualFile((whole,), file.type)
    name = file_name(media, file) if download else None
    answer = deliver(virtual, context().clip_reader, sealed=False, name=name)
    g.media = media.number
    return answer


def file_name(media: Media, file: MediaFile) -> str:
    """Return what a file is called when it is saved: the medium's name, what it is, and the ending of its type."""
    extension = file.key.rpartition("/")[2].rpartition(".")[2]
    stem, dot, ending = media.name.rpartition(".")
    stem = (stem if dot and len(ending) <= 5 else media.name)[:_LONGEST_STEM] or "medium"
    more = "" if file.kind in {"original", "playable"} else f" {file.variant or file.kind}"
    return f"{stem}{more}.{extension}"


def shown_file(files: list[MediaFile]) -> MediaFile | None:
    """Return the file that plays best: made to be played, made smaller, or as it came; None: there is none yet."""
    by_kind = {file.kind: file for file in files}
    for kind in ("compressed", "playable", "original"):
        if kind in by_kind:
            return by_kind[kind]
    return None
