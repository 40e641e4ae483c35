"""What several reads of one plate say together: a vote for each character.

Reads are laid side by side by edit distance (as ROVER does with transcripts of speech: J. G. Fiscus, *A post-processing
system to yield reduced word error rates*, ASRU 1997), so that one which lost a character at the edge of the picture
still votes for the others. The order of the reads changes nothing: the first one does not win by being the first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gatehouse_common.messages.plates import MAX_ALTERNATIVES

from .similarity import align, are_confused

LONGEST = 16
_ROUNDS = 4
_PATTERN_BONUS = 1.3
"""A text that fits the syntax of plates is likelier to be one than another that was read as surely."""
_NEAR_TIE = 0.35
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one read says; see ``ReadFields`` for its fields."""

    text: str
    confidence: float
    characters: tuple[float, ...]
    region: str = ""
    pattern: str = ""
    alternatives: tuple[tuple[str, float], ...] = ()

    @property
    def weight(self) -> float:
        """How much it counts: many that are unsure do not outvote one that is sure."""
        return max(self.confidence, _LEAST) ** 2 * (_PATTERN_BONUS if self.pattern else 1.0)

    def texts(self) -> Iterator[tuple[str, float]]:
        """Yield what it may say, with how much each counts: its text first."""
        yield self.text, self.weight
        for text, probability in self.alternatives:
            if text and text != self.text:
                yield text, self.weight * min(probability, self.confidence)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the reads say together.

    Attributes:
        text: by vote.
        confidence: that it is right to the letter: of a single read its own, of several that agree more, but never more
            than if they were independent; of such that disagree less.
        characters: share of the votes of each character.
        region: of the syntax that it fits.
        pattern: the syntax that it fits.
        alternatives: other texts with their share of the votes, the likeliest first.
    """

    text: str
    confidence: float
    characters: tuple[float, ...]
    region: str
    pattern: str
    alternatives: tuple[tuple[str, float], ...]


def vote(ballots: Sequence[Ballot]) -> Verdict:
    """Return what reads say together.

    Args:
        ballots: at least one.
    """
    ordered = sorted(ballots, key=lambda b: (-b.confidence, b.text, b.characters, b.pattern, b.alternatives))
    text = _by_syntax(_consensus(ordered), ordered)
    shares = tuple(_share(text, at, ordered) for at in range(len(text)))
    confidence = _confidence(text, ordered)
    region, pattern = _syntax(text, ordered)
    return Verdict(text, confidence, shares, region, pattern, _alternatives(text, ordered, 1 - confidence))


def _consensus(ballots: Sequence[Ballot]) -> str:
    """Return the text that gets most votes, character by character."""
    weights: dict[str, float] = defaultdict(float)
    for ballot in ballots:
        for text, weight in ballot.texts():
            weights[text] += weight
    pivot = min((-weight, text) for text, weight in weights.items())[1]
    if len({ballot.text for ballot in ballots}) == 1:
        return ballots[0].text  # nobody disagrees, whatever else it might have been
    for _ in range(_ROUNDS):
        voted = _vote_once(pivot, ballots)
        if voted == pivot:
            break
        pivot = voted
    return pivot[:LONGEST]


def _vote_once(pivot: str, ballots: Sequence[Ballot]) -> str:
    """Lay all texts beside one, and return what most say at each place of it and between its places."""
    at_places = [defaultdict[str, float](float) for _ in pivot]
    between = [defaultdict[str, float](float) for _ in range(len(pivot) + 1)]
    total = 0.0
    for ballot in ballots:
        for text, weight in ballot.texts():
            total += weight
            _cast(text, weight, ballot, pivot, at_places, between)
    voted = ""
    for at in range(len(pivot) + 1):
        extra, weight = _heaviest(between[at])
        voted += extra if weight > total / 2 else ""
        voted += _heaviest(at_places[at])[0] if at < len(pivot) else ""
    return voted or pivot


def _cast(
    text: str,
    weight: float,
    ballot: Ballot,
    pivot: str,
    at_places: list[defaultdict[str, float]],
    between: list[defaultdict[str, float]],
) -> None:
    own = ballot.characters if text == ballot.text and len(ballot.characters) == len(text) else ()
    place = 0
    extra = ""
    for i, j in align(text, pivot):
        if j is None:
            extra += "" if i is None else text[i]
            continue
        if extra:
            between[place][extra] += weight
            extra = ""
        place = j + 1
        sure = own[i] if own and i is not None else 1.0
        at_places[j]["" if i is None else text[i]] += weight * max(sure, _LEAST)
    if extra:
        between[place][extra] += weight


def _heaviest(votes: dict[str, float]) -> tuple[str, float]:
    """Return who has most votes; of several the first by the alphabet, and a character before none."""
    if not votes:
        return "", 0.0
    weight, _, text = min((-weight, not text, text) for text, weight in votes.items())
    return text, -weight


def _by_syntax(text: str, ballots: Sequence[Ballot]) -> str:
    """Return the text with characters that look alike settled by the syntax that most reads fit."""
    shape = _shape_of(text, ballots)
    settled = ""
    for at, char in enumerate(text):
        wanted = shape[at] if shape else ""
        settled += char if not wanted or _is(char, wanted) else _settle(text, at, wanted, ballots)
    return settled


def _settle(text: str, at: int, wanted: str, ballots: Sequence[Ballot]) -> str:
    votes: dict[str, float] = defaultdict(float)
    for ballot in ballots:
        for other, weight in ballot.texts():
            votes[_placed(other, text)[at]] += weight
    fitting = {c: w for c, w in votes.items() if c and _is(c, wanted) and are_confused(c, text[at])}
    best, weight = _heaviest(fitting)
    return best if best and weight >= _NEAR_TIE * votes[text[at]] else text[at]


def _shape_of(text: str, ballots: Sequence[Ballot]) -> str:
    """Return ``A`` and ``9`` for each place by the syntax of most reads that are as long; empty: none fits any."""
    weights: dict[str, float] = defaultdict(float)
    for ballot in ballots:
        shape = "".join(c for c in ballot.pattern if c.isalnum())
        if ballot.pattern and len(shape) == len(text) == len(ballot.text):
            weights[shape] += ballot.weight
    return _heaviest(weights)[0]


def _is(char: str, wanted: str) -> bool:
    if wanted == "9":
        return char.isdigit()
    return char.isalpha() if wanted == "A" else char == wanted


@lru_cache(maxsize=8192)
def _placed(other: str, text: str) -> tuple[str, ...]:
    """Return what another text has where ``text`` has its characters; empty: nothing."""
    places = [""] * len(text)
    for i, j in align(other, text):
        if i is not None and j is not None:
            places[j] = other[i]
    return tuple(places)


@lru_cache(maxsize=8192)
def _has_more(other: str, text: str) -> bool:
    """Return whether another text has a character that ``text`` lacks."""
    return any(j is None for _, j in align(other, text))


def _share(text: str, at: int, ballots: Sequence[Ballot]) -> float:
    """Return the share of the votes for one character of the voted text."""
    total = sum(b.weight for b in ballots)
    for_it = sum(b.weight * _sure(b, text, at) for b in ballots if _placed(b.text, text)[at] == text[at])
    return min(1.0, for_it / total)


def _sure(ballot: Ballot, text: str, at: int) -> float:
    """Return how sure a read says that it is of the character that it has at a place of ``text``."""
    if len(ballot.characters) != len(ballot.text):
        return ballot.confidence
    return next(ballot.characters[i] for i, j in align(ballot.text, text) if j == at and i is not None)


def _confidence(text: str, ballots: Sequence[Ballot]) -> float:
    """Return how sure the voted text is.

    Each read that agrees in a place divides the doubt there by less than the one before: reads of one plate are often
    wrong together. Each that disagrees takes away its share.
    """
    total = sum(b.weight for b in ballots)
    result = 1 - sum(b.weight for b in ballots if _has_more(b.text, text)) / total
    for at in range(len(text)):
        supports = [_support(ballot, text, at) for ballot in ballots]
        doubts = sorted(1 - probability for probability, _ in supports if probability)
        doubt = math.prod(max(d, 0.0) ** 0.5**rank for rank, d in enumerate(doubts))
        agreeing = sum(b.weight * share for b, (_, share) in zip(ballots, supports, strict=True))
        result *= (1 - doubt) * min(1.0, agreeing / total)
    return min(1.0, max(0.0, result))


def _support(ballot: Ballot, text: str, at: int) -> tuple[float, float]:
    """Return how probably a read says that a character of the voted text is right, and how much of its vote that is."""
    if _placed(ballot.text, text)[at] == text[at]:
        return _character_confidence(ballot, text, at), 1.0
    others = sum(p for other, p in ballot.alternatives if _placed(other, text)[at] == text[at])
    probability = min(others, ballot.confidence)
    return probability, probability / (ballot.confidence + probability) if probability else 0.0


def _character_confidence(ballot: Ballot, text: str, at: int) -> float:
    """Return how sure a read is of one character, such that the product over all is how sure it is of its text."""
    confidence = max(ballot.confidence, _LEAST)
    if len(ballot.characters) != len(ballot.text):
        return float(confidence ** (1 / len(ballot.text)))
    doubts = [_doubt(c) for c in ballot.characters]
    return float(confidence ** (_doubt(_sure(ballot, text, at)) / sum(doubts)))


def _doubt(probability: float) -> float:
    return -math.log(min(max(probability, _LEAST), 1 - _LEAST))


def _syntax(text: str, ballots: Sequence[Ballot]) -> tuple[str, str]:
    """Return region and pattern that the voted text fits; empty if that is not known."""
    weights: dict[tuple[str, str], float] = defaultdict(float)
    for ballot in ballots:
        shape = "".join(c for c in ballot.pattern if c.isalnum())
        fits = len(shape) == len(text) and all(_is(c, w) for c, w in zip(text, shape, strict=True))
        if ballot.pattern and (ballot.text == text or fits):
            weights[ballot.region, ballot.pattern] += ballot.weight
    return min(((-w, key) for key, w in weights.items()), default=(0.0, ("", "")))[1]


def _alternatives(text: str, ballots: Sequence[Ballot], left: float) -> tuple[tuple[str, float], ...]:
    total = sum(b.weight for b in ballots)
    weights: dict[str, float] = defaultdict(float)
    for ballot in ballots:
        weights[ballot.text] += ballot.weight
        for other, probability in ballot.alternatives:
            if other:
                weights[other] += ballot.weight * probability
    weights.pop(text, None)
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:MAX_ALTERNATIVES]
    return tuple((other, min(left, weight / total)) for other, weight in ranked if len(other) <= LONGEST)
