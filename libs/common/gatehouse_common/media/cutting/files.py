"""The files of a recording that is cut: its packets copied, each file with a finite length and an index of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.container

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.nal import is_annex_b, split_annex_b, split_length_prefixed

from .plan import CutPlan, Part, Reading, base_of, opened, seconds_of, time_of

_FLAT = {"mp4": {"movflags": "+faststart", "fflags": "+bitexact"}, "webm": {"fflags": "+bitexact"}}
"""Bit for bit the same whenever it is made of the same: what a crash left is known again."""
_OF_NALS = frozenset({"h264", "hevc"})
_BEHIND_S = 10
"""Sound and pictures of one moment lie at most so far apart in a recording."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written.

    Attributes:
        path: where it is.
        frames: how many pictures are in it.
    """

    path: Path
    frames: int


@dataclass
class _Out:
    """A file that is written."""

    path: Path
    film: av.container.OutputContainer
    part: Part
    streams: dict[int, Any]
    digests: dict[int, Any] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    held: av.Packet[Any] | None = None

    def take(self, packet: av.Packet[Any], *, leads: bool) -> None:
        """Write a packet; of the stream that is cut, the one before it: the last one's length is known at the end."""
        index = packet.stream.index
        self.counts[index] = self.counts.get(index, 0) + 1
        self.digests.setdefault(index, hashlib.sha256()).update(_content(packet))
        base = round(self.part.start / base_of(packet))
        shown = time_of(packet) - base
        decoded = shown if packet.dts is None else packet.dts - base
        packet.dts = max(decoded, self.last.get(index, decoded - 1) + 1)  # two pictures within a millisecond
        packet.pts = max(shown, packet.dts)
        self.last[index] = packet.dts
        packet.stream = self.streams[index]
        if not leads:
            self.film.mux(packet)
            return
        self._let_go()
        self.held = packet

    def end(self) -> None:
        """Finish the file: its last picture lasts until the next file begins."""
        if self.held is not None:
            until = round((self.part.end - self.part.start) / base_of(self.held))
            self.held.duration = max(1, until - time_of(self.held))
        self._let_go()
        self.film.close()

    def _let_go(self) -> None:
        if self.held is not None:
            self.film.mux(self.held)
            self.held = None


def write_files(path: Path, plan: CutPlan, folder: Path, check: Callable[[float], None]) -> list[Written]:
    """Cut a recording into files, and read each again: what is in them is what was in it, packet by packet.

    Args:
        path: of the recording.
        plan: how it is cut.
        folder: where files are to be.
        check: called now and then with what part is done, 0 to 1; may raise to break it off.

    Raises:
        DataLoss: a file does not hold what was to be in it.
    """
    done: list[_Out] = []
    going: dict[int, _Out] = {}
    try:
        with opened(path) as film:
            indexes = {i for i in (plan.video, plan.audio) if i is not None}
            counts, part_of = dict.fromkeys(indexes, 0), plan.placing()
            for packet in Reading(film).packets(indexes):
                index = packet.stream.index
                n, at = part_of(packet, counts[index]), seconds_of(packet)
                counts[index] += 1
                if n not in going:
                    going[n] = _begin(folder / f"{n + 1}.{plan.container}", film, plan, n)
                going[n].take(packet, leads=index == plan.leading)
                for old in [k for k in going if going[k].part.end + _BEHIND_S < at]:
                    done.append(_ended(going, old))
                    check(_share(plan, at))
        while going:
            done.append(_ended(going, min(going)))
    except av.FFmpegError as error:
        raise DataLoss(f"it cannot be cut: {error}") from error
    finally:
        for left in going.values():
            left.film.close()
    for out in done:
        check(1.0)
        _verify(out)
    if counts != plan.packets or len(done) != len(plan.parts):
        raise DataLoss(f"{sum(plan.packets.values()) - sum(counts.values())} packets were lost as it was cut")
    return [Written(out.path, 0 if plan.video is None else out.counts.get(plan.video, 0)) for out in done]


def _begin(path: Path, film: av.container.InputContainer, plan: CutPlan, n: int) -> _Out:
    made = av.open(str(path), "w", format=plan.container, options=_FLAT[plan.container])
    streams = {i: made.add_stream_from_template(film.streams[i]) for i in (plan.video, plan.audio) if i is not None}
    return _Out(path, made, plan.parts[n], streams)


def _ended(going: dict[int, _Out], n: int) -> _Out:
    out = going[n]
    out.end()
    del going[n]
    return out


def _share(plan: CutPlan, at: Fraction) -> float:
    begin, end = plan.parts[0].start, plan.parts[-1].end
    return float((at - begin) / (end - begin)) if end > begin else 1.0


def _verify(out: _Out) -> None:
    """Read a file from its beginning to its end.

    Raises:
        DataLoss: it does not hold what was written.
    """
    numbers = dict(enumerate(out.streams))
    found = {index: hashlib.sha256() for index in out.counts}
    with opened(out.path) as film:
        for packet in Reading(film).packets(set(numbers)):
            found[numbers[packet.stream.index]].update(_content(packet))
    if any(found[index].digest() != out.digests[index].digest() for index in found):
        raise DataLoss(f"what was read again of {out.path.name} is not what was written")


def _content(packet: av.Packet[Any]) -> bytes:
    """Return what is in a packet, however its container frames it."""
    codec = packet.stream.codec_context
    if codec.name not in _OF_NALS:
        return bytes(packet)
    split = split_annex_b if is_annex_b(codec.extradata) else split_length_prefixed
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in map(_stripped, split(bytes(packet))))


def _stripped(nal: bytes) -> bytes:
    return nal.rstrip(b"\0")  # zeros at its end belong to the framing, see nal.py
