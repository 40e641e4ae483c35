"""Importing films: each once, whatever time is stated for it, and never half of one."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from gatehouse.import_entries import read_entries
from gatehouse.importing import import_index
from gatehouse_common.db import CameraRepository, FootageReader
from gatehouse_common.settings import Settings, load
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_janitor.once import sweep_once
from pipeline_kit import core_at, record, spool_files

DAY_ONE, DAY_NINE = "20240517_102300", "20240526_081500"


class Site:
    """A folder of films with an index, and a data directory."""

    def __init__(self, home: Path) -> None:
        self.home, self.data = home, home / "data"
        self.old = home / "old"
        self.old.mkdir()
        self.data.mkdir()

    def film(self, name: str, first: int = 0) -> Path:
        return make_film(self.old / name, FilmSpec(frames=60, gop=30, width=160, height=96, first=first))

    @property
    def settings(self) -> Settings:
        return load({"data_dir": str(self.data)}, environ={})

    def bring_in(self, camera: str = "old", **starts: str) -> dict[str, str]:
        listed = {
            f"{name}.mp4": {"file_path": f"{name}.mp4", "start_time": start, "end_time": f"{start[:-1]}2"}
            for name, start in starts.items()
        }
        index = self.old / "recording_index.json"
        index.write_text(json.dumps(listed))
        return import_index(self.settings, read_entries(index, self.settings), camera, lambda _: None)

    def recorded(self, camera: str = "old") -> list[int]:
        """Seconds recorded, run by run."""
        with core_at(self.data) as core:
            return [round(s.duration / 1e6) for s in FootageReader(core.db).spans(camera, 1, 1 << 61)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_film_that_comes_again_with_another_time_is_told_and_not_recorded(site: Site) -> None:
    site.film("one.mp4")
    assert site.bring_in(one=DAY_ONE) == {"one.mp4": ""}
    shutil.copy(site.old / "one.mp4", site.old / "again.mp4")
    why = site.bring_in(again=DAY_NINE)["again.mp4"]
    assert "old has this film already" in why
    assert "one.mp4 at 2024-05-17T10:23:00" in why
    assert site.recorded() == [2]
    assert site.bring_in(one=DAY_ONE, again=DAY_ONE) == {"one.mp4": "", "again.mp4": ""}
    assert site.recorded() == [2]


def test_twins_in_one_index_are_told_apart_from_films_that_are_alike(site: Site) -> None:
    site.film("one.mp4")
    site.film("other.mp4", first=1)
    shutil.copy(site.old / "one.mp4", site.old / "twin.mp4")
    why = site.bring_in(one=DAY_ONE, other="20240518_000000", twin=DAY_NINE)
    assert (why["one.mp4"], why["other.mp4"]) == ("", "")
    assert "one.mp4" in why["twin.mp4"]
    assert site.recorded() == [2, 2]


def test_another_camera_may_have_the_same_film(site: Site) -> None:
    site.film("one.mp4")
    assert site.bring_in("left", one=DAY_ONE) == {"one.mp4": ""}
    assert site.bring_in("right", one=DAY_NINE) == {"one.mp4": ""}


def test_a_damaged_list_of_imports_costs_what_it_told(site: Site) -> None:
    site.film("one.mp4")
    site.film("other.mp4", first=1)
    (site.data / "imports.jsonl").write_bytes(b'\xff\n[1]\n{"camera": "old"}\n{"camera": "old", "sha2')
    assert site.bring_in(one=DAY_ONE, other="20240518_000000") == {"one.mp4": "", "other.mp4": ""}
    assert "one.mp4" in site.bring_in(one=DAY_NINE)["one.mp4"]


def test_a_copy_that_breaks_off_leaves_no_half_of_a_chunk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with core_at(site.home / "elsewhere"):
        whole = record(site.home / "elsewhere", site.home)
    shutil.copy(site.home / "elsewhere" / whole.keys[0], site.old / "own.mp4")

    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:-5000])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfile", full)
        assert "No space left" in site.bring_in(own=DAY_ONE)["own.mp4"]
    assert spool_files(site.data) == []
    assert site.recorded("cam") == []
    assert site.bring_in(own=DAY_ONE) == {"own.mp4": ""}
    assert site.recorded("cam") == [2]


def test_what_is_old_when_it_is_imported_is_not_deleted_by_its_age(site: Site) -> None:
    """S1-16, S2-30: films and chunk files of long ago, of cameras that nobody knew, stay until their room is needed."""
    start_us = 1_715_942_000_000_000
    with core_at(site.home / "elsewhere"):
        whole = record(site.home / "elsewhere", site.home, camera="brought-back", start_us=start_us)
    shutil.copy(site.home / "elsewhere" / whole.keys[0], site.old / "own.mp4")
    site.film("one.mp4")
    assert site.bring_in(one=DAY_ONE, own="20240517_103320") == {"one.mp4": "", "own.mp4": ""}
    assert (site.recorded("old"), site.recorded("brought-back")) == ([2], [2])
    with core_at(site.data) as core:
        freed, trouble = sweep_once(core, threading.Event(), force=True)
        assert (freed.objects, trouble) == (0, "")
        cameras = CameraRepository(core.db)
        cameras.change("old", settings={"retention": {"continuous_hours": 72}})
        assert sweep_once(core, threading.Event(), force=True)[0].objects == 1
    assert (site.recorded("old"), site.recorded("brought-back")) == ([], [2])
