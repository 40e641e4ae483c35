"""Folders of a local store that are made durable for several who have put something into them."""

from __future__ import annotations

from pathlib import Path

from gatehouse_common.storage.folders import sync_all


def test_a_folder_that_is_gone_is_the_error_of_those_who_named_it(tmp_path: Path) -> None:
    """S4-18: who has put an object elsewhere at the same moment has put it there."""
    gone = tmp_path / "gone"
    told = sync_all([tmp_path, gone, tmp_path, gone])
    assert [type(error) for error in told] == [type(None), FileNotFoundError, type(None), FileNotFoundError]
