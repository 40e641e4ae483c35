"""The name of a process: kept, and its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatehouse_common.errors import GatehouseError
from gatehouse_common.runtime.process_name import process_name


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_it_is_the_same_after_a_restart_and_another_for_another_directory(tmp_path: Path) -> None:
    """Also where both directories have one last name, as mounts in containers have."""
    one, two = folder(tmp_path / "a" / "data"), folder(tmp_path / "b" / "data")
    assert process_name("", one) == process_name("", one) != process_name("", two)
    assert "/data-" in process_name("", one)
    assert sorted(p.name for p in one.iterdir()) == ["process.id"]
    assert process_name("gate", one) == "gate"


def test_threads_that_ask_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: process_name("", tmp_path), range(64)))) == 1


def test_a_file_that_a_crash_left_empty_is_filled(tmp_path: Path) -> None:
    (tmp_path / "process.id").touch()
    assert process_name("", tmp_path) == process_name("", tmp_path)
    assert len((tmp_path / "process.id").read_text()) == 9


def test_it_is_short_enough_for_the_index(tmp_path: Path) -> None:
    named = process_name("", folder(tmp_path / ("d" * 100)))
    assert len(named) == 64
    assert named.endswith((tmp_path / ("d" * 100) / "process.id").read_text().strip())


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(GatehouseError, match=r"process\.id"):
        process_name("", tmp_path / "nowhere")
