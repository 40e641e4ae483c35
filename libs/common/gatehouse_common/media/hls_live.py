"""The numbers of live HLS segments: a player knows a segment again by its number, so it must not change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from .hls import Segment, live_playlist
from .samples import ChunkMedia

LIVE_SEGMENTS = 6
LOOKBACK_US = 120_000_000
"""How much before now to look segments up: some of those of the fetch before must still be among them."""

_Key = tuple[str, int]


class LiveWindows:
    """Numbers the newest segments of each camera, going on from one fetch to the next. Safe for many threads.

    The first fetch numbers by the wall clock's seconds. Segments are longer than a second, so numbers that are
    given later, by a process that has started anew, are never below those that a player has seen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, dict[_Key, tuple[int, int]]] = {}

    def playlist(self, camera: str, segments: Sequence[Segment], url_of: Callable[[ChunkMedia], str]) -> str:
        """Return the live playlist of a camera.

        Args:
            camera: its id.
            segments: its whole segments since ``LOOKBACK_US`` ago, by start; at least one.
            url_of: gives a chunk's URL.
        """
        with self._lock:
            numbers = self._number(self._known.get(camera, {}), segments)
            self._known[camera] = dict(zip(map(_key, segments), numbers, strict=True))
        window, (sequence, cuts) = segments[-LIVE_SEGMENTS:], numbers[-LIVE_SEGMENTS:][0]
        # A segment's own discontinuity is told by its tag as long as it is in the window.
        return live_playlist(window, url_of, sequence, cuts - window[0].discontinuity)

    @staticmethod
    def _number(known: dict[_Key, tuple[int, int]], segments: Sequence[Segment]) -> list[tuple[int, int]]:
        """Return number and count of discontinuities, its own included, of each segment."""
        cuts = 0
        counted: list[tuple[int, int]] = []
        for number, segment in enumerate(segments):
            cuts += segment.discontinuity
            counted.append((number, cuts))
        for (number, cut), segment in zip(counted, segments, strict=True):
            if (before := known.get(_key(segment))) is not None:
                return [(n + before[0] - number, c + before[1] - cut) for n, c in counted]
        highest = max(known.values(), default=(0, 0))
        base = max(segments[0].start_us // 1_000_000, highest[0] + 1)
        return [(n + base, c + highest[1] + bool(known)) for n, c in counted]


def _key(segment: Segment) -> _Key:
    return segment.chunk.chunk_id, segment.offset
