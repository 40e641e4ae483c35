"""The file of a clip: out of the store, or, before it is made, cut out of the footage that will be in it."""

from __future__ import annotations

from flask import Response

from gatehouse_common.db import Clip
from gatehouse_common.errors import Gone, NotFound
from gatehouse_common.footage import ChunkReader
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile
from gatehouse_common.storage import MediaReader
from gatehouse_common.timefmt import rfc3339

from .context import context
from .delivery import deliver


def clip_reader(media: MediaReader) -> ChunkReader:
    """Return what reads the files of clips: one that is gone has no other place."""
    return ChunkReader(media, _gone)


def clip_media(clip: Clip) -> Response:
    """Return the answer to a GET or HEAD of a clip's file.

    Raises:
        Gone: it has been deleted.
        NotFound: it could not be made, or nothing of it is recorded yet.
    """
    if clip.state == "purged":
        raise Gone("the file of this clip has been deleted; what was seen in it is still known")
    if clip.key:
        file = VirtualFile((ObjectRange(clip.key, 0, clip.bytes, clip.id),))
        return deliver(file, context().clip_reader, sealed=True, name=clip.key.rpartition("/")[2])
    if clip.state == "failed":
        raise NotFound(f"this clip could not be made: {clip.detail or 'its footage is not there'}")
    return _planned(clip)


def _planned(clip: Clip) -> Response:
    ctx = context()
    end = min(clip.end_us, ctx.core.clock.now_us())
    if end <= clip.start_us:
        raise NotFound("this clip has not begun yet")
    found = ctx.library.find(clip.camera, clip.start_us, end)
    piece = slice_footage(found.media, clip.start_us, end)
    stamp = rfc3339(piece.start_us).replace(":", "").replace("-", "")
    answer = deliver(piece.file, ctx.reader, sealed=False, name=f"{clip.camera}_{stamp}.mp4")
    answer.headers["X-Footage-Start"] = rfc3339(piece.start_us)
    answer.headers["X-Footage-End"] = rfc3339(piece.end_us)
    return answer


def _gone(clip_id: str) -> str:
    raise Gone(f"the file of clip {clip_id} has been deleted; what was seen in it is still known")
