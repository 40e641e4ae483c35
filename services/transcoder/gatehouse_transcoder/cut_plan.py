"""Where a recording of a browser is cut: at keyframes near equal lengths, each packet in exactly one file.

A browser sends one stream, of unknown length and without an index, with a keyframe about each second. Cutting copies
its packets: no picture is encoded anew, none is lost at a cut, and none is in two files.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import av
import av.container

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import DataLoss

Container = Literal["mp4", "webm"]

SHORTEST_REST_S = 2
"""A last file that would be shorter is left with the one before it: a recorder does not stop to the millisecond."""
_IN_MP4 = frozenset({"h264", "hevc", "vp9", "av1", "opus", "aac", "mp3"})
_IN_WEBM = frozenset({"vp8", "vp9", "av1", "opus", "vorbis"})
_USUAL_FRAME = Fraction(1, 30)
_LONGEST_FRAME = Fraction(1)
_SHORT_PARTS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """A file to be.

    Attributes:
        first: number of its first packet of the stream that decides, from 0, in the order of the original.
        start: when that is shown, seconds in the original.
        end: where the next begins, or the last picture ends.
    """

    first: int
    start: Fraction
    end: Fraction


@dataclass(frozen=True, slots=True)
class CutPlan:
    """How a recording is to be cut.

    Attributes:
        container: what its files are, by the codecs.
        parts: the files, in order.
        video: index of the stream of pictures in the original, None if it has none: then the sound decides.
        audio: index of the stream of sound, None if it has none.
        width: of its pictures, pixels; 0: there are none.
        height: of its pictures, pixels.
        packets: how many there are, by the index of their stream.
        broken_off: the original ends in the midst of something: its tail was lost.
    """

    container: Container
    parts: tuple[Part, ...]
    video: int | None
    audio: int | None
    width: int
    height: int
    packets: dict[int, int]
    broken_off: bool

    @property
    def leading(self) -> int:
        """Index of the stream at whose packets is cut."""
        return next(index for index in (self.video, self.audio) if index is not None)

    def part_of(self, packet: av.Packet[Any], count: int) -> int:
        """Return which file a packet belongs to, from 0.

        Args:
            packet: of the original.
            count: how many of its stream came before it.
        """
        if packet.stream.index == self.leading:
            return bisect.bisect_right([part.first for part in self.parts], count) - 1
        return max(0, bisect.bisect_right([part.start for part in self.parts], seconds_of(packet)) - 1)


def plan_cuts(path: Path, chunk_us: int) -> CutPlan:
    """Read a recording once and return where it is to be cut.

    Args:
        path: of the recording.
        chunk_us: length of a file, microseconds.

    Raises:
        DataLoss: it has neither pictures nor sound, or of a kind that no file here can hold.
    """
    with opened(path) as film:
        video = next(iter(film.streams.video), None)
        audio = next(iter(film.streams.audio), None)
        leading = video or audio
        if leading is None:
            raise DataLoss("there are neither pictures nor sound in it")
        names = {s.codec_context.name for s in (video, audio) if s is not None}
        packets: dict[int, int] = {}
        times: list[Fraction] = []
        ends: list[Fraction] = []
        keys: list[int] = []
        reading = Reading(film)
        for packet in reading.packets({s.index for s in (video, audio) if s is not None}):
            index = packet.stream.index
            if index == leading.index:
                if packet.is_keyframe:
                    keys.append(len(times))
                times.append(seconds_of(packet))
            count = packets.get(index, 0)
            if count == 0 and index != leading.index:
                ends.append(seconds_of(packet))
            packets[index] = count + 1
        if not times or keys[:1] != [0]:
            raise DataLoss("nothing of it can be shown")
        is_all_sound = video is None
        return CutPlan(
            _container(names),
            _parts(times, keys, Fraction(chunk_us, SECOND), min(ends, default=times[0]), is_all_sound=is_all_sound),
            None if video is None else video.index,
            None if audio is None else audio.index,
            0 if video is None else video.codec_context.width,
            0 if video is None else video.codec_context.height,
            packets,
            reading.broken_off,
        )


def opened(path: Path) -> av.container.InputContainer:
    """Open a film.

    Raises:
        DataLoss: it is none.
    """
    try:
        return av.open(str(path))
    except (av.FFmpegError, ValueError) as error:
        raise DataLoss(f"it cannot be opened as a film: {error}") from error


class Reading:
    """Reads the packets of a film in order, up to where it can be read.

    Attributes:
        broken_off: it ended in the midst of something.
    """

    def __init__(self, film: av.container.InputContainer) -> None:
        self._film = film
        self.broken_off = False

    def packets(self, indexes: set[int]) -> Iterator[av.Packet[Any]]:
        """Yield the packets of streams that have a time and are whole."""
        streams = [s for s in self._film.streams if s.index in indexes]
        try:
            for packet in self._film.demux(streams):
                if packet.size == 0 or packet.pts is None:
                    continue
                if packet.is_corrupt:  # the tail of what was cut off
                    self.broken_off = True
                    continue
                yield packet
        except av.FFmpegError:
            self.broken_off = True


def seconds_of(packet: av.Packet[Any]) -> Fraction:
    """Return when a packet is shown, seconds in its film."""
    return time_of(packet) * base_of(packet)


def time_of(packet: av.Packet[Any]) -> int:
    """Return when a packet is shown, in units of ``base_of``; those that do not say are not read."""
    if packet.pts is None:
        raise DataLoss("a packet has no time")
    return packet.pts


def base_of(packet: av.Packet[Any]) -> Fraction:
    """Return the unit of a packet's times, seconds."""
    if packet.time_base is None:
        raise DataLoss("a packet has no unit of time")
    return packet.time_base


def _container(names: set[str]) -> Container:
    if names <= _IN_MP4:
        return "mp4"
    if names <= _IN_WEBM:
        return "webm"
    raise DataLoss(f"files of {', '.join(sorted(names))} are not made here")


def _parts(
    times: list[Fraction], keys: list[int], chunk: Fraction, other: Fraction, *, is_all_sound: bool
) -> tuple[Part, ...]:
    """Return the files: each begins at the keyframe nearest to where it should."""
    begin, end = min(times[0], other), _end_of(times)
    clean = keys if is_all_sound else _clean(times, keys)
    rest = min(Fraction(SHORTEST_REST_S), chunk / _SHORT_PARTS)
    firsts = [0]
    wanted = begin + chunk
    while end - wanted >= rest:
        near = min((k for k in clean if k > firsts[-1]), key=lambda k: abs(times[k] - wanted), default=None)
        if near is None or end - times[near] < rest:
            break
        firsts.append(near)
        wanted = max(wanted, times[near] - rest) + chunk
    starts = [begin, *(times[k] for k in firsts[1:])]
    return tuple(Part(k, start, stop) for k, start, stop in zip(firsts, starts, [*starts[1:], end], strict=True))


def _clean(times: list[Fraction], keys: list[int]) -> list[int]:
    """Return the keyframes of which nothing that comes after is shown before: a film can be parted there."""
    lowest: list[Fraction] = times[:]
    for k in range(len(times) - 2, -1, -1):
        lowest[k] = min(lowest[k], lowest[k + 1])
    return [k for k in keys if lowest[k] >= times[k]]


def _end_of(times: list[Fraction]) -> Fraction:
    """Return when the last picture ends: it is taken to last as long as the middle one of those before it.

    What a container says of the last one is the length that the recorder would have liked.
    """
    ordered = sorted(times)
    steps = sorted(b - a for a, b in pairwise(ordered) if a < b)
    step = steps[len(steps) // 2] if steps else _USUAL_FRAME
    return ordered[-1] + min(step, _LONGEST_FRAME)
