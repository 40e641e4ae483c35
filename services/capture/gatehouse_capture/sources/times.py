"""Presentation times of packets that say none: raw streams have no times, and some senders forget one now and then."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from gatehouse_common.clock import SECOND, Clock, wall_at
from gatehouse_common.media.samples import VIDEO_TIMESCALE

_UNKNOWN_FPS = 25.0
"""What a stream that tells no rate is taken to have; libavformat supposes the same of raw streams."""


class Timed(Protocol):
    """What is looked at of a packet."""

    @property
    def pts(self) -> int | None:
        """When it is shown, in units of ``time_base``."""
        ...

    @property
    def dts(self) -> int | None:
        """When it is decoded, in units of ``time_base``."""
        ...

    @property
    def time_base(self) -> Fraction | None:
        """Seconds a unit."""
        ...


def scaled(value: int, base: Fraction | None, scale: int) -> int:
    """Return ``value`` units of ``base`` seconds in units of ``1 / scale`` seconds."""
    up, down = (1, VIDEO_TIMESCALE) if base is None else (base.numerator, base.denominator)
    return (2 * value * up * scale + down) // (2 * down)  # of every packet: fractions take twenty times as long


class PictureTimes:
    """Gives every picture of one stream a time of its own.

    What the sender says is believed. Where it says nothing, the decode time stands in if pictures are shown in the
    order in which they are decoded; else the picture follows the one before it, by as much as it arrived later if
    it is live, by the stream's rate if it is not.

    Args:
        fps: frames per second as stated, 0 if unknown.
        reordered: whether pictures are shown in another order than they are decoded in.
        live: whether pictures arrive when they happen.
    """

    def __init__(self, fps: float, *, reordered: bool, live: bool) -> None:
        self._step = round(VIDEO_TIMESCALE / (fps if fps > 0 else _UNKNOWN_FPS))
        self._reordered, self._live = reordered, live
        self._last: tuple[int, int] | None = None

    def of(self, packet: Timed, arrival_us: int) -> int:
        """Return the picture's time in ticks of 1/90000 s; ``arrival_us`` is the wall time at which it was here."""
        if packet.pts is not None:
            at = scaled(packet.pts, packet.time_base, VIDEO_TIMESCALE)
        elif packet.dts is not None and not self._reordered:
            at = scaled(packet.dts, packet.time_base, VIDEO_TIMESCALE)
        elif self._last is None:
            at = 0  # the first packet of an RTSP session has no time: it is what all times count from
        else:
            at = self._last[0] + self._later(arrival_us - self._last[1])
        if self._last is None or at > self._last[0]:
            self._last = at, arrival_us
        return at

    def _later(self, elapsed_us: int) -> int:
        if not self._live:
            return self._step
        # Packets of one burst arrive together; two pictures never have one time.
        return max(elapsed_us * VIDEO_TIMESCALE // SECOND, self._step // 4, 1)


class SoundTimes:
    """Tells which packets of copied sound say something new.

    The first sender report may move the sound against the picture, back over what has been recorded already. Both
    cannot be played at that time, and squeezed together they would put all that follows out of time.
    """

    def __init__(self) -> None:
        self._end: int | None = None

    def is_new(self, pts: int, dur: int, scale: int) -> bool:
        """Return whether a packet begins where the ones before end, or later; times in ``1 / scale`` seconds.

        What begins more than a second before is of another time altogether, and new.
        """
        if self._end is not None and dur // 2 < self._end - pts < scale:
            return False
        self._end = pts + dur
        return True


def taken_at(said_us: int, began_us: int, now_us: int) -> int:
    """Return when a picture was taken that a driver has handed over, in microseconds of monotonic time.

    What the driver says is believed if it can be: some count from another zero. A picture may have waited for as long
    as nobody read it, for a full queue keeps its oldest; but it was not taken before the device began.

    Args:
        said_us: what the driver says.
        began_us: when the device was told to begin.
        now_us: when the picture was handed over.
    """
    return said_us if began_us <= said_us <= now_us else now_us


class PictureClock:
    """Turns the times at which live pictures were taken into their presentation times, from 0, ever later.

    Args:
        clock: its monotonic time is the pictures', so that setting the wall clock moves none of them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._zero: int | None = None
        self._last = -1

    def of(self, taken_us: int) -> tuple[int, int]:
        """Return ``(ticks of 1/90000 s, wall time in microseconds)`` of a picture of monotonic time ``taken_us``.

        Some devices tell one time twice, or an earlier one; two pictures never have one, and a picture's wall time is
        that of its presentation time, else it would move all that is counted from there.
        """
        zero = self._zero = taken_us if self._zero is None else self._zero
        self._last = max((taken_us - zero) * VIDEO_TIMESCALE // SECOND, self._last + 1)
        return self._last, wall_at(self._clock, max(taken_us, zero + self._last * SECOND // VIDEO_TIMESCALE))
