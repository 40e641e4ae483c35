"""From distributions to texts: the likeliest ones, and how likely a given one is (connectionist temporal coding)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .alphabet import BLANK, CHARACTERS, Distribution

_LEAST = 1e-4
_LEAST_LOG = -30.0


def likeliest(places: Distribution, width: int = 12) -> dict[str, float]:
    """Return texts with their log-probabilities, found by a search that keeps ``width`` prefixes at each place."""
    ends: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}  # prefix: probability ending in blank, in its last letter
    scale = 0.0
    for row in places:
        picked = [int(c) for c in np.flatnonzero(row > _LEAST)] or [int(row.argmax())]
        if len(picked) > 6:
            picked = [int(c) for c in np.argsort(row)[-6:]]
        ends = _extended(ends, [(c, float(row[c])) for c in picked])
        best = sorted(ends.items(), key=lambda end: -sum(end[1]))[:width]
        most = sum(best[0][1])
        scale += float(np.log(most))
        ends = {text: (blank / most, letter / most) for text, (blank, letter) in best}
    return {text: scale + float(np.log(sum(both))) for text, both in ends.items() if sum(both) > 0}


def _extended(ends: dict[str, tuple[float, float]], row: list[tuple[int, float]]) -> dict[str, tuple[float, float]]:
    after: dict[str, tuple[float, float]] = {}
    for text, (blank, letter) in ends.items():
        last = text[-1:]
        for column, chance in row:
            if column == BLANK:
                _add(after, text, (blank + letter) * chance, 0.0)
                continue
            char = CHARACTERS[column - 1]
            if char == last:
                _add(after, text, 0.0, letter * chance)
                _add(after, text + char, 0.0, blank * chance)
            else:
                _add(after, text + char, 0.0, (blank + letter) * chance)
    return after


def _add(ends: dict[str, tuple[float, float]], text: str, blank: float, letter: float) -> None:
    had = ends.get(text, (0.0, 0.0))
    ends[text] = (had[0] + blank, had[1] + letter)


def log_probability(places: Distribution, texts: list[str]) -> NDArray[np.float64]:
    """Return how likely each text is, over all ways to lay it along the places; at least ``exp(-30)``."""
    if not texts:
        return np.zeros(0)
    longest = max(len(text) for text in texts)
    states = 2 * longest + 1
    columns = np.zeros((len(texts), states), np.int64)
    skips = np.zeros((len(texts), states), bool)
    for at, text in enumerate(texts):
        codes = [CHARACTERS.index(char) + 1 for char in text]
        columns[at, 1 : 2 * len(codes) : 2] = codes
        for k in range(1, len(codes)):
            skips[at, 2 * k + 1] = codes[k] != codes[k - 1]
    chance = np.zeros((len(texts), states))
    chance[:, 0] = 1.0
    scale = np.zeros(len(texts))
    moved = np.zeros_like(chance)
    for t, row in enumerate(places.astype(np.float64)):
        if t:
            moved[:] = chance
            moved[:, 1:] += chance[:, :-1]
            moved[:, 2:] += np.where(skips[:, 2:], chance[:, :-2], 0.0)
        else:
            moved[:] = 0.0
            moved[:, 0] = 1.0
            moved[:, 1:2] = 1.0
        chance = moved * (row[columns] + 1e-9)
        most = chance.max(axis=1)
        scale += np.log(most)
        chance /= most[:, None]
    last = np.asarray([2 * len(text) for text in texts])
    rows = np.arange(len(texts))
    total = chance[rows, last] + np.where(last > 0, chance[rows, np.maximum(last - 1, 0)], 0.0)
    answer: NDArray[np.float64] = np.maximum(scale + np.log(total + 1e-300), _LEAST_LOG)
    return answer


def character_chances(places: Distribution, text: str) -> list[float]:
    """Return the confidence of each character: its highest probability at the places that the best path gives it."""
    codes = [CHARACTERS.index(char) + 1 for char in text]
    columns = [BLANK]
    for code in codes:
        columns += [code, BLANK]
    logs = np.log(places.astype(np.float64) + 1e-9)
    states = len(columns)
    score = np.full(states, -np.inf)
    score[: min(2, states)] = logs[0, columns[: min(2, states)]]
    back = np.zeros((len(places), states), np.int64)
    for t in range(1, len(places)):
        options = np.full((3, states), -np.inf)
        options[0] = score
        options[1, 1:] = score[:-1]
        for s in range(3, states, 2):
            if columns[s] != columns[s - 2]:
                options[2, s] = score[s - 2]
        steps = options.argmax(axis=0)
        back[t] = np.arange(states) - steps
        score = options[steps, np.arange(states)] + logs[t, columns]
    state = states - 1 if states < 2 or score[-1] >= score[-2] else states - 2
    chances = [0.0] * len(codes)
    for t in range(len(places) - 1, -1, -1):
        if state % 2:
            at = state // 2
            chances[at] = max(chances[at], float(places[t, columns[state]]))
        state = int(back[t, state])
    return chances
