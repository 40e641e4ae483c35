"""Slugs become parts of object keys, so nothing that could climb a path may pass (S0-39)."""

from __future__ import annotations

import pytest

from gatehouse_common.errors import InvalidInput, Kind, ResourceExhausted, from_os_error
from gatehouse_common.ids import new_id, parse_slug


@pytest.mark.parametrize("text", ["a", "front-gate", "cam_2", "0", "x" * 64])
def test_slugs_pass(text: str) -> None:
    assert parse_slug(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "../etc",
        "a/b",
        "a\\b",
        "/abs",
        "a\0",
        "Gate",
        "gate ",
        "-a",
        "a-",
        "x" * 65,
        "ｇａｔｅ",
        "a\n",
        "%2e%2e",
    ],
)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not valid"):
        parse_slug(text)


def test_ids_are_sorted_by_their_making() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(len(i) == 36 and i[14] == "7" for i in ids)


def test_a_full_disk_is_worth_a_retry() -> None:
    error = from_os_error(OSError(28, "No space left on device"), "writing a part")
    assert isinstance(error, ResourceExhausted)
    assert error.kind is Kind.EXHAUSTED
    assert error.kind.retry
    assert error.message == "writing a part: No space left on device"
