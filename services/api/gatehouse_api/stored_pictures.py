"""Pictures of plates out of the store."""

from __future__ import annotations

import hashlib

import simplejpeg
from flask import Response, request

from gatehouse_common.db import PlateEvent
from gatehouse_common.errors import DataLoss, Gone, NotFound

from .context import context
from .delivery import IMMUTABLE, REVALIDATE

_QUALITY = 80


def picture(event: PlateEvent, key: str, read: str | None, width: int | None) -> Response:
    """Return the answer for a picture of a plate event.

    Args:
        event: the event.
        key: the picture's.
        read: the read that it is to be of, as the address names it; None: whichever is best now.
        width: about how wide it is to be, pixels; None: as it is.

    Raises:
        NotFound: none was kept, or not of that read.
        Gone: it has been deleted.
    """
    if not key:
        raise NotFound("no picture of this plate was kept")
    if read is not None and read != event.best_read:
        raise NotFound("a better picture has taken the place of that one; leave `read` away to get it")
    # Objects are made once and never change, and each read has keys of its own: the key is the content.
    etag = hashlib.sha256(f"{key} {width}".encode()).hexdigest()[:40]
    headers = {"ETag": f'"{etag}"', "Cache-Control": IMMUTABLE if read is not None else REVALIDATE}
    if request.if_none_match.contains_weak(etag):
        return Response(status=304, headers=headers)
    try:
        data = context().core.store.read(key)
    except NotFound as error:
        raise Gone("the picture of this plate has been deleted") from error
    return Response(data if width is None else _smaller(data, width), headers=headers, content_type="image/jpeg")


def _smaller(jpeg: bytes, width: int) -> bytes:
    """Return a picture at the least of a half, a quarter or an eighth that is at least so wide: that costs little."""
    try:
        columns = simplejpeg.decode_jpeg_header(jpeg)[1]
        if columns < width * 2:
            return jpeg
        pixels = simplejpeg.decode_jpeg(jpeg, "RGB", min_width=width, min_height=1, strict=False)
        smaller: bytes = simplejpeg.encode_jpeg(pixels, _QUALITY, "RGB", "420")
    except ValueError as error:
        raise DataLoss("the picture of this plate is damaged") from error
    return smaller
