"""What the sizes of encoded pictures tell for nothing: where something moves, there is more to encode.

A size is compared with those that its like had while nothing moved: keyframes with keyframes, pictures between
references by their place between them, the others by their place in the GOP. Median and quartiles are not upset by what
does not belong there. Deviations are summed up (Page's CUSUM): a little more for long tells as much as much at once.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Hashable

from gatehouse_common.media.samples import VIDEO_TIMESCALE

_KEPT = 64
_ENOUGH = 16
"""Sizes of a kind that have to be known before others are compared with them."""
_WARM_UP = 5 * VIDEO_TIMESCALE
"""Encoders take some seconds to come to what they send while nothing moves."""
_SURE = 24
_TELLING = 0.4
"""The share of the pictures whose sizes have to be steady for all to be trusted: those between references, say."""
_DRIFT, _SUM = 1.5, 10.0
_QUARTILES, _TENTH = 1.349, 1.282
"""Of a normal distribution: how far apart its quartiles are, and its upper tenth and its middle, in deviations."""
_LEAST_SHARE = 0.08
"""Encoders waver by so much of a size at least, whatever the last ones were."""
_PIXELS_PER_BYTE = 40_000
_TRUSTED = 0.24
"""Bytes for the square root of a picture's pixels: a car a tenth as wide as the picture adds three times as much to
each of its pictures. Where sizes waver by more, as those of an encoder do that fills a steady rate with noise, it may
pass unnoticed."""
_DISTRUST = 15 * VIDEO_TIMESCALE
_MOST_DISTRUST = 5


class SizeWatch:
    """Follows the sizes of one run's pictures. A few microseconds a picture.

    Args:
        pixels: of a picture.
    """

    def __init__(self, pixels: int) -> None:
        self._floor = max(8.0, pixels / _PIXELS_PER_BYTE)
        self._trusted_spread = max(16.0, _TRUSTED * pixels**0.5)
        self._kinds: dict[Hashable, _Sizes] = {}
        self._position = self._between = 0
        self._newest_pts = -1
        self._sum = 0.0
        self._false_alarms = 0
        self._distrusted_until = 0
        self._now = 0

    @property
    def trusted(self) -> bool:
        """Whether nothing of any size that matters can move without that sizes tell."""
        if self._now < max(_WARM_UP, self._distrusted_until):
            return False
        known = [sizes for kind, sizes in self._kinds.items() if kind != "key"]
        telling = [s.taken for s in known if len(s) >= _SURE and s.spread <= self._trusted_spread]
        return bool(telling) and sum(telling) >= _TELLING * sum(sizes.taken for sizes in known)

    def take(self, dts: int, pts: int, size: int, *, sync: bool, learn: bool) -> bool:
        """Take the next picture in decode order; return whether something seems to move.

        Args:
            dts: decode time in ticks.
            pts: presentation time in ticks.
            size: bytes.
            sync: whether it is a keyframe.
            learn: whether nothing is known to move now, so that it is one of those that others are compared with.
        """
        self._now = dts
        sizes = self._kinds.setdefault(self._kind(pts, sync), _Sizes())
        if len(sizes) >= _ENOUGH and dts >= _WARM_UP:
            spread = max(sizes.spread, _LEAST_SHARE * sizes.median, self._floor)
            deviation = max(-3.0, min(8.0, (size - sizes.median) / spread))
            self._sum = max(0.0, self._sum + deviation - _DRIFT)
        if learn:
            sizes.add(size)
        if self._sum <= _SUM * 3**self._false_alarms:
            return False
        self._sum = 0.0
        return True

    def confirm(self) -> None:
        """Something did move when sizes told so."""
        self._false_alarms = max(0, self._false_alarms - 1)

    def false_alarm(self) -> None:
        """Nothing moved: believe them less, for a quarter of a minute at first, longer each time."""
        self._distrusted_until = self._now + (_DISTRUST << self._false_alarms)
        self._false_alarms = min(self._false_alarms + 1, _MOST_DISTRUST)

    def _kind(self, pts: int, sync: bool) -> Hashable:
        before, self._newest_pts = self._newest_pts, max(pts, self._newest_pts)
        if sync:
            self._position = self._between = 0
            return "key"
        if pts < before:
            self._between += 1
            return "between", min(self._between, 3)
        self._between = 0
        self._position += 1
        return self._position if self._position < 4 else min(self._position.bit_length() + 1, 6)


class _Sizes:
    """The last sizes of a kind, in order of time and of size."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque()
        self._sorted: list[int] = []
        self.taken = 0

    def __len__(self) -> int:
        return len(self._sorted)

    @property
    def median(self) -> float:
        return float(self._sorted[len(self._sorted) // 2])

    @property
    def spread(self) -> float:
        """A standard deviation, by the quartiles, or by the upper tenth where that is farther away."""
        sizes, count = self._sorted, len(self._sorted)
        middle = (sizes[count * 3 // 4] - sizes[count // 4]) / _QUARTILES
        return max(middle, (sizes[count * 9 // 10] - sizes[count // 2]) / _TENTH)

    def add(self, size: int) -> None:
        if len(self._recent) == _KEPT:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]
        self.taken += 1
        self._recent.append(size)
        insort(self._sorted, size)
