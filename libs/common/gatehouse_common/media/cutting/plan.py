"""Where a recording of a browser is cut: at keyframes near equal lengths, each packet in exactly one file.

A browser sends one stream, of unknown length and without an index, with a keyframe about each second. Cutting copies
its packets: no picture is encoded anew, none is lost at a cut, and none is in two files.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import av
import av.container

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import DataLoss
from gatehouse_common.media.inspection import open_untrusted

Container = Literal["mp4", "webm"]

SHORTEST_REST_S = 2
"""A last file that would be shorter is left with the one before it: a recorder does not stop to the millisecond."""
_IN_MP4 = frozenset({"h264", "hevc", "vp9", "av1", "opus", "aac", "mp3"})
_IN_WEBM = frozenset({"vp8", "vp9", "av1", "opus", "vorbis"})
_USUAL_FRAME = Fraction(1, 30)
_LONGEST_FRAME = Fraction(1)
_SHORT_PARTS = 4
_TELL_EVERY = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """A file to be.

    Attributes:
        first: number of its first packet of the stream that decides, from 0, in the order of the original.
        start: when that is shown, seconds in the original.
        end: where the next begins, or the last picture ends, or the sound if that is later.
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
        left: what of the original is in no file, for people; empty: all of it is.
    """

    container: Container
    parts: tuple[Part, ...]
    video: int | None
    audio: int | None
    width: int
    height: int
    packets: dict[int, int]
    broken_off: bool
    left: str

    @property
    def leading(self) -> int:
        """Index of the stream at whose packets is cut."""
        return next(index for index in (self.video, self.audio) if index is not None)

    def placing(self) -> Callable[[av.Packet[Any], int], int]:
        """Return what tells which file a packet belongs to, from 0.

        It takes the packet, and how many of its stream came before it. Sound goes with the pictures of its time.
        """
        firsts, starts = [part.first for part in self.parts], [part.start for part in self.parts]

        def part_of(packet: av.Packet[Any], count: int) -> int:
            if packet.stream.index == self.leading:
                return bisect.bisect_right(firsts, count) - 1
            return max(0, bisect.bisect_right(starts, seconds_of(packet)) - 1)

        return part_of


def plan_cuts(path: Path, chunk_us: int, going: Callable[[], None] = lambda: None) -> CutPlan:
    """Read a recording once and return where it is to be cut.

    Args:
        path: of the recording.
        chunk_us: length of a file, microseconds.
        going: called now and then while it is read.

    Raises:
        DataLoss: it has neither pictures nor sound, or of a kind that no file here can hold.
    """
    with opened(path) as film:
        video = next(iter(film.streams.video), None)
        audio = next(iter(film.streams.audio), None)
        streams = [stream for stream in (video, audio) if stream is not None]
        if not streams:
            raise DataLoss("there are neither pictures nor sound in it")
        container = _container({stream.codec_context.name for stream in streams})
        index = _Index(streams[0].index)
        reading = Reading(film)
        for count, packet in enumerate(reading.packets({stream.index for stream in streams})):
            index.add(packet)
            if count % _TELL_EVERY == 0:
                going()
        if index.keys[:1] != [0]:
            raise DataLoss("nothing of it can be shown")
        return CutPlan(
            container,
            index.parts(Fraction(chunk_us, SECOND), is_all_sound=video is None),
            None if video is None else video.index,
            None if audio is None else audio.index,
            0 if video is None else video.codec_context.width,
            0 if video is None else video.codec_context.height,
            index.packets,
            reading.broken_off,
            _left(len(film.streams) - len(streams), reading),
        )


def _left(streams: int, reading: Reading) -> str:
    left = [f"{streams} more streams" if streams > 1 else "one more stream"] if streams else []
    if reading.untimed:
        left.append(f"{reading.untimed} packets that say no time")
    if reading.broken_off:
        left.append("what cannot be read at its end")
    return ", ".join(left)


class _Index:
    """What is known of the packets of a recording; times are integers, for there are millions of them.

    Attributes:
        keys: numbers of the keyframes of the stream that decides.
        packets: how many there are, by the index of their stream.
    """

    def __init__(self, leading: int) -> None:
        self._leading = leading
        self._unit = Fraction(1)
        self._times: list[int] = []
        self._first: Fraction | None = None
        self._beside_end = Fraction(0)
        self.keys: list[int] = []
        self.packets: dict[int, int] = {}

    def add(self, packet: av.Packet[Any]) -> None:
        """Count a packet."""
        index = packet.stream.index
        if index == self._leading:
            self._unit = base_of(packet)
            if packet.is_keyframe:
                self.keys.append(len(self._times))
            self._times.append(time_of(packet))
        else:
            at = seconds_of(packet)
            self._first = at if self._first is None else self._first
            self._beside_end = max(self._beside_end, at + (packet.duration or 0) * base_of(packet))
        self.packets[index] = self.packets.get(index, 0) + 1

    def parts(self, chunk: Fraction, *, is_all_sound: bool) -> tuple[Part, ...]:
        """Return the files: each begins at the keyframe nearest to where it should."""
        end = self._end()
        first = self._times[0] * self._unit
        begin = first if self._first is None else min(first, self._first)
        clean = self.keys if is_all_sound else self._clean()
        rest = min(Fraction(SHORTEST_REST_S), chunk / _SHORT_PARTS)
        firsts, wanted = [0], begin + chunk
        while end - wanted >= rest:
            near = self._nearest(clean, wanted, firsts[-1])
            if near is None or end - self._times[near] * self._unit < rest:
                break
            firsts.append(near)
            wanted += chunk
        starts = [begin, *(self._times[k] * self._unit for k in firsts[1:])]
        return tuple(Part(k, start, stop) for k, start, stop in zip(firsts, starts, [*starts[1:], end], strict=True))

    def _nearest(self, clean: list[int], wanted: Fraction, after: int) -> int | None:
        """Return which keyframe after one is nearest to a time; None: there is none after it."""
        later = clean[bisect.bisect_right(clean, after) :]
        at = bisect.bisect_left(later, wanted, key=lambda k: self._times[k] * self._unit)
        return min(
            later[max(0, at - 1) : at + 1], key=lambda k: abs(self._times[k] * self._unit - wanted), default=None
        )

    def _clean(self) -> list[int]:
        """Return the keyframes of which nothing that comes after is shown before: a film can be parted there."""
        found, lowest, keys = [], self._times[-1], set(self.keys)
        for k in range(len(self._times) - 1, -1, -1):
            lowest = min(lowest, self._times[k])
            if k in keys and lowest >= self._times[k]:
                found.append(k)
        return found[::-1]

    def _end(self) -> Fraction:
        """Return when the last picture ends, or the sound if that is later.

        The picture is taken to last as long as the middle one of those before it: what a container says of the last one
        is the length that the recorder would have liked.
        """
        ordered = sorted(self._times)
        steps = sorted(b - a for a, b in pairwise(ordered) if a < b)
        step = steps[len(steps) // 2] * self._unit if steps else _USUAL_FRAME
        return max(ordered[-1] * self._unit + min(step, _LONGEST_FRAME), self._beside_end)


def opened(path: Path) -> av.container.InputContainer:
    """Open a film, which may be anybody's.

    Raises:
        DataLoss: it is none.
    """
    try:
        return open_untrusted(path)
    except (av.FFmpegError, ValueError, OSError, MemoryError) as error:
        raise DataLoss(f"it cannot be opened as a film: {error}") from error


class Reading:
    """Reads the packets of a film in order, up to where it can be read.

    Attributes:
        broken_off: it ended in the midst of something.
        untimed: how many packets were left out that say no time.
    """

    def __init__(self, film: av.container.InputContainer) -> None:
        self._film = film
        self.broken_off = False
        self.untimed = 0

    def packets(self, indexes: set[int]) -> Iterator[av.Packet[Any]]:
        """Yield the packets of streams that have a time and are whole."""
        streams = [s for s in self._film.streams if s.index in indexes]
        try:
            for packet in self._film.demux(streams):
                if packet.size == 0:
                    continue
                if packet.pts is None:
                    self.untimed += 1
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
