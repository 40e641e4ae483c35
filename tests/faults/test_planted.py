"""R5: faults are planted in what was recorded; each is found, mended or set aside, and nothing healthy is touched."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fault_rig import Finding, flip_byte, tell
from films_on_disk import make_film
from running import Running, command, recordings, wait_for

CHUNKS = 12


@dataclass
class Store:
    """What was recorded: the data directory, and the keys of stored chunks, the oldest first."""

    data: Path
    keys: list[str]
    film: Path

    def path(self, number: int) -> Path:
        return self.data / self.keys[number]

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.data / "gatehouse.db") as db:
            db.execute("PRAGMA foreign_keys=ON")
            assert db.execute(statement, values).rowcount == 1

    def told_at_the_next_start(self) -> Any:
        """What the next process tells of the last check: its alert must neither end by a start nor begin by one."""
        with sqlite3.connect(self.data / "gatehouse.db") as db:
            return json.loads(db.execute("SELECT value FROM facts WHERE name = 'check.left'").fetchone()[0])

    def beside(self, name: str) -> Path:
        return self.path(0).with_name(name)


def missing(store: Store) -> str:
    store.path(1).unlink()
    return store.keys[1]


def orphan(store: Store) -> str:
    store.sql("DELETE FROM chunks WHERE key = ?", store.keys[2])
    return store.keys[2]


def truncated(store: Store) -> str:
    path = store.path(3)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 6 // 10)
    return store.keys[3]


def flipped(store: Store) -> str:
    path = store.path(4)
    flip_byte(path, random.Random(5), at=path.stat().st_size // 2)
    return store.keys[4]


def duplicate(store: Store) -> str:
    copy = store.beside("recording_20200101_000001.mp4")
    shutil.copyfile(store.path(5), copy)
    return copy.relative_to(store.data).as_posix()


def foreign(store: Store) -> str:
    other = store.beside("recording_20200101_000002.mp4")
    shutil.copyfile(store.film, other)
    return other.relative_to(store.data).as_posix()


def empty(store: Store) -> str:
    nothing = store.beside("recording_20200101_000003.mp4")
    nothing.write_bytes(b"")
    return nothing.relative_to(store.data).as_posix()


def duration(store: Store) -> str:
    store.sql("UPDATE chunks SET end_us = end_us + 700000 WHERE key = ?", store.keys[6])
    return store.keys[6]


PLANTED: tuple[Callable[[Store], str], ...] = (
    missing,
    orphan,
    truncated,
    flipped,
    duplicate,
    foreign,
    empty,
    duration,
)


def digests(data: Path) -> dict[str, str]:
    """SHA-256 of every file of recordings and quarantine, by key."""
    found = [p for folder in ("recordings", "quarantine") for p in (data / folder).rglob("*") if p.suffix == ".mp4"]
    return {p.relative_to(data).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def check(data: Path, *more: str, code: int) -> list[dict[str, Any]]:
    done = command("check", "--json", *more, "--data", str(data))
    assert done.returncode == code, done.stdout + done.stderr
    problems: list[dict[str, Any]] = json.loads(done.stdout)["problems"]
    return problems


@pytest.fixture
def store(tmp_path: Path) -> Store:
    data = tmp_path / "data"
    with Running(data, "--camera", "cam=synthetic:?size=320x240&fps=25", log=tmp_path / "log") as gatehouse:
        gatehouse.ready()
        wait_for("stored chunks", lambda: len(recordings(data)) > CHUNKS, 90)
        assert gatehouse.stop() == 0
    with sqlite3.connect(data / "gatehouse.db") as db:
        rows = db.execute("SELECT key FROM chunks WHERE state = 'stored' ORDER BY start_us").fetchall()
    return Store(data, [key for (key,) in rows], make_film(tmp_path / "film.mp4", seconds=2))


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_planted_faults_are_found_and_nothing_healthy_is_touched(store: Store) -> None:
    """S2-44."""
    assert check(store.data, code=0) == []
    keys = {plant.__name__: plant(store) for plant in PLANTED}
    before = digests(store.data)
    found = {p["key"]: p["kind"] for p in check(store.data, code=1)}
    assert digests(store.data) == before  # looking changes nothing
    right = [kind for kind, key in keys.items() if found.get(key) == kind]
    assert sorted(right) == sorted(keys), found
    healthy = {key: digest for key, digest in before.items() if key not in keys.values()}
    assert set(found) <= set(keys.values()), found  # and nothing else is called a fault
    assert store.told_at_the_next_start() == Counter(found.values())
    check(store.data, "--repair", code=0)
    after = digests(store.data)
    assert {key: after.get(key) for key in healthy} == healthy
    assert store.told_at_the_next_start() == {}
    kept = Counter(after.values())
    lost = [k for k in ("flipped", "truncated", "foreign", "orphan", "duration") if not kept[before[keys[k]]]]
    assert lost == []  # the very bytes are where they were, or set aside
    assert kept[before[keys["duplicate"]]] == 2  # the chunk, and its copy set aside
    assert check(store.data, code=0) == []
    figure = (
        f"{len(right)}/{len(keys)} found, by their kinds ({', '.join(sorted(right))}); all mended or set aside; "
        f"{len(healthy)} healthy files as they were; 0 files deleted"
    )
    tell(Finding("R5", "eight kinds of faults planted in a store", figure, "8/8, 0 false deletions", len(right) == 8))
