"""A file of which the disk does not give back all bytes costs itself only: everything else is looked at, and mended."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bad_sectors import BadSectors
from gatehouse.rebuilding import rebuild
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip
from gatehouse_common.db.inventory import InventoryWriter
from gatehouse_common.errors import Unavailable
from gatehouse_common.ids import new_id
from gatehouse_common.integrity import Part, verify_recordings
from gatehouse_common.integrity.files import verify_files
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys
from gatehouse_janitor.checking.care import LIVE
from gatehouse_janitor.checking.check import Check
from gatehouse_janitor.checking.chunk_check import ChunkCheck
from gatehouse_janitor.checking.pace import Pace
from janitor_kit import CHUNKS, chunks, found, gaps, look, mend, objects, record_chunks, row_of
from pipeline_kit import START_US, core_at

HURT = (2, 5, 8)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as made:
        record_chunks(made, tmp_path)
        yield made


@pytest.fixture
def sectors(monkeypatch: pytest.MonkeyPatch) -> BadSectors:
    return BadSectors(monkeypatch)


def hurt(core: Core, sectors: BadSectors) -> list[str]:
    """Make the beginning of a chunk unreadable, the second GOP of another, and the end of a third."""
    rows = [chunks(core)[n] for n in HURT]
    for row, at in zip(rows, (0, 9000, rows[2].bytes - 1), strict=True):
        sectors.put(core.data_dir / row.key, [at])
    return [row.key for row in rows]


def test_verify_tells_the_files_that_cannot_be_read_and_goes_on(core: Core, sectors: BadSectors) -> None:
    """R5: bit rot of a disk is an error when it is read; the other files are verified all the same."""
    bad, rows = hurt(core, sectors), chunks(core)
    read: list[int] = []
    report = verify_recordings(core, Part(), read.append)
    assert sectors.met
    assert sorted({d.key for d in report.damages}) == bad
    assert report.chunks == CHUNKS
    assert sum(read) == sum(row.bytes for row in rows), "progress comes to its end"
    middle = [d for d in report.damages if d.key == bad[1]]
    assert "cannot be read at byte" in middle[0].detail
    assert "Input/output error" in middle[0].detail
    row = rows[HURT[1]]
    assert middle[0].from_us is not None
    assert middle[0].to_us is not None
    assert row.start_us <= middle[0].from_us < middle[0].to_us <= row.end_us
    alone = verify_files([core.data_dir / row.key for row in rows], None, lambda _bytes: None)
    told = {Path(d.key).relative_to(core.data_dir).as_posix() for d in alone.damages if d.kind.value != "broken"}
    assert sorted(told) == bad


def test_a_file_without_digests_that_cannot_be_read_is_told_too(
    core: Core, sectors: BadSectors, tmp_path: Path
) -> None:
    """A disk that gives nothing back of a file is asked a few times, not for each of its sectors."""
    row = chunks(core)[3]
    sectors.put(core.data_dir / row.key, range(0, row.bytes, 4096))
    damages = verify_recordings(core, Part(), lambda _bytes: None).damages
    assert {d.key for d in damages} == {row.key}
    before = sectors.met
    (tmp_path / "alone").mkdir()
    other = tmp_path / "alone" / "large.mp4"
    shutil.copy(core.data_dir / chunks(core)[4].key, other)
    with other.open("ab") as file:
        file.write(bytes(40 << 20))
    sectors.put(other, range(8192, other.stat().st_size, 4096))
    report = verify_files([other, core.data_dir / chunks(core)[5].key], None, lambda _bytes: None)
    assert str(other) in {d.key for d in report.damages}
    assert report.chunks >= 1
    assert sectors.met - before < 40


def test_a_check_tells_them_and_a_repair_keeps_what_can_be_read(core: Core, sectors: BadSectors) -> None:
    """S2-44: one such file must not end each check of each night; nothing that is well is touched."""
    before = objects(core)
    bad = hurt(core, sectors)
    problems = look(core).problems
    assert sorted(p.key for p in problems) == bad
    assert all(p.kind.value in {"flipped", "damaged"} for p in problems)
    done = mend(core)
    assert sorted(done) == bad
    assert found(core) == []
    assert verify_recordings(core, Part(), lambda _bytes: None).damages == []
    after = objects(core)
    assert {key: after[key] for key in before if key not in bad} == {
        key: data for key, data in before.items() if key not in bad
    }
    lost = sum(end - start for cause, start, end in gaps(core) if cause == "corrupt")
    assert 0 < lost <= 2 * len(bad), "of each file the GOP alone that cannot be read"


def test_a_clip_that_cannot_be_read_does_not_end_the_check(core: Core, sectors: BadSectors) -> None:
    event = new_id()
    key = keys.video(event, START_US, core.zone)
    core.store.put_bytes(key, bytes(9000))
    sectors.put(core.data_dir / key, [0])
    end = START_US + SECOND
    InventoryWriter(core.db).add_clip(
        Clip(
            id=new_id(),
            camera="cam",
            state="stored",
            start_us=START_US,
            end_us=end,
            wanted_start_us=START_US,
            wanted_end_us=end,
            first_us=START_US,
            last_us=START_US,
            previous=None,
            key=key,
            bytes=9000,
            width=160,
            height=96,
            frames=30,
            detail="",
            created_us=START_US,
            stored_us=end,
            events=(event,),
        )
    )
    report = look(core)
    assert [(p.kind.value, p.key) for p in report.problems] == [("damaged", key)]
    assert "Input/output error" in report.problems[0].detail
    assert (report.chunks, report.clips) == (CHUNKS, 1)


def test_a_symbolic_link_in_place_of_a_file_costs_itself_only(core: Core, tmp_path: Path) -> None:
    """The bytes would be somewhere else: it is told, neither read nor forgotten, and ends nothing."""
    row = chunks(core)[4]
    path = core.data_dir / row.key
    path.rename(tmp_path / "elsewhere.mp4")
    path.symlink_to(tmp_path / "elsewhere.mp4")
    damages = verify_recordings(core, Part(), lambda _bytes: None).damages
    assert [(d.kind.value, d.key) for d in damages] == [("changed", row.key)]
    assert "symbolic link" in damages[0].detail
    careful = replace(LIVE, pause_s=0.01)
    for report in (
        Check(core, careful).all(lambda _steps: None),
        Check(core, careful).since(row.start_us, lambda _steps: None),
    ):
        assert [(p.kind.value, p.key) for p in report.problems] == [("missing", row.key)]
        assert mend(core, report.problems) == {}
    assert row_of(core, row.id) == row


def test_a_file_that_nobody_here_may_read_costs_itself_only(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has restored it as another user; where no file can be read it is the store that is away."""
    row, opened, hurt_all = chunks(core)[4], os.open, False

    def refused(path: str | Path, flags: int, *more: Any, **named: Any) -> int:
        if Path(path) == core.data_dir / row.key or (hurt_all and core.data_dir in Path(path).parents):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refused)
    damages = verify_recordings(core, Part(), lambda _bytes: None).damages
    assert [(d.kind.value, d.key) for d in damages] == [("changed", row.key)]
    assert "Permission denied" in damages[0].detail
    problems = look(core).problems
    assert [(p.kind.value, p.key) for p in problems] == [("flipped", row.key)]
    assert mend(core, problems) == {}
    assert row_of(core, row.id) == row
    hurt_all = True
    monkeypatch.setattr(type(core.store), "stat", _away)
    with pytest.raises(Unavailable):
        verify_recordings(core, Part(), lambda _bytes: None)
    with pytest.raises(Unavailable):
        ChunkCheck(core, Pace(core.clock, threading.Event(), 0)).full(row, row.bytes)


def _away(_store: object, key: str) -> ObjectInfo:
    raise Unavailable(f"looking up {key}: Stale file handle")


def test_a_file_of_which_nothing_can_be_read_stays_where_it_is(core: Core, sectors: BadSectors) -> None:
    """A cable that is loose today: what cannot be read is told, and neither forgotten nor moved away."""
    row = chunks(core)[4]
    sectors.put(core.data_dir / row.key, range(0, row.bytes + 4096, 4096))
    assert [key for _, key in found(core)] == [row.key]
    assert mend(core) == {}
    assert row_of(core, row.id) == row
    assert (core.data_dir / row.key).exists()


def test_an_index_is_made_anew_of_all_files_that_can_be_read(core: Core, sectors: BadSectors, tmp_path: Path) -> None:
    """R5: a bad sector costs the rebuilding of an index one file at most; a repair has what can be read of it."""
    bad = hurt(core, sectors)
    rows = {row.id: row for row in chunks(core)}
    with core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db", broker_url="memory:") as fresh:
        done = rebuild(fresh, lambda _: None)
        assert list(done.left) == [bad[0], bad[2]]
        assert all("Input/output error" in why for why in done.left.values())
        assert done.chunks == CHUNKS - 2
        assert set(rows) - {row.id for row in chunks(fresh)} == {chunks(core)[HURT[0]].id, chunks(core)[HURT[2]].id}
        mend(fresh)
        kept = row_of(fresh, chunks(core)[HURT[2]].id)
        assert kept is not None, "of which the last GOP alone is lost"
        assert SECOND <= kept.end_us - kept.start_us < 2 * SECOND
