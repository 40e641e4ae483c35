"""A5: several reads of one plate, of which none may be right, give the right text; and how sure that is."""

from __future__ import annotations

import pytest

from gatehouse_detector.voting import Ballot, vote


def ballot(text: str, confidence: float, pattern: str = "", **more: float) -> Ballot:
    characters = tuple([confidence ** (1 / len(text))] * len(text))
    return Ballot(text, confidence, characters, "us" if pattern else "", pattern, tuple(more.items()))


def test_a_single_read_is_as_sure_as_it_is_itself() -> None:
    verdict = vote([ballot("ABC1234", 0.62, "AAA-9999", ABC1Z34=0.2)])
    assert verdict.text == "ABC1234"
    assert verdict.confidence == pytest.approx(0.62)
    assert (verdict.region, verdict.pattern) == ("us", "AAA-9999")
    assert verdict.alternatives == (("ABC1Z34", pytest.approx(0.2)),)


def test_the_right_text_wins_though_no_read_has_it() -> None:
    reads = [ballot("A8C1234", 0.6), ballot("ABCI234", 0.6), ballot("ABC1Z34", 0.6), ballot("ABC123A", 0.55)]
    assert vote(reads).text == "ABC1234"


def test_the_first_read_does_not_win_by_being_the_first() -> None:
    reads = [ballot("XBC1234", 0.7), ballot("ABC1234", 0.7), ballot("ABC1234", 0.7)]
    assert vote(reads).text == "ABC1234"
    assert vote(reads) == vote(reads[::-1])


def test_reads_that_lost_characters_at_the_edge_vote_for_the_others() -> None:
    reads = [ballot("C1234", 0.5), ballot("BC1234", 0.5), ballot("ABC1234", 0.8), ballot("A8C1234", 0.6)]
    assert vote(reads).text == "ABC1234"


def test_a_character_that_only_one_read_has_is_none() -> None:
    assert vote([ballot("ABC1234", 0.7), ballot("ABC1234I", 0.6), ballot("ABC1234", 0.6)]).text == "ABC1234"


def test_many_unsure_reads_do_not_outvote_a_sure_one() -> None:
    assert vote([ballot("XYZ9999", 0.1)] * 10 + [ballot("ABC1234", 0.95)]).text == "ABC1234"


def test_the_syntax_settles_what_looks_alike_and_nothing_else() -> None:
    alike = [ballot("ABC123O", 0.62, ABC1230=0.3), ballot("ABC1230", 0.58, "AAA-9999"), ballot("ABC123O", 0.5)]
    assert vote(alike).text == "ABC1230"
    assert vote(alike).pattern == "AAA-9999"
    different = [ballot("ABC123X", 0.9), ballot("ABC1237", 0.5, "AAA-9999"), ballot("ABC123X", 0.9)]
    assert vote(different).text == "ABC123X"


def test_what_else_a_read_may_say_counts() -> None:
    reads = [ballot("A8C1234", 0.5, ABC1234=0.4), ballot("ABC1234", 0.5), ballot("AHC1234", 0.5, ABC1234=0.4)]
    assert vote(reads).text == "ABC1234"


def test_agreement_makes_surer_but_never_surer_than_independent_reads_would() -> None:
    sure = [vote([ballot("ABC1234", 0.7)] * count).confidence for count in range(1, 9)]
    assert sure == sorted(sure)
    doubt = 1 - 0.7 ** (1 / 7)  # of each character
    assert all(now <= (1 - doubt**count) ** 7 + 1e-9 for count, now in enumerate(sure, 1))
    assert sure[4] > 0.9


def test_disagreement_makes_less_sure() -> None:
    assert vote([ballot("ABC1234", 0.7), ballot("ABD1234", 0.6)]).confidence < 0.7
    assert vote([ballot("ABC1234", 0.7), ballot("ABC12345", 0.6)]).confidence < 0.7


def test_pieces_of_a_plate_do_not_outvote_the_whole_of_it() -> None:
    """A reader may part a plate at the mark in its middle, and be sure of either part."""
    reads = [ballot("BX835", 0.97), ballot("835KV", 0.97), ballot("BX835", 0.95), ballot("BX835KV", 0.95)]
    assert vote(reads).text == "BX835KV"
    assert vote(reads).confidence > 0.8


def test_pieces_of_a_plate_make_the_whole_of_it() -> None:
    assert vote([ballot("BX835", 0.9)] * 3 + [ballot("835KV", 0.9)] * 2).text == "BX835KV"
    assert vote([ballot("4821", 0.6), ballot("HJT48", 0.9), ballot("HJT4821", 0.9)]).text == "HJT4821"
