"""A5: voting and visits hold for whatever reads come."""

from __future__ import annotations

import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_detector.similarity import align, distance, similarity
from gatehouse_detector.voting import Ballot, vote

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SYNTAX = "[A-Z]{3}[0-9]{4}"
texts = st.one_of(st.text(ALPHABET, min_size=1, max_size=12), st.from_regex(SYNTAX, fullmatch=True))
plates = st.text(ALPHABET, min_size=5, max_size=8)
sure = st.floats(0.01, 1.0)


@st.composite
def ballots(draw: st.DrawFn, text: st.SearchStrategy[str] = texts) -> Ballot:
    said, confidence = draw(text), draw(sure)
    characters = tuple(draw(st.lists(sure, min_size=len(said), max_size=len(said))))
    others = draw(st.lists(st.tuples(texts, st.floats(0, 1)), max_size=3))
    pattern = "AAA-9999" if re.fullmatch(SYNTAX, said) else ""  # a read has the syntax that it fits
    return Ballot(said, confidence, characters, "", pattern, tuple(others))


@given(st.lists(ballots(), min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_of_reads_changes_nothing(reads: list[Ballot], rng: random.Random) -> None:
    mixed = list(reads)
    rng.shuffle(mixed)
    assert vote(mixed) == vote(reads)


@given(st.lists(ballots(), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_what_is_voted_is_always_something_that_a_message_can_carry(reads: list[Ballot]) -> None:
    verdict = vote(reads)
    assert 1 <= len(verdict.text) <= 16
    assert len(verdict.characters) == len(verdict.text)
    assert 0 <= verdict.confidence <= 1
    assert all(0 <= share <= 1 for share in verdict.characters)
    assert all(0 <= p <= 1 and 1 <= len(text) <= 16 and text != verdict.text for text, p in verdict.alternatives)
    assert len(verdict.alternatives) <= 8


@given(ballots())
@settings(max_examples=200, deadline=None)
def test_a_single_read_keeps_its_text_and_confidence(read: Ballot) -> None:
    verdict = vote([read])
    assert verdict.text == read.text
    assert abs(verdict.confidence - read.confidence) < 1e-6


@given(plates, st.lists(sure, min_size=1, max_size=10), sure)
@settings(max_examples=300, deadline=None)
def test_a_read_that_agrees_never_makes_less_sure(plate: str, confidences: list[float], more: float) -> None:
    reads = [Ballot(plate, c, ()) for c in confidences]
    assert vote([*reads, Ballot(plate, more, ())]).confidence >= vote(reads).confidence - 1e-9


@given(plates, st.lists(sure, min_size=1, max_size=10))
@settings(max_examples=300, deadline=None)
def test_nobody_is_surer_than_if_all_reads_were_independent(plate: str, confidences: list[float]) -> None:
    doubt = 1.0  # that all are wrong in one and the same character
    for confidence in confidences:
        doubt *= 1 - confidence ** (1 / len(plate))
    verdict = vote([Ballot(plate, c, ()) for c in confidences])
    assert verdict.confidence <= (1 - doubt) ** len(plate) + 1e-9


@given(plates, st.integers(5, 12), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_each_character_wrong_in_one_of_five_reads_is_voted_right(plate: str, count: int, rng: random.Random) -> None:
    """Every character is read right by most, though few reads or none are right as a whole."""
    wrong_at = [set[int]() for _ in range(count)]
    for at in range(len(plate)):
        for k in rng.sample(range(count), max(1, count // 5)):
            wrong_at[k].add(at)
    reads = []
    for wrong in wrong_at:
        said = "".join(rng.choice(ALPHABET.replace(c, "")) if at in wrong else c for at, c in enumerate(plate))
        reads.append(Ballot(said, 0.6, tuple([0.9] * len(plate))))
    assert vote(reads).text == plate


@given(texts, texts)
@settings(max_examples=300, deadline=None)
def test_texts_are_laid_side_by_side_without_losing_a_character(a: str, b: str) -> None:
    pairs = align(a, b)
    assert [i for i, _ in pairs if i is not None] == list(range(len(a)))
    assert [j for _, j in pairs if j is not None] == list(range(len(b)))
    assert distance(a, b) == distance(b, a)
    assert 0 <= similarity(a, b) <= 1
    assert (distance(a, b) == 0) == (a == b)
