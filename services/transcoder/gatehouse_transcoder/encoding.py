"""H.264 that every browser plays, by the hardware where that works; looked at before it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ffmpeg
import structlog

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.inspection import Film

from .children import ChildDied
from .graphs import Progress, make, source
from .program import Program
from .work import Work

log = structlog.get_logger(__name__)

_APART_S = 0.5
_MADE, _LOOKED_AT = (0.0, 0.85), (0.85, 1.0)
_KEYFRAMES = "expr:gte(t,n_forced*2)"
_QUALITY: dict[str, dict[str, Any]] = {
    "libx264": {"preset": "veryfast", "crf": 25},
    "h264_nvenc": {"rc": "vbr", "cq": 27, "b:v": 0},
    "h264_qsv": {"global_quality": 25},
    "h264_vaapi": {"qp": 25},
    "h264_v4l2m2m": {"b:v": "4M"},
    "h264_videotoolbox": {"q:v": 55},
}


def encode(
    work: Work, path: Path, film: Film, made: Path, *, height: int = 0, part: tuple[float, float] | None = None
) -> None:
    """Write a film as MP4 of H.264 and AAC, and decode all of it to see that it is whole.

    Args:
        work: the job.
        path: the film.
        film: what it is.
        made: where it is written.
        height: of the pictures at most, in pixels; 0: as they are.
        part: from where on, and how long, in seconds; None: all of it.

    Raises:
        DataLoss: it cannot be decoded or encoded, or what was made is not whole.
    """
    seconds = film.seconds if part is None else max(0.0, min(part[1], film.seconds - part[0]))
    program = work.tools.program
    require_room_for(work, path, film, seconds)
    try:
        heard = _encode(work, program, path, film, made, height, part, seconds)
    except (DataLoss, ChildDied) as error:
        if program.encoder == "libx264":
            raise
        log.warning("the hardware does not encode it, the processor does", reason=error.message)
        heard = _encode(work, Program(program.path, program.version), path, film, made, height, part, seconds)
    seen = _looked_at(work, made, heard)
    if part is None and not _lasts(seen, seconds):
        seconds = measured(work, path)  # some files lie about it, or do not know
    _require(seen, seconds)


def require_room_for(work: Work, path: Path, film: Film, seconds: float) -> None:
    """Return if there is room for so many seconds of a film, made as large as it is, here and in the store.

    Raises:
        ResourceExhausted: there is too little.
    """
    share = min(1.0, seconds / film.seconds) if film.seconds else 1.0
    size = round(path.stat().st_size * share)
    work.require_room(size, size)


def measured(work: Work, path: Path) -> float:
    """Return how long a film is by the times of all that is in it, in seconds, whatever it says of itself.

    It is decoded for that: of what is only copied ffmpeg tells when the last part has to be decoded, and where pictures
    refer to later ones that is some pictures before the end.
    """
    looked = ffmpeg.output(source(path, work.tools.limits.threads), "-", f="null", fps_mode="passthrough")
    return make(work, looked).seconds


def verify(work: Work, made: Path, heard: Progress, seconds: float) -> None:
    """Decode a film that was made, to its end.

    Args:
        work: the job.
        made: the film.
        heard: what its encoder said.
        seconds: how long it has to be; 0: not known.

    Raises:
        DataLoss: it lacks pictures, or is longer or shorter by more than half a second.
    """
    _require(_looked_at(work, made, heard), seconds)


def _looked_at(work: Work, made: Path, heard: Progress) -> Progress:
    """Decode a film to its end; return what was seen of it.

    Raises:
        DataLoss: it lacks pictures.
    """
    looked = ffmpeg.output(source(made, work.tools.limits.threads), "-", f="null", fps_mode="passthrough")
    seen = make(work, looked, heard.seconds, _LOOKED_AT, "-xerror")
    if seen.frames != heard.frames:
        raise DataLoss(f"of {heard.frames} pictures that were encoded {seen.frames} can be decoded: it is not kept")
    return seen


def _lasts(seen: Progress, seconds: float) -> bool:
    """Return whether what was seen is so long, within half a second or about one picture."""
    apart_s = max(_APART_S, 1.5 * seconds / max(1, seen.frames))  # how long the last picture is shown, few files say
    return abs(seen.seconds - seconds) <= apart_s


def _require(seen: Progress, seconds: float) -> None:
    if seconds and not _lasts(seen, seconds):
        raise DataLoss(f"it is {seen.seconds:.1f} s long and not {seconds:.1f} s: it is not kept")


def _encode(
    work: Work,
    program: Program,
    path: Path,
    film: Film,
    made: Path,
    height: int,
    part: tuple[float, float] | None,
    seconds: float,
) -> Progress:
    cut = {} if part is None else {"ss": part[0], "t": part[1]}
    film_in = source(path, work.tools.limits.threads, **cut)
    streams, options = [], dict[str, Any](f="mp4", movflags="+faststart", map_metadata=-1)
    if film.video:
        streams.append(scaled(film_in["v:0"], height, *(("nv12", "hwupload") if program.device else ("yuv420p",))))
        options |= {"c:v": program.encoder, "fps_mode": "vfr", "force_key_frames": _KEYFRAMES}
        options |= {"threads": work.tools.limits.threads, **_QUALITY[program.encoder]}
    if film.audio:
        streams.append(film_in["a:0"])
        copied = film.audio == "aac" and part is None
        options |= {"c:a": "copy"} if copied else {"c:a": "aac", "b:a": "128k", "ac": min(2, max(1, film.channels))}
    return make(work, ffmpeg.output(*streams, str(made), **options), seconds, _MADE, *program.device)


def scaled(stream: Any, height: int, pixels: str, *more: str) -> Any:
    """Return pictures of even width and height, no higher than ``height`` (0: as they are), in a format."""
    down = f"min(ih,{height})" if height else "ih"
    fitted = stream.filter("scale", w=f"trunc(iw*{down}/ih/2)*2", h=f"trunc({down}/2)*2").filter("format", pixels)
    for name in more:
        fitted = fitted.filter(name)
    return fitted
