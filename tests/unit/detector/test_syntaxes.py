"""The table of syntaxes, and how it settles letters that look like digits (S2 plates, region patterns)."""

from __future__ import annotations

import numpy as np
import pytest

from gatehouse_common.errors import InvalidInput
from gatehouse_detector.reading.alphabet import BLANK, CHARACTERS, COLUMNS, LONGEST
from gatehouse_detector.reading.hypotheses import weigh
from gatehouse_detector.reading.judge import is_stamp
from gatehouse_detector.reading.syntaxes import fit, known_region, regions, table


def test_every_region_has_syntaxes_that_can_be_plates() -> None:
    assert regions() == ["br", "eu", "us"]
    for region, syntaxes in table().items():
        for syntax in syntaxes:
            assert syntax.region == region
            assert 0 < syntax.weight <= 1
            bare = syntax.pattern.replace("-", "").replace(" ", "")
            assert 4 <= len(bare) <= LONGEST
            assert set(bare) <= set("A9CP")
            example = bare.replace("A", "B").replace("9", "7")
            assert syntax.form.fullmatch(example), syntax


@pytest.mark.parametrize(
    ("text", "region", "pattern"),
    [
        ("RK026AJ", "eu", "AA-999-AA"),
        ("BRA2E19", "br", "AAA9A99"),
        ("7AHN739", "us", "9AAA999"),
        ("RK026AJ", "br", None),
    ],
)
def test_a_text_fits_the_syntaxes_of_its_region(text: str, region: str, pattern: str | None) -> None:
    found = fit(text, region)
    assert (found and found.pattern.replace("-", "")) == (pattern and pattern.replace("-", ""))


def test_letters_that_an_issuer_does_not_use_fit_no_plate_of_it() -> None:
    assert fit("1234BCD", "eu") is not None
    assert fit("1234ABC", "eu") is None


def test_an_unknown_region_says_which_there_are() -> None:
    assert known_region("any") == ""
    with pytest.raises(InvalidInput, match="br, eu, us"):
        known_region("mars")


def unsure(text: str, at: int, other: str) -> np.ndarray:
    """Return places that say a text, but could as well say another character in one place."""
    places = np.full((2 * len(text), COLUMNS), 1e-5, np.float32)
    for k, char in enumerate(text):
        places[2 * k, CHARACTERS.index(char) + 1] = 0.99
        places[2 * k + 1, BLANK] = 0.99
    places[2 * at, CHARACTERS.index(text[at]) + 1] = 0.52
    places[2 * at, CHARACTERS.index(other) + 1] = 0.47
    return places


@pytest.mark.parametrize(
    ("read", "at", "other", "region", "right"),
    [
        ("RKO26AJ", 2, "0", "eu", "RK026AJ"),
        ("AB1C234", 2, "I", "br", "AB1C234"),
        ("OYO9FEU", 3, "8", "eu", "OY09FEU"),
        ("ABC10O4", 5, "0", "br", "ABC1004"),
    ],
)
def test_position_settles_what_looks_alike(read: str, at: int, other: str, region: str, right: str) -> None:
    found = weigh([[unsure(read, at, other)]], region)
    assert found is not None
    assert found.text == right


def test_a_text_that_fits_nothing_is_read_all_the_same() -> None:
    found = weigh([[unsure("KKKK77K", 0, "X")]], "eu")
    assert found is not None
    assert found.text == "KKKK77K"
    assert found.syntax is None


@pytest.mark.parametrize(
    "text", ["20240517", "20240517102300", "17052024", "102300PM", "130PM", "05172024", "123456789"]
)
def test_dates_and_times_are_stamps(text: str) -> None:
    assert is_stamp(text)


@pytest.mark.parametrize("text", ["1049338", "75061H1", "AB1234", "853FL", "5UVR090", "123456"])
def test_plates_are_no_stamps(text: str) -> None:
    assert not is_stamp(text)
