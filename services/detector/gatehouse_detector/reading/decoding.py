"""From distributions to texts: the likeliest ones, and how likely a given one is (connectionist temporal coding)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alphabet import BLANK, CHARACTERS, Distribution

_LEAST_LOG = -30.0
_DOUBTFUL = 0.015
"""Probability from which another sign is considered in a place."""
_DOUBTS = 7
"""Other signs that are considered of one line, the likeliest."""
_AT_ONCE = 3
"""Of which so many may hold at once."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Places in which one sign is the likeliest: the sign, and what else may be there with its log-ratio."""

    sign: int
    others: tuple[tuple[int, float], ...]


def likely_texts(places: Distribution, most: int = 12) -> list[str]:
    """Return texts that places may say, roughly the likeliest first; at least one, perhaps empty.

    The best path is cut into runs of one sign. Each run may have been another sign, or none, and a gap between runs a
    sign that was overlooked; the likeliest of those doubts are tried one by one and together.
    """
    runs = _runs(places)
    doubts = [(score, at, sign) for at, run in enumerate(runs) for sign, score in run.others]
    doubts = sorted(doubts, reverse=True)[:_DOUBTS]
    tried: dict[str, float] = {}
    for count in range(_AT_ONCE + 1):
        for changes in itertools.combinations(doubts, count):
            if len({at for _, at, _ in changes}) < count:
                continue
            score = sum(change[0] for change in changes)
            text = _spelled(runs, {at: sign for _, at, sign in changes})
            tried[text] = max(tried.get(text, _LEAST_LOG), score)
    return sorted(tried, key=lambda text: -tried[text])[:most]


def best_text(places: Distribution) -> str:
    """Return the text of the best path."""
    picked = places.argmax(axis=1)
    kept = picked[np.append(True, picked[1:] != picked[:-1])]
    return "".join(CHARACTERS[sign - 1] for sign in kept if sign != BLANK)


def _runs(places: Distribution) -> list[_Run]:
    picked = places.argmax(axis=1)
    edges = np.flatnonzero(np.append(True, picked[1:] != picked[:-1]))
    ends = np.append(edges[1:], len(picked))
    runs = []
    for start, end in zip(edges, ends, strict=True):
        sign = int(picked[start])
        highest = places[start:end].max(axis=0)
        others = [(int(c), float(np.log(highest[c] / highest[sign]))) for c in np.flatnonzero(highest > _DOUBTFUL)]
        if sign != BLANK:
            # None is there only if none of the places holds the sign.
            none = float(np.log(places[start:end, BLANK] / places[start:end, sign] + 1e-9).sum())
            others = [(c, score) for c, score in others if c != BLANK] + [(BLANK, none)]
        runs.append(_Run(sign, tuple((c, score) for c, score in others if c != sign and score > _LEAST_LOG / 3)))
    return runs


def _spelled(runs: list[_Run], changed: dict[int, int]) -> str:
    text: list[str] = []
    last = BLANK
    for at, run in enumerate(runs):
        sign = changed.get(at, run.sign)
        if sign not in (BLANK, last):
            text.append(CHARACTERS[sign - 1])
        last = sign
    return "".join(text)


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
    skips = np.asarray([s > 2 and s % 2 == 1 and columns[s] != columns[s - 2] for s in range(states)])
    score = np.full(states, -np.inf)
    score[: min(2, states)] = logs[0, columns[: min(2, states)]]
    back = np.zeros((len(places), states), np.int64)
    for t in range(1, len(places)):
        options = np.full((3, states), -np.inf)
        options[0] = score
        options[1, 1:] = score[:-1]
        options[2, 2:] = np.where(skips[2:], score[:-2], -np.inf)
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
