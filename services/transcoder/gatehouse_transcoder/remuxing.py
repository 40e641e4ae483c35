"""Another container for the same film, where the original's does not let players go to any place of it."""

from __future__ import annotations

from typing import Any

import ffmpeg

from gatehouse_common.clock import SECOND

from .graphs import make, source
from .looking import film_of
from .playing import plan_playing
from .work import Work

_SOUND_RATE = "128k"


def remux(work: Work) -> None:
    """Make what browsers recorded finite and seekable, and what browsers cannot open something that they can.

    Raises:
        DataLoss: it cannot be copied.
    """
    original = work.original()
    film = film_of(work, original)
    wanted = plan_playing(film).remux
    made = work.file("playable")
    if wanted is not None and made is None:
        path = work.folder / f"playable.{'m4a' if wanted.media_type == 'audio/mp4' else wanted.container}"
        parts = source(work.path(original), work.tools.limits.threads, fflags="+genpts")
        streams = [parts["v:0"]] if film.video else []
        options: dict[str, Any] = {"f": wanted.container, "c": "copy", "map_metadata": -1, "dn": None, "sn": None}
        if film.audio:
            streams.append(parts["a:0"])
            if wanted.sound != "copy":
                options |= {"c:a": wanted.sound, "b:a": _SOUND_RATE}
        if wanted.container == "mp4":
            options["movflags"] = "+faststart"
        work.require_room(original.bytes, original.bytes)
        make(work, ffmpeg.output(*streams, str(path), **options), film.seconds)
        made = work.keep(path, "playable", "", wanted.media_type)
    if made is not None:
        work.learn(lasted_us=round(film_of(work, made).seconds * SECOND) or None)
