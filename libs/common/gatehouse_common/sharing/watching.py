"""Seeing that somebody has given no sign of life: by one's own clock alone, and only while one can see."""

from __future__ import annotations

from collections.abc import Hashable, Mapping


class Watch:
    """Knows for how long each of many things has looked the same.

    Clocks of different machines need not agree, and a database that is away makes nobody look dead: a look that failed
    begins all observations anew (Kubernetes' leader election does the first for the same reason).
    """

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[Hashable, int]] = {}

    def see(self, stamps: Mapping[Hashable, Hashable], now_us: int) -> None:
        """Take how things look now; those that are not there any more are forgotten."""
        before = self._seen
        self._seen = {
            key: before[key] if key in before and before[key][0] == stamp else (stamp, now_us)
            for key, stamp in stamps.items()
        }

    def blind(self) -> None:
        """Nothing could be seen: what was observed until now says nothing about what comes."""
        self._seen = {}

    def same_for_us(self, key: Hashable, now_us: int) -> int:
        """Return for how long a thing has looked as it does, microseconds; 0 if it has just been seen."""
        found = self._seen.get(key)
        return now_us - found[1] if found is not None else 0
