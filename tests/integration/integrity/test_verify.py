"""Verification finds what was done to stored footage, says where, and never says a healthy file is damaged."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from forgeries import (
    InMemory,
    altered,
    another_film,
    begun_anew,
    gops_of,
    of_before_digests,
    without_digests_in_index,
)
from gatehouse.cli.verified import show, verdict
from gatehouse.cli.verify import verify
from gatehouse_common.db import Chunk, FootageReader, FootageWriter, Gap
from gatehouse_common.integrity import Damage, DamageKind, Part, Report, verify_recordings
from gatehouse_common.integrity.evidence import own_index
from gatehouse_common.integrity.files import verify_files
from gatehouse_common.media.adopt import read_index
from gatehouse_common.media.gops import gop_table
from gatehouse_common.runtime import Core
from janitor_kit import mend
from pipeline_kit import START_US, add_camera, core_at, record, work_off

SECOND = 1_000_000
CHUNK_S = 4


def stored(core: Core, tmp_path: Path, *, start_us: int = START_US, seconds: int = 16) -> list[Chunk]:
    """Record a run of four chunks and store them; return their rows."""
    taken = record(core.data_dir, tmp_path, frames=30 * seconds, chunk_us=CHUNK_S * SECOND, start_us=start_us)
    for closed in taken.closed:
        core.bus.publish(closed)
    work_off(core)
    return [c for c in FootageReader(core.db).all_chunks() if c.run == taken.run]


def verified(core: Core, part: Part | None = None) -> Report:
    read = []
    report = verify_recordings(core, part or Part(), read.append)
    assert sum(read) == report.bytes or report.damages
    return report


def flip(path: Path, at: int, bit: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bit
    path.chmod(0o644)
    path.write_bytes(data)


def kinds(found: list[Damage]) -> list[str]:
    return [one.kind.value for one in found]


def test_what_was_recorded_is_as_recorded(tmp_path: Path) -> None:
    """R5: nothing healthy is touched."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        report = verified(core)
        assert (report.chunks, report.damages, report.unsealed, report.late) == (len(rows), [], 0, 0)
        assert report.bytes == sum(r.bytes for r in rows)
        files = [core.data_dir / r.key for r in rows]
        alone = verify_files(files, None, lambda _bytes: None)
        assert (alone.chunks, alone.damages) == (len(rows), [])


def test_a_flipped_byte_anywhere_is_found_and_told_where(tmp_path: Path) -> None:
    """R5: a bit-flipped file is found, whatever byte it is; with the index, and by the file alone."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        row = stored(core, tmp_path)[1]
        path = core.data_dir / row.key
        whole = path.read_bytes()
        media = read_index(path, row.key)
        assert media is not None
        gops, rng = gop_table(media.parts), random.Random(5)
        borders = [int(b) + d for b in (*gops.off, *gops.end, row.bytes) for d in (-1, 0)]
        wanted = {0, 7, *borders, *rng.sample(range(row.bytes), 150), *range(row.bytes - 40, row.bytes)}
        for at in sorted(b for b in wanted if 0 <= b < row.bytes):
            flip(path, at, 1 << rng.randrange(8))
            found = [d for d in verified(core, Part("cam")).damages if d.key == row.key]
            assert found, f"byte {at} of {row.bytes}"
            assert any(d.start is not None and d.end is not None and d.start <= at < d.end for d in found), at
            if at >= media.indexed_bytes:
                assert [d.kind for d in found] == [DamageKind.INDEX], at
                assert found[0].from_us is None, "the footage itself is as it was"
            inside = [k for k in range(len(gops)) if gops.off[k] <= at < gops.end[k]]
            if inside:
                span = media.wall_us(int(gops.dts[inside[0]])), media.wall_us(int(gops.end_dts[inside[0]]))
                assert (found[0].from_us, found[0].to_us) == span
                assert (found[0].start, found[0].end) == (gops.off[inside[0]], gops.end[inside[0]])
            assert verify_files([path], None, lambda _bytes: None).damages, f"byte {at}, the file alone"
            path.write_bytes(whole)
        assert verified(core).damages == []


@pytest.mark.parametrize("cut", [1, 50, 4000, 0.5, 0.99])
def test_a_truncated_file_is_found_with_the_time_that_is_lost(cut: float, tmp_path: Path) -> None:
    """R5."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        row = stored(core, tmp_path)[2]
        path = core.data_dir / row.key
        path.chmod(0o644)
        data = path.read_bytes()
        left = int(len(data) * (1 - cut)) if cut < 1 else len(data) - int(cut)
        path.write_bytes(data[:left])
        found = verified(core).damages
        assert "short" in kinds(found)
        short = next(d for d in found if d.kind is DamageKind.SHORT)
        assert (short.start, short.end) == (left, row.bytes)
        if cut < 1:
            assert short.to_us == row.end_us
            assert short.from_us is not None
            assert short.from_us >= row.start_us
        assert verify_files([path], None, lambda _bytes: None).damages


def test_bytes_that_follow_are_found(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        row = stored(core, tmp_path)[0]
        with (core.data_dir / row.key).open("ab") as file:
            file.write(b"x")
        assert kinds(verified(core).damages) == ["long"]
        assert verify_files([core.data_dir / row.key], None, lambda _bytes: None).damages


def test_a_chunk_that_is_replaced_by_another_is_found(tmp_path: Path) -> None:
    """R5: another valid chunk in its place, of the same run and size or not."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        other, one = core.data_dir / rows[2].key, core.data_dir / rows[1].key
        one.unlink()
        shutil.copyfile(other, one)
        found = verified(core).damages
        assert [(d.kind, d.key) for d in found] == [(DamageKind.REPLACED, rows[1].key)]
        assert rows[2].id in found[0].detail
        alone = verify_files([core.data_dir / r.key for r in rows], None, lambda _bytes: None)
        assert "broken" in kinds(alone.damages)


def test_a_chunk_of_which_neither_file_nor_row_is_left_is_missed_by_its_chain(tmp_path: Path) -> None:
    """R5: a chunk taken out of the middle of a run, its row with it."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        (core.data_dir / rows[1].key).unlink()
        FootageWriter(core.db).forget_chunk(rows[1].id)
        for part in (Part(), Part("cam", rows[2].start_us, rows[2].end_us)):
            found = verified(core, part).damages
            assert [(d.kind, d.key) for d in found] == [(DamageKind.BROKEN, rows[2].key)]
            assert (found[0].from_us, found[0].to_us) == (rows[0].end_us, rows[2].start_us)
        files = [core.data_dir / r.key for r in (rows[0], *rows[2:])]
        assert kinds(verify_files(files, None, lambda _bytes: None).damages) == ["broken"]


def test_a_chunk_that_was_let_go_of_is_not_missed(tmp_path: Path) -> None:
    """S2-30: what retention has taken out of a run is in the ledger, so its chain may have a hole there."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        (core.data_dir / rows[1].key).unlink()
        FootageWriter(core.db).forget_chunk(rows[1].id)
        gap = Gap("cam", rows[1].start_us, rows[1].end_us, "purged", "older than it is kept")
        FootageWriter(core.db).put_gaps(None, [gap])
        assert verified(core).damages == []


def test_a_chunk_that_is_mended_while_verify_runs_is_verified_under_its_new_name(tmp_path: Path) -> None:
    """Checks mend at night, and verification of all takes hours: its chain is whole."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        flip(core.data_dir / rows[1].key, rows[1].bytes - 3)
        done: list[dict[str, str]] = []

        def advance(_bytes: int) -> None:
            if not done:
                done.append(mend(core))

        report = verify_recordings(core, Part(), advance)
        assert list(done[0]) == [rows[1].key]
        assert (report.damages, report.chunks) == ([], len(rows))


def test_a_hole_that_was_explained_afterwards_is_told(tmp_path: Path) -> None:
    """Somebody deletes a file, a check finds it missing and notes it: the ledger explains it, and verify says so."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        (core.data_dir / rows[1].key).unlink()
        mend(core)
    run = CliRunner().invoke(verify, ["--data", str(tmp_path / "data")])
    assert run.exit_code == 0
    assert "cam: one hole in what was recorded, 4.0 s, known to the ledger as" in run.output
    told = CliRunner().invoke(verify, ["cam", "--data", str(tmp_path / "data"), "--json"])
    assert len(json.loads(told.output)["notes"]) == 1


def test_a_file_cannot_rule_a_terminal_or_end_it_by_its_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A chunk file of somebody else's archive: its names and times are shown, and do nothing."""
    damage = Damage(DamageKind.CHANGED, "a\x1b[2J\n.mp4", "it is of camera \u202ex", from_us=1 << 62, to_us=1 << 63)
    show(Report(chunks=1, damages=[damage]), as_json=False)
    shown = capsys.readouterr().out
    assert "\\x1b[2J\\n.mp4" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
    assert f"{1 << 62} us to {1 << 63} us" in shown
    show(Report(chunks=1, damages=[damage]), as_json=True)
    assert json.loads(capsys.readouterr().out)["verdict"] == "damaged"


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    """R5, S2-44."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        (core.data_dir / rows[1].key).unlink()
        found = verified(core).damages
        assert [(d.kind, d.key) for d in found] == [(DamageKind.MISSING, rows[1].key)]
        assert (found[0].from_us, found[0].to_us) == (rows[1].start_us, rows[1].end_us)


def test_a_damaged_row_of_the_index_is_told_and_the_file_is_held_to_its_own(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        blob = bytearray(FootageReader(core.db).sample_indexes([rows[1].id])[rows[1].id])
        blob[200] ^= 4
        with core.db.begin() as c:
            c.exec_driver_sql("UPDATE chunk_index SET data = ? WHERE chunk = ?", (bytes(blob), rows[1].id))
        assert [(d.kind, d.key) for d in verified(core).damages] == [(DamageKind.INDEX, rows[1].key)]


def test_a_range_is_verified_and_nothing_else(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        flip(core.data_dir / rows[0].key, 5000)
        for first in (1, 2, 3):
            assert verified(core, Part("cam", rows[first].start_us, rows[3].end_us)).damages == []
        assert verified(core, Part("cam", rows[2].start_us, rows[2].start_us + 1)).chunks == 1
        found = verified(core, Part("cam", rows[0].start_us, rows[0].start_us + 1)).damages
        assert kinds(found) == ["changed"]


def test_a_chunk_that_waits_in_the_spool_is_no_hole_in_a_chain(tmp_path: Path) -> None:
    """Chunks may be stored in another order than they were recorded in, while the store is slow."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        for number in (0, 1):
            with core.db.begin() as c:
                c.exec_driver_sql("UPDATE chunks SET state = 'open' WHERE id = ?", (rows[number].id,))
            report = verified(core)
            assert (report.damages, report.open, report.chunks) == ([], number + 1, len(rows) - number - 1)


def test_a_file_that_was_stored_without_its_index_ends_in_its_last_part(tmp_path: Path) -> None:
    """A chunk of another machine that had no room for its index: SQL alone has it, with the digests."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        row = stored(core, tmp_path)[1]
        path = core.data_dir / row.key
        media = read_index(path, row.key)
        assert media is not None
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[: media.indexed_bytes])
        assert kinds(verified(core).damages) == ["short"], "the index at its end was there, and is not"
        with core.db.begin() as c:
            c.exec_driver_sql("UPDATE chunks SET bytes = ? WHERE id = ?", (media.indexed_bytes, row.id))
        assert verified(core).damages == []


def put(core: Core, row: Chunk, data: bytes) -> None:
    """Put a file in place of a chunk's, and let the index know it."""
    path = core.data_dir / row.key
    path.chmod(0o644)
    path.write_bytes(data)
    blob = own_index(InMemory(data))
    with core.db.begin() as c:
        c.exec_driver_sql("UPDATE chunks SET bytes = ? WHERE id = ?", (len(data), row.id))
        c.exec_driver_sql("UPDATE chunk_index SET data = ? WHERE chunk = ?", (blob, row.id))


def test_footage_of_before_there_were_digests_is_counted_and_not_called_damaged(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        for row in rows:
            put(core, row, of_before_digests((core.data_dir / row.key).read_bytes()))
        report = verified(core)
        assert (report.damages, report.unsealed) == ([], len(rows))
        assert verdict(report) == "without-digests", "whether it is as recorded nobody can tell, and nobody says"
        # One that was made anew by a later version has digests by then: those behind it have none still.
        one = (core.data_dir / rows[1].key).read_bytes()
        put(core, rows[1], another_film(one, lambda gops: gops, late=len(gops_of(one))))
        report = verified(core)
        assert (report.damages, report.unsealed) == ([], len(rows) - 1)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_digests_that_were_taken_away_are_missed(number: int, tmp_path: Path) -> None:
    """R5: a chunk that has none, of a run that was recorded with some, in the index and in the file."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        put(core, rows[number], of_before_digests((core.data_dir / rows[number].key).read_bytes()))
        told = [d for d in verified(core).damages if d.kind is DamageKind.BROKEN]
        assert [d.key for d in told] == [rows[max(1, number)].key]
        assert "taken away" in told[0].detail


def test_a_file_that_says_what_it_is_chained_to_had_digests(tmp_path: Path) -> None:
    """R5: whatever is left of its run; the first chunks may have been let go of."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        put(core, rows[2], without_digests_in_index((core.data_dir / rows[2].key).read_bytes()))
        report = verified(core, Part("cam", rows[2].start_us, rows[2].start_us + 1))
        assert "taken away" in " ".join(d.detail for d in report.damages)


def test_a_chain_does_not_begin_anew_where_nothing_was_cut_out(tmp_path: Path) -> None:
    """R5: a film with right digests of its own in place of the last chunk of a run; where a chain begins is public."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        rows = stored(core, tmp_path)
        path = core.data_dir / rows[3].key
        forged = begun_anew(another_film(path.read_bytes(), lambda gops: [altered(gop) for gop in gops]))
        put(core, rows[3], forged)
        assert [(d.kind, d.key) for d in verified(core).damages] == [(DamageKind.BROKEN, rows[3].key)]
        alone = verify_files([core.data_dir / row.key for row in rows], None, lambda _bytes: None)
        assert [d.kind for d in alone.damages] == [DamageKind.BROKEN]
        # What the index itself has made anew may: a repair keeps what is good, and says so in its row.
        with core.db.begin() as c:
            c.exec_driver_sql("UPDATE chunks SET recovered = 1 WHERE id = ?", (rows[3].id,))
        assert verified(core).damages == []
