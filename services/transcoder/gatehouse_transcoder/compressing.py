"""A smaller film of the same, kept where it is worth it; and one that browsers play, where the original is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ffmpeg

from gatehouse_common.clock import SECOND

from .encoding import encode
from .graphs import make, source
from .looking import film_of, source_of
from .playing import plan_playing
from .work import Work

_WORTH_IT = 0.9


def compress(work: Work) -> None:
    """Make what the policy asks for, if it is not there.

    Raises:
        DataLoss: what browsers cannot play could not be made into something that they can.
    """
    policy = work.core.settings.values.transcoder.compress
    if policy == "none":
        return
    original = work.original()
    plan = plan_playing(film_of(work, original))
    if plan.encode and work.file("playable") is None:
        _make_playable(work)
    elif policy == "always" and not plan.encode and work.file("compressed") is None and work.media.video_codec:
        _make_smaller(work)


def _make_playable(work: Work) -> None:
    original = work.original()
    film = film_of(work, original)
    if not film.video:
        made = work.folder / "playable.m4a"
        options: dict[str, Any] = {"f": "mp4", "c:a": "aac", "b:a": "128k", "movflags": "+faststart"}
        sound = source(work.path(original), work.tools.limits.threads)["a:0"]
        make(work, ffmpeg.output(sound, str(made), **options), film.seconds)
        kept = work.keep(made, "playable", "", "audio/mp4")
    else:
        made = work.folder / "playable.mp4"
        encode(work, work.path(original), film, made)
        kept = work.keep(made, "playable", "", "video/mp4", of_file={"codec": "h264"})
    work.learn(lasted_us=round(film_of(work, kept).seconds * SECOND) or None)


def _make_smaller(work: Work) -> None:
    """Make a smaller film; where none comes of it, the original is as good as before."""
    file = source_of(work)
    made = work.folder / "compressed.mp4"
    with work.optional("compressed"):
        encode(work, work.path(file), film_of(work, file), made)
        _keep_if_worth_it(work, made)


def _keep_if_worth_it(work: Work, made: Path) -> None:
    size, before = made.stat().st_size, work.media.bytes
    work.result["compressed"] = f"{size} of {before} bytes"
    if size <= before * _WORTH_IT:
        work.keep(made, "compressed", "", "video/mp4", of_file={"codec": "h264"})
