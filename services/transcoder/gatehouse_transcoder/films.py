"""Other forms of a film: MP4, WebM, HLS, and a moving picture (S0-19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from gatehouse_common.db import MediaFile
from gatehouse_common.errors import DataLoss, InvalidInput
from gatehouse_common.media.inspection import Film

from .encoding import encode, require_room_for, scaled, verify
from .graphs import make, source
from .looking import film_of, source_of
from .work import Work

_MOST_HEIGHT = 4320
_GIF_SECONDS, _MOST_GIF_SECONDS, _GIF_HEIGHT, _GIF_FPS = 10.0, 60.0, 270, 10
_GIF_PART = (0.0, _GIF_SECONDS)
_SEGMENT_S = 4
_DIGITS = 3
HLS_MEDIA = "hls.mp4"
"""The variant of the file that the playlist of a medium names, by this name."""


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """What is made.

    Attributes:
        form: ``mp4``, ``webm``, ``hls`` or ``gif``.
        height: of the pictures at most, in pixels; 0: as they are.
        part: from where on, and how long, in seconds; None: all of it.
    """

    form: str
    height: int = 0
    part: tuple[float, float] | None = None

    @property
    def variant(self) -> str:
        """What it is called among the files of the medium."""
        usual = self.form == "gif" and self.height == _GIF_HEIGHT
        size = f"-{self.height}p" if self.height and not usual else ""
        part = (
            f"-{_shown(self.part[0])}-{_shown(self.part[1])}"
            if self.part is not None and self.part != _GIF_PART
            else ""
        )
        return f"{self.form}{size}{part}"


def plan_film(parameters: Mapping[str, Any]) -> FilmPlan:
    """Return what a job asks for.

    Args:
        parameters: ``format``; ``height`` in pixels; ``start_seconds`` and ``seconds``, not of HLS.

    Raises:
        InvalidInput: there is no such form.
    """
    form = parameters.get("format")
    if form not in {"mp4", "webm", "hls", "gif"}:
        raise InvalidInput("format must be mp4, webm, hls or gif", "format")
    height = _number(parameters, "height", 0, _MOST_HEIGHT)
    start, seconds = parameters.get("start_seconds"), parameters.get("seconds")
    part = None
    if form == "gif":
        height = height or _GIF_HEIGHT
        most = _number(parameters, "seconds", _GIF_SECONDS, _MOST_GIF_SECONDS)
        part = _number(parameters, "start_seconds", 0.0, 1e6), most
    elif form != "hls" and (start is not None or seconds is not None):
        part = _number(parameters, "start_seconds", 0.0, 1e6), _number(parameters, "seconds", 1e6, 1e6)
    if part is not None:
        part = round(part[0], _DIGITS), round(part[1], _DIGITS)  # what differs by less has the same name
        if part[1] <= 0:
            raise InvalidInput("seconds must be 0.001 at least", "seconds")
    return FilmPlan(str(form), round(height), part)


def _shown(seconds: float) -> str:
    """Return a number of seconds as part of a name: to the millisecond, and never as a power of ten."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def _number(parameters: Mapping[str, Any], name: str, default: float, most: float) -> float:
    value = parameters.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InvalidInput(f"{name} must be a number from 0 to {most:g}", name)
    return value


def transcode(work: Work) -> None:
    """Make the form of a film that the job asks for.

    Raises:
        InvalidInput: there is no such form.
        DataLoss: there are no pictures, or they cannot be decoded.
    """
    plan = plan_film(work.job.parameters)
    kind = {"hls": "hls", "gif": "preview"}.get(plan.form, "video")
    work.result |= {"kind": kind, "variant": plan.variant}
    if work.file(kind, plan.variant) is not None:
        return
    file = source_of(work)
    film = film_of(work, file)
    if not film.video:
        raise DataLoss("it has no pictures")
    if plan.part is not None and film.seconds and plan.part[0] >= film.seconds:
        raise InvalidInput(f"it is only {film.seconds:.1f} s long", "start_seconds")
    _MAKE[plan.form](work, plan, file, film, kind)


def _mp4(work: Work, plan: FilmPlan, file: MediaFile, film: Film, kind: str) -> None:
    made = work.folder / "video.mp4"
    encode(work, work.path(file), film, made, height=plan.height, part=plan.part)
    work.keep(made, kind, plan.variant, "video/mp4", of_file={"codec": "h264"})


def _webm(work: Work, plan: FilmPlan, file: MediaFile, film: Film, kind: str) -> None:
    made, threads = work.folder / "video.webm", work.tools.limits.threads
    cut = {} if plan.part is None else {"ss": plan.part[0], "t": plan.part[1]}
    film_in = source(work.path(file), threads, **cut)
    streams = [scaled(film_in["v:0"], plan.height, "yuv420p")]
    options: dict[str, Any] = {"f": "webm", "c:v": "libvpx-vp9", "crf": 34, "b:v": 0, "deadline": "realtime"}
    options |= {"cpu-used": 8, "row-mt": 1, "threads": threads, "fps_mode": "vfr", "g": 120, "map_metadata": -1}
    if film.audio:
        streams.append(film_in["a:0"])
        options |= {"c:a": "libopus", "b:a": "96k", "ac": min(2, max(1, film.channels))}
    seconds = film.seconds if plan.part is None else max(0.0, min(plan.part[1], film.seconds - plan.part[0]))
    require_room_for(work, work.path(file), film, seconds)
    heard = make(work, ffmpeg.output(*streams, str(made), **options), seconds, (0, 0.9))
    verify(work, made, heard, seconds)
    work.keep(made, kind, plan.variant, "video/webm", of_file={"codec": "vp9"})


def _gif(work: Work, plan: FilmPlan, file: MediaFile, film: Film, kind: str) -> None:
    made = work.folder / "preview.gif"
    start, seconds = plan.part or (0.0, _GIF_SECONDS)
    film_in = source(work.path(file), work.tools.limits.threads, ss=start, t=seconds)
    small = film_in["v:0"].filter("fps", _GIF_FPS).filter("scale", w=-2, h=f"min(ih,{plan.height})", flags="lanczos")
    both = small.filter_multi_output("split")
    colours = both[0].filter("palettegen", stats_mode="diff")
    shown = ffmpeg.filter([both[1], colours], "paletteuse", dither="bayer")
    make(work, ffmpeg.output(shown, str(made), f="gif", loop=0), min(seconds, film.seconds or seconds))
    work.keep(made, kind, plan.variant, "image/gif")


def _hls(work: Work, plan: FilmPlan, file: MediaFile, film: Film, kind: str) -> None:
    """Make a playlist and the one file that it names: segments are ranges of it (RFC 8216, 4.3.2.2)."""
    whole = work.folder / "whole.mp4"
    if film.video == "h264" and film.audio in {"", "aac"} and not plan.height:
        path: Path = work.path(file)
    else:
        encode(work, work.path(file), film, whole, height=plan.height)
        path = whole
    playlist, media = work.folder / "hls.m3u8", work.folder / HLS_MEDIA
    options = {"f": "hls", "c": "copy", "hls_time": _SEGMENT_S, "hls_playlist_type": "vod", "hls_list_size": 0}
    options |= {"hls_segment_type": "fmp4", "hls_flags": "single_file", "hls_segment_filename": HLS_MEDIA}
    require_room_for(work, path, film, film.seconds)
    streams = source(path, work.tools.limits.threads)
    chosen = [streams["v:0"], *([streams["a:0"]] if film.audio else [])]
    make(work, ffmpeg.output(*chosen, playlist.name, map_metadata=-1, **options), film.seconds, (0.85, 1))
    name = media.name if not plan.height else f"hls-{plan.height}p.mp4"
    if name != media.name:
        playlist.write_text(playlist.read_text().replace(media.name, name))
    work.keep(media, kind, name, "video/mp4", name=name)  # first what the playlist names
    work.keep(playlist, kind, plan.variant, "application/vnd.apple.mpegurl", name=f"{plan.variant}.m3u8")


_MAKE = {"mp4": _mp4, "webm": _webm, "gif": _gif, "hls": _hls}
