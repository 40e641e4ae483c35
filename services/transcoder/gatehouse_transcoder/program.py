"""Which ffmpeg there is, and what it can encode with."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import structlog

from gatehouse_common.clock import Clock
from gatehouse_common.errors import Cancelled, GatehouseError, Unavailable
from gatehouse_common.settings.transcoder import TranscoderSettings

from .children import Limits, run

log = structlog.get_logger(__name__)

_VERSION = re.compile(r"^ffmpeg version n?(\d+)\.(\d+)", re.MULTILINE)
_OLDEST = (5, 1)
"""The first that knows ``-fps_mode``."""
_NEEDED = ("libx264", "libmp3lame", "aac", "flac", "libopus", "libvpx-vp9", "gif")
_HARDWARE = (
    ("h264_nvenc", ("/dev/nvidia0",), ()),
    ("h264_qsv", ("/dev/dri/renderD128",), ()),
    ("h264_vaapi", ("/dev/dri/renderD128",), ("-vaapi_device", "/dev/dri/renderD128")),
    ("h264_v4l2m2m", ("/dev/video11", "/dev/video10"), ()),
)


@dataclass(frozen=True, slots=True)
class Program:
    """An ffmpeg program.

    Attributes:
        path: of it.
        version: as it says.
        encoder: of H.264: that of the machine's hardware which has been seen to work, else ``libx264``.
        device: arguments before everything else that this encoder wants.
    """

    path: str
    version: str
    encoder: str = "libx264"
    device: tuple[str, ...] = ()


def find_program(settings: TranscoderSettings, clock: Clock, ending: Callable[[], Cancelled | None]) -> Program:
    """Return the program to use: what is set, else the first that can do everything.

    Raises:
        Unavailable: there is none; the sentence says what to do.
    """
    reasons = []
    for path in _candidates(settings):
        try:
            program = _known(path, settings, clock, ending)
        except Cancelled:
            raise
        except GatehouseError as error:
            reasons.append(f"{path}: {error.message}")
        else:
            return program
    told = "; ".join(reasons) or "none is on PATH"
    raise Unavailable(f"uploads wait for an ffmpeg program of version 5.1 or later ({told}): set transcoder.ffmpeg")


def _candidates(settings: TranscoderSettings) -> list[str]:
    if settings.ffmpeg is not None:
        return [str(settings.ffmpeg)]
    found = [path for path in (shutil.which("ffmpeg"),) if path]
    try:
        found.append(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:  # a platform without such a wheel
        log.debug("imageio-ffmpeg has no program here", reason=str(error))
    return found


def _known(path: str, settings: TranscoderSettings, clock: Clock, ending: Callable[[], Cancelled | None]) -> Program:
    limits = Limits.of_probe(settings)
    version = _VERSION.search(run([path, "-version"], limits, clock, ending))
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        raise Unavailable("it is older than 5.1")
    listed = run([path, "-hide_banner", "-encoders"], limits, clock, ending)
    has = {words[1] for words in map(str.split, listed.splitlines()) if len(words) > 1}
    missing = [name for name in _NEEDED if name not in has]
    if missing:
        raise Unavailable(f"it has no {', '.join(missing)}")
    told = f"{version[1]}.{version[2]}"
    if settings.hardware:
        for encoder, device in _possible(has):
            if _works(path, encoder, device, limits, clock, ending):
                return Program(path, told, encoder, device)
    return Program(path, told)


def _possible(has: set[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return encoders of hardware that may be there, and the arguments that each wants."""
    found: list[tuple[str, tuple[str, ...]]] = [
        (encoder, device)
        for encoder, files, device in _HARDWARE
        if encoder in has and any(Path(file).exists() for file in files)
    ]
    if sys.platform == "darwin" and "h264_videotoolbox" in has:
        found.append(("h264_videotoolbox", ()))
    return found


def _works(
    path: str,
    encoder: str,
    device: tuple[str, ...],
    limits: Limits,
    clock: Clock,
    ending: Callable[[], Cancelled | None],
) -> bool:
    """Return whether an encoder encodes: many are listed whose hardware is not there."""
    film = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30:duration=1"]
    upload = ["-vf", "format=nv12,hwupload"] if device else ["-pix_fmt", "yuv420p"]
    try:
        run([path, "-v", "error", *device, *film, *upload, "-c:v", encoder, "-f", "null", "-"], limits, clock, ending)
    except Cancelled:
        raise
    except GatehouseError as error:
        log.info("an encoder of this machine's hardware does not work", encoder=encoder, reason=error.message)
        return False
    return True
