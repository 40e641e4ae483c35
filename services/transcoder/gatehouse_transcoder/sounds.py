"""Files of a medium's sound (S4-20)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ffmpeg

from gatehouse_common.errors import DataLoss, InvalidInput

from .graphs import make, source
from .looking import film_of, source_of
from .work import Work

_BITRATE = re.compile(r"([1-9][0-9]{1,2})k")
_RATES = {"aac": (16, 512), "mp3": (32, 320)}


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """How a file of sound is made.

    Attributes:
        variant: what it is called.
        extension: of its name.
        media_type: MIME.
        options: of ffmpeg's output.
    """

    variant: str
    extension: str
    media_type: str
    options: Mapping[str, Any]


def plan_sound(parameters: Mapping[str, Any], codec: str) -> SoundPlan:
    """Return how to make what is asked for.

    Args:
        parameters: ``codec``: copy, aac, mp3 or flac; of mp3 ``quality`` (0 to 9, higher is smaller) or ``bitrate``
            (``64k``), of aac ``bitrate``.
        codec: of the sound that there is, by ffmpeg's name.

    Raises:
        InvalidInput: there is no such form of it.
    """
    wanted = parameters.get("codec", "copy")
    if wanted == "copy":  # what does not fit is encoded: sound of browsers is Opus
        how = {"c:a": "copy"} if codec == "aac" else {"c:a": "aac", "b:a": "128k"}
        return SoundPlan("copy", "aac", "audio/aac", {**how, "f": "adts"})
    if wanted == "aac":
        rate = _rate(parameters.get("bitrate", "48k"), "aac")
        made = {"c:a": "aac", "b:a": rate, "f": "mp4", "movflags": "+faststart"}
        return SoundPlan(f"aac-{rate}", "m4a", "audio/mp4", made)
    if wanted == "mp3":
        if parameters.get("bitrate") is not None:
            rate = _rate(parameters["bitrate"], "mp3")
            return SoundPlan(f"mp3-{rate}", "mp3", "audio/mpeg", {"c:a": "libmp3lame", "b:a": rate, "f": "mp3"})
        quality = parameters.get("quality", 2)
        if not isinstance(quality, int) or isinstance(quality, bool) or not 0 <= quality <= 9:
            raise InvalidInput("quality must be a number from 0, the best, to 9, the smallest", "quality")
        return SoundPlan(f"mp3-q{quality}", "mp3", "audio/mpeg", {"c:a": "libmp3lame", "q:a": quality, "f": "mp3"})
    if wanted == "flac":
        return SoundPlan("flac", "flac", "audio/flac", {"c:a": "flac", "f": "flac"})
    raise InvalidInput("codec must be copy, aac, mp3 or flac", "codec")


def _rate(text: Any, codec: str) -> str:
    least, most = _RATES[codec]
    match = _BITRATE.fullmatch(text) if isinstance(text, str) else None
    if match is None or not least <= int(match[1]) <= most:
        raise InvalidInput(f"bitrate of {codec} must be from {least}k to {most}k", "bitrate")
    return str(text)


def extract(work: Work) -> None:
    """Make the file of sound that the job asks for.

    Raises:
        InvalidInput: there is no such form of it.
        DataLoss: there is no sound, or it cannot be decoded.
    """
    file = source_of(work)
    film = film_of(work, file)
    if not film.audio:
        raise DataLoss("it has no sound")
    plan = plan_sound(work.job.parameters, film.audio)
    work.result |= {"kind": "audio", "variant": plan.variant}
    if work.file("audio", plan.variant) is not None:
        return
    made = work.folder / f"audio.{plan.extension}"
    sound = source(work.path(file), work.tools.limits.threads)["a:0"]
    make(work, ffmpeg.output(sound, str(made), map_metadata=-1, **plan.options), film.seconds)
    codec = "aac" if plan.variant == "copy" else plan.variant.partition("-")[0]
    work.keep(made, "audio", plan.variant, plan.media_type, of_file={"codec": codec})
