"""Making a target out of a slice, from its first byte to its last."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from gatehouse_common.errors import Cancelled, DataLoss

from .pictures import PictureTrack
from .sound import SoundTrack
from .targets import Target

Told = Callable[[float], None]
"""Is told how many seconds of the time line are made."""

_BLOCK = 256 << 10


def convert(source: io.RawIOBase, to: str, target: Target, told: Told | None = None) -> None:
    """Write ``target`` made of a slice.

    Args:
        source: the slice; it is read here and there, as sound and pictures do not lie in the order of their times.
        to: a path, or ``pipe:1``.
        target: what to make.
        told: is told how far it is.

    Raises:
        DataLoss: the slice cannot be decoded.
        Cancelled: nobody takes what is made.
    """
    try:
        with (
            av.open(source, "r", format="mp4", buffer_size=_BLOCK) as film,
            av.open(to, "w", format=target.container, options=target.options) as out,
        ):
            seconds = (film.duration or 0) / 1_000_000
            make = _copy if target.copies else _encode
            make(film, out, target, seconds, told or (lambda _at: None))
    except BrokenPipeError as error:
        raise Cancelled("nobody takes what is made") from error
    except (av.FFmpegError, ValueError, OSError) as error:
        raise DataLoss(f"the footage cannot be made into {target.extension}: {error}") from error


def _copy(film: InputContainer, out: OutputContainer, _target: Target, seconds: float, told: Told) -> None:
    """Copy every sample from the first that is shown; Matroska has no edit lists.

    Behind the last one shown, the edit list hides what others need to be decoded: that has to stay.
    """
    made = {}
    for stream in (*film.streams.video, *film.streams.audio):
        copy = out.add_stream_from_template(stream)
        copy.metadata["DURATION"] = _clock(seconds)
        made[stream.index] = copy
    for packet in film.demux(*film.streams.video, *film.streams.audio):
        if packet.size == 0 or packet.pts is None or packet.pts < 0:
            continue
        at = float(packet.pts * (packet.time_base or Fraction(1)))
        if at >= seconds > 0 and packet.stream.type == "audio":
            continue
        packet.stream = made[packet.stream.index]
        out.mux(packet)
        told(at)


def _encode(film: InputContainer, out: OutputContainer, target: Target, seconds: float, told: Told) -> None:
    first = film.streams.video[0]
    size = first.codec_context.width, first.codec_context.height
    pictures = PictureTrack(out, target, *size, float(first.average_rate or first.guessed_rate or 30))
    sound: SoundTrack | None = None
    if film.streams.audio:
        channels = min(2, max(s.codec_context.channels for s in film.streams.audio))
        sound = SoundTrack(out, target.audio or "", channels, seconds)
    for stream in out.streams:
        stream.metadata["DURATION"] = _clock(seconds)
    showing: VideoStream = first
    for packet in film.demux(*film.streams.video, *film.streams.audio):
        if packet.size == 0:
            continue
        if isinstance(packet.stream, AudioStream):
            if sound is not None:
                for heard in _decoded(packet):
                    sound.take(packet.stream.index, heard)
            continue
        stream = cast("VideoStream", packet.stream)
        if stream is not showing:  # tracks of other codecs follow one another, and may come back
            _show(showing, showing.codec_context.decode(None), pictures, told)
            showing.codec_context.flush_buffers()  # one that was drained takes nothing more before
            showing = stream
        _show(stream, _decoded(packet), pictures, told)
    _show(showing, showing.codec_context.decode(None), pictures, told)
    if not pictures.taken:
        raise DataLoss("not one picture of the footage can be decoded")
    pictures.finish()
    if sound is not None:
        sound.finish()


def _decoded(packet: av.Packet[Any]) -> list[Any]:
    """Return what a packet holds; one that was damaged on its way to the recorder costs itself only."""
    try:
        return list(packet.decode())
    except av.InvalidDataError:
        return []


def _show(stream: VideoStream, frames: Iterable[av.VideoFrame], pictures: PictureTrack, told: Told) -> None:
    base = stream.time_base or Fraction(1)  # what a decoder held back comes without one
    for frame in frames:
        if frame.pts is None or frame.pts < 0:
            continue
        pictures.take(frame, frame.pts * base)
        told(float(frame.pts * base))


def _clock(seconds: float) -> str:
    """Return a time as Matroska's DURATION tag has it: what is sent while it is made gets its length from it."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{rest:012.9f}"
