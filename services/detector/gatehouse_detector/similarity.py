"""How much two texts of plates are alike, and which of their characters belong together."""

from __future__ import annotations

from functools import lru_cache

_GROUPS = ("0OQD", "1IL", "8B", "5S", "2Z", "6G", "7T", "4A", "UV", "MN", "VY", "KX", "EF", "PR", "CG", "38")
_CONFUSED = frozenset(frozenset((a, b)) for group in _GROUPS for a in group for b in group if a != b)
_CONFUSION = 0.35
"""What a character costs that is taken for one that looks like it; any other one costs 1."""
_SAME = 0.75
"""Two confusions."""
_COMMON = 3
"""Characters that pieces of a text must have in common."""

Pair = tuple[int | None, int | None]
"""Positions of two texts that belong together; None: the other text has a character more there."""


def are_confused(a: str, b: str) -> bool:
    """Return whether two characters are often taken for each other."""
    return frozenset((a, b)) in _CONFUSED


@lru_cache(maxsize=8192)
def distance(a: str, b: str) -> float:
    """Return the edit distance of two texts, in which characters that look alike are nearer than others."""
    return _costs(a, b)[-1][-1]


def similarity(a: str, b: str) -> float:
    """Return 1 for equal texts, 0 for such that have nothing in common."""
    return 1 - distance(a, b) / max(len(a), len(b), 1)


def is_piece(a: str, b: str) -> bool:
    """Return whether one text is a piece of the other, or both are pieces of one that overlap."""
    short, long = sorted((a, b), key=len)
    if len(short) < _COMMON:
        return False
    if short in long:
        return True
    return any(a.endswith(b[:n]) or b.endswith(a[:n]) for n in range(_COMMON, len(short)))


def are_same(a: str, b: str) -> bool:
    """Return whether two texts differ in no more than a character or two that look alike."""
    return len(a) == len(b) and distance(a, b) <= _SAME


@lru_cache(maxsize=8192)
def align(a: str, b: str) -> tuple[Pair, ...]:
    """Return which positions of two texts belong together, from left to right, by the least edit distance."""
    costs = _costs(a, b)
    i, j = len(a), len(b)
    pairs: list[Pair] = []
    while i or j:
        if i and j and costs[i][j] == costs[i - 1][j - 1] + _cost(a[i - 1], b[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return tuple(reversed(pairs))


def _cost(a: str, b: str) -> float:
    if a == b:
        return 0.0
    return _CONFUSION if are_confused(a, b) else 1.0


def _costs(a: str, b: str) -> list[list[float]]:
    """Return the least costs of all beginnings of ``a`` (rows) and of ``b`` (columns)."""
    rows = [[float(j) for j in range(len(b) + 1)]]
    for i, char in enumerate(a, 1):
        above, row = rows[-1], [float(i)]
        for j, other in enumerate(b, 1):
            row.append(min(above[j - 1] + _cost(char, other), above[j] + 1, row[j - 1] + 1))
        rows.append(row)
    return rows
