"""What a source is: it opens, tells what it sends, and hands over packets until it ends or fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gatehouse_common.media.parameter_sets import ParameterSets
from gatehouse_common.media.samples import TrackFormat


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a source sends.

    Attributes:
        init: the init segment of a run of it.
        formats: what ``init`` says, video first.
        sets: parameter sets to put before keyframes; None for codecs that have none.
        depth: how far pictures may be reordered.
        fps: frames per second as stated, 0 if unknown.
        backend: how it is read, for people: ``RTSP``, ``V4L2``...
        live: whether packets arrive when they happen, so that arrival tells the wall time.
        fallback: the device used in place of the configured one.
        asked_fps: frames per second that were asked of it, or that it states of itself; 0: neither.
    """

    init: bytes
    formats: tuple[TrackFormat, ...]
    sets: ParameterSets | None
    depth: int
    fps: float
    backend: str
    live: bool = True
    fallback: str | None = None
    asked_fps: float = 0.0


@dataclass(slots=True)
class Packet:
    """One sample as it came, length-prefixed where the codec has NAL units.

    Attributes:
        track: 0 for video, 1 for audio.
        pts: presentation time in ticks of the track, of any zero that both tracks share.
        dur: duration in ticks, 0 if unknown.
        sync: whether decoding can start here.
        data: the sample.
        arrival_us: wall time at which it was here.
        sender_us: wall time of the picture by the camera's own clock, where it tells.
        jpeg: the picture as the camera sent it, where that was a JPEG.
    """

    track: int
    pts: int
    dur: int
    sync: bool
    data: bytes
    arrival_us: int
    sender_us: int | None = None
    jpeg: bytes | None = None


class Source(Protocol):
    """A camera that can be read once; reconnecting takes a new one."""

    def open(self) -> StreamInfo:
        """Connect.

        Raises:
            SourceUnavailable: it cannot be reached, or sends no video that can be recorded.
        """
        ...

    def packets(self) -> Iterator[Packet]:
        """Yield packets; ends when the source has ended.

        Raises:
            SourceUnavailable: it failed or went silent.
        """
        ...

    def interrupt(self) -> None:
        """Let ``packets`` end soon; called from another thread, while that one may be reading."""
        ...

    def give_up(self) -> None:
        """Let ``packets`` fail if it waits for what may never come; called from another thread."""
        ...

    def close(self) -> None:
        """Let go of it; called by the thread that reads, when it no longer does."""
        ...
