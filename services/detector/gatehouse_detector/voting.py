"""What several reads of one plate say together: a vote for each character.

Reads are laid side by side by edit distance (as ROVER does with transcripts of speech: J. G. Fiscus, *A post-processing
system to yield reduced word error rates*, ASRU 1997), so that one which lost a character at the edge of the picture
still votes for the others. The order of the reads changes nothing: the first one does not win by being the first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gatehouse_common.messages.plates import MAX_ALTERNATIVES

from .similarity import align, are_confused

LONGEST = 16
_ROUNDS = 4
_ALTERNATIVES = 3
_PATTERN_BONUS = 1.3
"""A text that fits the syntax of plates is likelier to be one than another that was read as surely."""
_NEAR_TIE = 0.35
_LEAST = 1e-6
_TRIED, _PIECES, _HEARD = 8, 5, 32
"""Texts that are tried as the voted one, as pieces of it, and that have a say."""
_COMMON = 3
"""Characters that two pieces of a text must share to be joined."""
_REPLACED = -1.0
"""What a character says that is another, too many, or missing between others; one that is right says 1."""
_LOST_ONE, _LOST = 1.2, 0.15
"""What it takes away that one character is missing at an end, and each of several."""


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
        for text, probability in self.alternatives[:_ALTERNATIVES]:
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
    """Return the text that the reads fit best, whether one of them has it as a whole or not."""
    if len({ballot.text for ballot in ballots}) == 1:
        return ballots[0].text  # nobody disagrees, whatever else it might have been
    said = _said(ballots)
    likely = list(said)[:_TRIED]
    best = _best({*likely, *_joined(likely[:_PIECES])}, said)
    for _ in range(_ROUNDS):
        voted = _vote_once(best, ballots)
        if voted == best or _best({voted, best}, said) == best:
            break
        best = voted
    return best


def _said(ballots: Sequence[Ballot]) -> dict[str, float]:
    """Return what was read with how much it weighs, the heaviest first; the many light ones are left out."""
    weights: dict[str, float] = defaultdict(float)
    for ballot in ballots:
        for text, weight in ballot.texts():
            if len(text) <= LONGEST:
                weights[text] += weight
    return dict(sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:_HEARD])


def _joined(texts: Sequence[str]) -> Iterator[str]:
    """Yield what pieces of a text would make: a read may end, and another begin, at a mark in the middle of a plate."""
    for a in texts:
        for b in texts:
            common = next((n for n in range(min(len(a), len(b)) - 1, _COMMON - 1, -1) if a.endswith(b[:n])), 0)
            if common and len(a) + len(b) - common <= LONGEST:
                yield a + b[common:]


def _best(texts: Iterable[str], said: Mapping[str, float]) -> str:
    """Return which text fits best what was read; of several as good the first by the alphabet."""
    return min((-sum(weight * _fit(each, text) for each, weight in said.items()), text) for text in texts)[1]


@lru_cache(maxsize=16384)
def _fit(said: str, text: str) -> float:
    """Return how well a read fits a text, in characters.

    That it lost some at an end, as at the edge of the picture or at a mark, is likelier than that there are too many.
    """
    pairs = align(said, text)
    read = [at for at, (i, _) in enumerate(pairs) if i is not None]
    before, after = read[0], len(pairs) - 1 - read[-1]
    result = -sum(_LOST_ONE if lost == 1 else _LOST * lost for lost in (before, after))
    for i, j in pairs[before : len(pairs) - after]:
        same = i is not None and j is not None and said[i] == text[j]
        result += 1.0 if same else _REPLACED
    return result


def _vote_once(pivot: str, ballots: Sequence[Ballot]) -> str:
    """Lay all texts beside one, and return which character most have at each of its places."""
    places = [defaultdict[str, float](float) for _ in pivot]
    for ballot in ballots:
        for text, weight in ballot.texts():
            for at, char in enumerate(_placed(text, pivot)):
                if char:
                    sure = _sure(ballot, pivot, at) if text == ballot.text else 1.0
                    places[at][char] += weight * max(sure, _LEAST)
    return "".join(_heaviest(votes)[0] or pivot[at] for at, votes in enumerate(places))


def _heaviest(votes: dict[str, float]) -> tuple[str, float]:
    """Return who has most votes; of several the first by the alphabet."""
    if not votes:
        return "", 0.0
    weight, text = min((-weight, text) for text, weight in votes.items())
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
    voting = [b for b in ballots if not _abstains(b.text, text, at)]
    for_it = sum(b.weight * _sure(b, text, at) for b in voting if _placed(b.text, text)[at] == text[at])
    return min(1.0, for_it / sum(b.weight for b in voting)) if voting else 0.0


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
        supports = [(b, *_support(b, text, at)) for b in ballots if not _abstains(b.text, text, at)]
        doubts = sorted(1 - probability for _, probability, _ in supports if probability)
        doubt = math.prod(max(d, 0.0) ** 0.5**rank for rank, d in enumerate(doubts))
        agreeing = sum(b.weight * share for b, _, share in supports)
        result *= (1 - doubt) * min(1.0, agreeing / sum(b.weight for b, _, _ in supports)) if supports else 0.0
    return min(1.0, max(0.0, result))


@lru_cache(maxsize=16384)
def _abstains(said: str, text: str, at: int) -> bool:
    """Return whether a read says nothing of a place: it is a piece of the text, and the place is beyond its end."""
    placed = _placed(said, text)
    read = [place for place, char in enumerate(placed) if char]
    if not read:
        return False
    beyond = read[0] if at < read[0] else len(text) - 1 - read[-1] if at > read[-1] else 0
    return beyond > 1


def _support(ballot: Ballot, text: str, at: int) -> tuple[float, float]:
    """Return how probably a read says that a character of the voted text is right, and how much of its vote that is."""
    if _placed(ballot.text, text)[at] == text[at]:
        return _character_confidence(ballot, text, at), 1.0
    others = sum(p for other, p in ballot.alternatives[:_ALTERNATIVES] if _placed(other, text)[at] == text[at])
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
