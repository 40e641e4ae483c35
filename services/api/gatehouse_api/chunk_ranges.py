"""Which bytes of a chunk file are there for somebody who may look back only for a while."""

from __future__ import annotations

import re

import numpy as np
from flask import request

from gatehouse_common.intervals import Interval
from gatehouse_common.media.samples import ChunkMedia

_ONE_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def too_old(media: ChunkMedia, since_us: int) -> Interval | None:
    """Return the bytes of a chunk file with frames of before an instant, None if there are none.

    In front of them is the head of the file, without which nothing can be played.
    """
    if media.start_us >= since_us:
        return None
    parts = media.parts
    heads = (int(k) for k in np.flatnonzero(parts.sync))
    first = next((k for k in heads if media.wall_us(int(parts.dts[k])) >= since_us), None)
    return Interval(media.init_bytes, media.indexed_bytes if first is None else int(parts.off[first]))


def asks_beside(hidden: Interval, size: int) -> bool:
    """Return whether a request asks for one range of a file, and for none of its hidden bytes."""
    match = _ONE_RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    # A range that depends on the state of the file may get all of it.
    if match is None or "If-Range" in request.headers:
        return False
    start, end = int(match[1]), min(int(match[2]) + 1, size)
    return start < end and (end <= hidden.start or start >= hidden.end)
