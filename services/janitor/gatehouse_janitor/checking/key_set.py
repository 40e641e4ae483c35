"""Millions of keys in little memory: eight bytes each, sorted."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 65_536


class KeySet:
    """Knows which of some keys are in it. Two of ten million are taken for one another once in 400,000 sets."""

    def __init__(self) -> None:
        self._full: list[NDArray[np.uint64]] = []
        self._new: list[int] = []
        self._sorted: NDArray[np.uint64] | None = None

    def add(self, key: str) -> None:
        """Put a key in."""
        self._new.append(_digest(key))
        self._sorted = None
        if len(self._new) == _AT_ONCE:
            self._pack()

    def lacks(self, keys: Sequence[str]) -> list[str]:
        """Return those of some keys that are not in it."""
        known = self._all()
        wanted = np.fromiter((_digest(key) for key in keys), np.uint64, len(keys))
        at = np.searchsorted(known, wanted)
        at[at == len(known)] = 0
        there = known[at] == wanted if len(known) else np.zeros(len(wanted), np.bool_)
        return [key for key, found in zip(keys, there, strict=True) if not found]

    def _all(self) -> NDArray[np.uint64]:
        if self._sorted is None:
            self._pack()
            self._sorted = np.sort(np.concatenate(self._full)) if self._full else np.zeros(0, np.uint64)
            self._full = [self._sorted]
        return self._sorted

    def _pack(self) -> None:
        if self._new:
            self._full.append(np.array(self._new, np.uint64))
            self._new = []


def _digest(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
