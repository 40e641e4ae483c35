"""What every database keeps as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.db.kept_text import fit_json, fit_text


@given(st.text(st.characters(), max_size=30), st.integers(1, 20))
def test_a_text_is_cut_and_can_be_encoded(text: str, most: int) -> None:
    fitted = fit_text(text, most)
    assert len(fitted) == min(len(text), most)
    assert all(a == b for a, b in zip(fitted, text, strict=False) if not "\ud800" <= b <= "\udfff")
    fitted.encode()
    assert fit_text(fitted, most) == fitted


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"a": ("x" * 9, True, None, 0.5)}, {"a": ["xxxxx", True, None, 0.5]}),
        ({1: {"\ud800": "\udfff"}}, {"1": {"?": "?"}}),
        (2**60, "11529"),
        (2**53, 2**53),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ([b"ab"], ["b'ab'"]),
    ],
)
def test_what_json_cannot_say_everywhere_becomes_text(value: Any, kept: Any) -> None:
    fitted = fit_json(value, 5)
    assert fitted == kept
    assert json.loads(json.dumps(fitted, allow_nan=False)) == fitted
