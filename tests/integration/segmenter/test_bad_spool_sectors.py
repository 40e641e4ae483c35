"""A disk does not give back some sectors of what a crash left open: they cost themselves, and hinder nothing else."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bad_sectors import SECTOR, BadSectors
from gatehouse_capture import recovery
from gatehouse_capture.recovery import recover
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import FootageReader, FootageWriter
from gatehouse_common.errors import DataLoss, Unavailable
from gatehouse_common.footage.library import Library
from gatehouse_common.media.adopt import adopt, read_index
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.messages import ChunkOpened
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.testing.recording import record_film, scan_file
from noisy_film import make_noisy_film
from pipeline_kit import START_US, add_camera, core_at, record, spool_files, stored_files, work_off

SECONDS = 8


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as made:
        add_camera(made)
        yield made


@pytest.fixture
def sectors(monkeypatch: pytest.MonkeyPatch) -> BadSectors:
    return BadSectors(monkeypatch)


def left_open(core: Core, tmp_path: Path, camera: str = "cam") -> tuple[Path, ChunkMedia]:
    """Record what a crash leaves, with parts of many sectors; return its file, and what is in it."""
    film = tmp_path / "noisy.mp4"
    if not film.exists():
        make_noisy_film(film, SECONDS, 100_000)
    (key,) = record_film(film, core.data_dir, start_us=START_US, camera=camera, leave_open=True).chunks
    media = scan_file(core.data_dir, key)
    assert media.parts.size.min() > SECTOR
    return core.data_dir / key, media


def frames_of(media: ChunkMedia, part: int) -> set[int]:
    """The numbers of the pictures from a part on to the end of its GOP."""
    gop_end = next((n for n in range(part + 1, len(media.parts)) if media.parts.sync[n]), len(media.parts)) - 1
    lost = (media.video.dts >= media.parts.dts[part]) & (media.video.dts < media.parts.end[gop_end])
    return set(np.flatnonzero(lost).tolist())


def kept(core: Core) -> list[list[int]]:
    """The numbers of the pictures in each stored file."""
    return [[n for n, _ in frame_numbers(core.data_dir / key)] for key in stored_files(core.data_dir)]


def corrupt(core: Core) -> list[tuple[int, int]]:
    gaps = FootageReader(core.db).gaps("cam", 0, 1 << 62)
    return [(g.start_us - START_US, g.end_us - START_US) for g in gaps if g.cause == "corrupt"]


@pytest.mark.parametrize("where", ["header", "payload"])
def test_a_sector_in_the_middle_costs_what_is_left_of_its_gop(
    core: Core, tmp_path: Path, sectors: BadSectors, where: str
) -> None:
    """S2-43: ten good minutes must not go for one sector; what is lost is in the ledger."""
    path, media = left_open(core, tmp_path)
    part = next(n for n in range(7, len(media.parts)) if not media.parts.sync[n])
    at = int(media.parts.off[part]) + (SECTOR if where == "header" else 3 * SECTOR)
    sectors.put(path, [at if where == "payload" else at - at % SECTOR - 1])
    work_off(core)
    assert sectors.met
    # A sector with a header in it has the end of the part before it, too.
    first = part - 1 if where == "header" else part
    lost = frames_of(media, first)
    numbers = kept(core)
    assert [n for one in numbers for n in one] == [n for n in range(len(media.video)) if n not in lost]
    assert len(numbers) == 2
    assert corrupt(core) == [(round(min(lost) * 1_000_000 / 15), round((max(lost) + 1) * 1_000_000 / 15))]
    assert spool_files(core.data_dir) == []
    bad = [p for p in (core.data_dir / "quarantine").iterdir() if ".at-" in p.name]
    assert len(bad) == 2
    assert "cannot be read" in next(p for p in bad if p.name.endswith(".txt")).read_text()
    assert core.bus.dead_letters() == []


def test_sectors_in_several_places_cost_themselves(core: Core, tmp_path: Path, sectors: BadSectors) -> None:
    """What lies between them is kept, each in a chunk of its own."""
    path, media = left_open(core, tmp_path)
    parts = [1, 7, 13]
    sectors.put(path, [int(media.parts.off[n]) + 2 * SECTOR for n in parts])
    work_off(core)
    lost = {n for part in parts for n in frames_of(media, part)}
    numbers = [n for one in kept(core) for n in one]
    assert numbers == [n for n in range(len(media.video)) if n not in lost]
    assert sum(end - start for start, end in corrupt(core)) == pytest.approx(len(lost) * 1_000_000 / 15, abs=5)
    assert spool_files(core.data_dir) == []
    assert core.bus.dead_letters() == []


@pytest.mark.parametrize("back", [1, 20_000])
def test_a_sector_at_the_end_costs_the_end(core: Core, tmp_path: Path, sectors: BadSectors, back: int) -> None:
    path, media = left_open(core, tmp_path)
    sectors.put(path, [path.stat().st_size - back])
    work_off(core)
    (numbers,) = kept(core)
    assert numbers == list(range(len(media.video) - len(frames_of(media, len(media.parts) - 1))))
    assert spool_files(core.data_dir) == []


def test_of_a_first_part_that_cannot_be_read_the_ledger_knows(core: Core, tmp_path: Path, sectors: BadSectors) -> None:
    """Nothing in front of the damage can be kept; since when it is lost the file's name says."""
    path, media = left_open(core, tmp_path)
    sectors.put(path, [int(media.parts.off[0]) + 2 * SECTOR])
    work_off(core)
    lost = frames_of(media, 0)
    (numbers,) = kept(core)
    assert numbers == [n for n in range(len(media.video)) if n not in lost]
    assert corrupt(core) == [(0, round(len(lost) * 1_000_000 / 15))]


def test_a_file_that_does_not_say_what_it_is_is_copied_as_far_as_it_can_be_read(
    core: Core, tmp_path: Path, sectors: BadSectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the store is elsewhere the quarantine takes a copy, which meets the same sector."""
    path, _ = left_open(core, tmp_path)
    written = path.read_bytes()
    sectors.put(path, [0])

    def refused(*_: object, **__: object) -> None:
        raise DataLoss("reading it: Input/output error")

    monkeypatch.setattr(core.store, "put_file", refused)
    assert recover(core).quarantined == 1
    assert spool_files(core.data_dir) == []
    (copy,) = [p for p in (core.data_dir / "quarantine").iterdir() if not p.name.endswith(".txt")]
    assert copy.read_bytes() == bytes(SECTOR) + written[SECTOR:]


@pytest.mark.parametrize("where", ["at its end", "here and there"])
def test_a_file_of_which_much_cannot_be_read_stays_as_it_is(
    core: Core, tmp_path: Path, sectors: BadSectors, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A cable that is loose today: nothing is cut off, and nobody stores half of it meanwhile."""
    monkeypatch.setattr(recovery, "_MOST_UNREAD", 4 * SECTOR)
    path, media = left_open(core, tmp_path)
    written = path.read_bytes()
    end = range(int(media.parts.off[9]), path.stat().st_size, SECTOR)
    sectors.put(path, end if where == "at its end" else [int(off) + 2 * SECTOR for off in media.parts.off[1:14:2]])
    monkeypatch.setattr("gatehouse_capture.spool_keeper._REMIND_US", 0)
    keeper = build_spool(core)
    assert keeper.recovered.left == 1
    keeper.look()
    assert core.bus.depth("segmenter") == 0
    assert path.read_bytes() == written


def test_what_was_left_while_the_store_was_away_is_recovered_when_it_is_back(
    core: Core, tmp_path: Path, sectors: BadSectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quarantine is in the store; until it takes the damaged bytes nothing is cut off."""
    path, media = left_open(core, tmp_path)
    part = 7
    sectors.put(path, [int(media.parts.off[part]) + 2 * SECTOR])
    written = path.read_bytes()

    def away(*_: object, **__: object) -> None:
        raise Unavailable("the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(core.store, "put", away)
        keeper = build_spool(core)
        assert keeper.recovered.left == 1
    keeper.look()
    assert path.read_bytes() == written
    assert spool_files(core.data_dir) == [path.relative_to(core.data_dir).as_posix()]
    monkeypatch.setattr(keeper, "_again_in_us", 0)
    keeper.look()
    assert keeper.recovered.left == 0
    for _ in range(2):
        work_off(core)
        lost = frames_of(media, part)
        assert [n for one in kept(core) for n in one] == [n for n in range(len(media.video)) if n not in lost]
    assert spool_files(core.data_dir) == []


def test_nothing_that_is_wrong_with_one_file_hinders_the_others(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails records nothing, of no camera."""
    bad = record(core.data_dir, tmp_path, camera="bad", leave_open=True)
    record(core.data_dir, tmp_path, camera="good", leave_open=True)
    found = recovery.find_damage

    def failing(path: Path, key: str) -> object:
        if key == bad.keys[0]:
            raise OSError(errno.EIO, "Input/output error")
        return found(path, key)

    monkeypatch.setattr(recovery, "find_damage", failing)
    keeper = build_spool(core)
    assert (keeper.recovered.left, keeper.recovered.adopted) == (1, 1)
    assert (core.data_dir / bad.keys[0]).exists()


def test_a_file_that_stays_open_for_ever_fails_what_is_asked_of_its_own_time_alone(
    core: Core, tmp_path: Path, sectors: BadSectors
) -> None:
    """Its row begins before every later range; in its own time nobody must believe that nothing was recorded."""
    path, media = left_open(core, tmp_path)
    key = path.relative_to(core.data_dir).as_posix()
    opened = ChunkOpened(
        camera="cam",
        time_us=START_US,
        run=media.run_id,
        chunk=media.chunk_id,
        key=key,
        start_us=START_US,
        origin_us=START_US,
    )
    FootageWriter(core.db).open_chunk(opened)
    later = START_US + HOUR
    taken = record(core.data_dir, tmp_path, start_us=later)
    FootageWriter(core.db).close_chunk(taken.closed[0])
    sectors.put(path, [0])
    library = Library(core)
    try:
        for _ in range(2):
            (found,) = library.find("cam", later, later + SECOND).media
            assert found.key == taken.keys[0]
        assert library.newest("cam").key == taken.keys[0]
        with pytest.raises(DataLoss):
            library.find("cam", START_US, START_US + SECOND)
        partly = library.find("cam", START_US, START_US + SECOND, partial=True)
        assert partly.media == ()
        assert "cannot" in partly.away[0] or "Input/output error" in partly.away[0]
    finally:
        library.close()


def test_of_a_file_that_was_closed_only_head_and_index_are_read(
    core: Core, tmp_path: Path, sectors: BadSectors
) -> None:
    """No camera is recorded before the spool is recovered, and a thousand chunks may wait in it on a cold disk."""
    film = make_noisy_film(tmp_path / "noisy.mp4", SECONDS, 100_000)
    ((key, *_),) = record_film(film, core.data_dir, start_us=START_US).closed
    path = core.data_dir / key
    written, media = path.read_bytes(), read_index(path, key)
    assert media is not None
    sectors.put(path, range(SECTOR, media.indexed_bytes - SECTOR, SECTOR))
    found = adopt(path, key)
    assert (found.was_closed, found.size, found.lost_bytes) == (True, len(written), 0)
    assert (found.info.chunk, found.media.start_us, found.media.end_us) == (
        media.chunk_id,
        START_US,
        START_US + SECONDS * SECOND,
    )
    assert recover(core).whole == 1
    assert sectors.met == 0
    assert path.read_bytes() == written
