"""What a file of anybody is: looked at in a process of its own, for it may be anything.

``python -m gatehouse_common.media.inspection FILE`` prints a ``Film`` as JSON; what is wrong, on standard error.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from gatehouse_common.errors import DataLoss, InvalidInput

from .child_answer import answer
from .matroska_index import has_cues

MOST_STREAMS = 32
MOST_SIDE = 16_384
MOST_PIXELS = 1 << 27
"""Of a picture: 134 million."""
MOST_SECONDS = 48 * 3600
FORMATS = (
    "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,flv,mpeg,mpegts,mpegvideo,asf,ogg,wav,w64,mp3,aac,flac,gif,aiff,amr,ac3,"
    "eac3,dv,mxf,nut,ivf,h264,hevc,m4v,caf,au"
)
"""What is read. No playlist is among them, nor anything else that leads to other files."""
_MOST_PACKETS = 2000


@dataclass(frozen=True, slots=True)
class Film:
    """What a film or a sound is.

    Attributes:
        format: by libavformat's name, e.g. ``matroska,webm``.
        seconds: how long it is; 0: it does not say.
        seekable: whether players can go to any place of it: it says how long it is, and where what lies.
        video: the codec of the pictures by ffmpeg's name; empty: there are none.
        audio: the codec of the sound; empty: there is none.
        width: of the pictures as they are shown, in pixels; 0: there are none.
        height: likewise.
        fps: pictures per second on average; 0: not known.
        pixels: the format of pictures by ffmpeg's name.
        streams: how many there are, of all kinds.
        channels: of the sound.
    """

    format: str
    seconds: float
    seekable: bool
    video: str = ""
    audio: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    pixels: str = ""
    streams: int = 0
    channels: int = 0


def inspect(path: Path) -> Film:
    """Return what a file is; a picture of it is decoded, or some of its sound.

    Raises:
        InvalidInput: it has more of something than anybody needs: streams, pixels, hours.
        DataLoss: it is no film and no sound, or nothing of it can be decoded.
    """
    try:
        with open_untrusted(path, max_streams=str(MOST_STREAMS + 1)) as film:
            found = _described(film, path)
            _check(found)
            if not _decodes(film, found):
                raise DataLoss("nothing of it can be decoded")
            return found
    except (av.FFmpegError, ValueError, OSError, MemoryError) as error:
        raise DataLoss(f"it is no film that can be read: {_words(error)}") from error


def open_untrusted(path: Path, **options: str) -> InputContainer:
    """Open a file of anybody: as one of ``FORMATS`` alone, and nothing else because of what is in it.

    Args:
        path: the file.
        options: more of libavformat's.

    Raises:
        av.FFmpegError: it is no film.
        ValueError, OSError, MemoryError: likewise, or it cannot be read.
    """
    allowed = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    return av.open(f"file:{path}", options={**allowed, **options}, metadata_errors="replace")


def _words(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _described(film: InputContainer, path: Path) -> Film:
    pictures = [s for s in film.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    video = pictures[0] if pictures else None
    audio = film.streams.audio[0] if film.streams.audio else None
    seconds = _seconds(film)
    return Film(
        format=film.format.name,
        seconds=seconds,
        seekable=seconds > 0 and _has_index(path, film.format.name),
        video=video.codec_context.name if video is not None else "",
        audio=audio.codec_context.name if audio is not None else "",
        width=video.codec_context.width if video is not None else 0,
        height=video.codec_context.height if video is not None else 0,
        fps=round(float(video.average_rate or video.guessed_rate or 0), 3) if video is not None else 0.0,
        pixels=(video.codec_context.pix_fmt or "") if video is not None else "",
        streams=len(film.streams),
        channels=audio.codec_context.channels if audio is not None else 0,
    )


def _seconds(film: InputContainer) -> float:
    if film.duration is not None and film.duration > 0:
        return film.duration / 1_000_000
    lengths = [float(s.duration * (s.time_base or Fraction(0))) for s in film.streams if s.duration]
    return max(lengths, default=0.0)


def _check(film: Film) -> None:
    if film.streams > MOST_STREAMS:
        raise InvalidInput(f"it has more than {MOST_STREAMS} streams")
    if max(film.width, film.height) > MOST_SIDE or film.width * film.height > MOST_PIXELS:
        most = f"at most {MOST_SIDE} on a side and {MOST_PIXELS / 1e6:.0f} megapixels are taken"
        raise InvalidInput(f"its pictures are {film.width}x{film.height}: {most}")
    if film.seconds > MOST_SECONDS:
        raise InvalidInput(f"it says that it is {film.seconds / 3600:.0f} hours long: at most 48 are taken")
    if not film.video and not film.audio:
        raise DataLoss("it has neither pictures nor sound")


def _decodes(film: InputContainer, found: Film) -> bool:
    """Return whether something of what it has can be decoded; damaged parts before it are passed over."""
    wanted = film.streams.video if found.video else film.streams.audio
    for number, packet in enumerate(film.demux(*wanted)):
        try:
            if packet.decode():
                return True
        except av.InvalidDataError:
            pass
        if number > _MOST_PACKETS:
            break
    return False


def _has_index(path: Path, container: str) -> bool:
    """Return whether a file says where what lies, in a place where it is looked for before all else."""
    if "matroska" in container:
        return has_cues(path)
    if "mp4" in container:
        return _starts_with_its_index(path)
    return container in {"mp3", "flac", "wav", "ogg", "avi"}


def _starts_with_its_index(path: Path) -> bool:
    """Return whether the movie box comes before the media and speaks of all of it (14496-12 clauses 8.2.1, 8.8)."""
    names = [name for name, _ in zip(_boxes(path), range(64), strict=False)]
    if b"moov" not in names or b"moof" in names:
        return False
    return b"mdat" not in names or names.index(b"moov") < names.index(b"mdat")


def _boxes(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        at = 0
        while True:
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                return
            size, name = struct.unpack_from(">I4s", head)
            if size == 1 and len(head) == 16:
                size = struct.unpack_from(">Q", head, 8)[0]
            yield name
            if size < 8:
                return
            at += size


def parse_film(text: str) -> Film:
    """Return what the process said.

    Raises:
        DataLoss: it said nothing that can be read.
    """
    try:
        told: dict[str, Any] = json.loads(text)
        return Film(**told)
    except (ValueError, TypeError) as error:
        raise DataLoss("what looked at it said nothing") from error


def main(arguments: list[str]) -> int:
    """Look at a file; return the exit code."""
    return answer(lambda: inspect(Path(arguments[0])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
