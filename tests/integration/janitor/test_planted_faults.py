"""Faults planted in a recorded store: each is found, and repaired or set aside; nothing that is well is touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import update

from gatehouse_common.db import Chunk, FootageReader, FootageWriter
from gatehouse_common.db.models import ChunkRow, RunRow
from gatehouse_common.ids import new_id
from gatehouse_common.integrity import Part, verify_recordings
from gatehouse_common.media.index_blob import decode_index, decode_seal, encode_index
from gatehouse_common.media.seal import make_seal
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_common.testing.chunk_edits import move_end, put_index, say_bytes, twin_of
from janitor_kit import (
    chunks,
    found,
    gaps,
    look,
    mend,
    objects,
    quarantined,
    read,
    reasons,
    record_chunks,
    replace,
    row_of,
)
from pipeline_kit import START_US, core_at
from plates_kit import server_settings


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as made:
        record_chunks(made, tmp_path)
        yield made


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


def payload_at(core: Core, chunk: Chunk, sample: int) -> int:
    """A byte in the middle of a picture."""
    blob = FootageReader(core.db).sample_indexes([chunk.id])[chunk.id]
    video = decode_index(blob, chunk.key).video
    return int(video.off[sample] + video.size[sample] // 2)


@pytest.mark.parametrize("where", ["embedded", "servers"])
@pytest.mark.timeout(600)
def test_all_eight_are_found_and_mended_and_nothing_else_is_touched(where: str, tmp_path: Path) -> None:
    """R5, S2-44: missing, orphan, truncated, bit-flipped, duplicate, foreign, zero-length, wrong duration; 8 of 8."""
    with ExitStack() as held:
        more = held.enter_context(server_settings(tmp_path)) if where == "servers" else {}
        core = held.enter_context(core_at(tmp_path / "data", **more))
        record_chunks(core, tmp_path)
        rows, files = chunks(core), objects(core)
        assert len(rows) == len(files) == 12
        assert found(core) == []

        missing, orphan, truncated, flipped, duplicate, empty, longer = rows[1:8]
        core.store.delete(missing.key)
        FootageWriter(core.db).forget_chunk(orphan.id)
        replace(core, truncated.key, files[truncated.key][: len(files[truncated.key]) * 9 // 10])
        replace(core, flipped.key, flip(files[flipped.key], payload_at(core, flipped, 40)))
        copy = keys.recording("cam", START_US + 3_600_000_000, core.zone)
        core.store.put_bytes(copy, files[duplicate.key])
        foreign = "recordings/cam/2024-05-17/holiday.mp4"
        core.store.put_bytes(foreign, b"\0\0\0\x18ftypmp42" + bytes(5000))
        replace(core, empty.key, b"")
        move_end(core.db, longer.id, 700_000)

        assert found(core) == sorted(
            [
                ("missing", missing.key),
                ("orphan", orphan.key),
                ("truncated", truncated.key),
                ("flipped", flipped.key),
                ("duplicate", copy),
                ("foreign", foreign),
                ("empty", empty.key),
                ("duration", longer.key),
            ]
        )
        damaged = {key: read(core, key) for key in (truncated.key, flipped.key, copy, foreign, empty.key)}
        done = mend(core)
        assert len(done) == 8
        assert found(core) == []

        # What was well is as it was, and what was set aside is there to the byte, each with its reason.
        touched = {missing.key, truncated.key, flipped.key, empty.key}
        after = objects(core)
        assert {k: v for k, v in after.items() if k in files} == {k: v for k, v in files.items() if k not in touched}
        assert sorted(quarantined(core)) == sorted(damaged.values())
        assert len(reasons(core)) == len(damaged)
        # The rows, too: those that were well have not changed at all.
        known = {row.id: row for row in chunks(core)}
        for row in [rows[0], duplicate, longer, *rows[8:]]:
            assert known[row.id] == row
        assert (known[orphan.id].start_us, known[orphan.id].end_us) == (orphan.start_us, orphan.end_us)
        assert missing.id not in known
        assert empty.id not in known
        # What is not there any more is in the ledger: a file that was deleted, an empty one, and what two files lost.
        assert gaps(core) == [
            ("deleted", 2.0, 4.0),
            ("corrupt", 7.5, 8.0),
            ("corrupt", 9.0, 10.0),
            ("corrupt", 12.0, 14.0),
        ]


def test_what_was_mended_is_verified(core: Core) -> None:
    """R5, S2-44: what was cut out is explained by the ledger, and every other byte is what was recorded."""
    for number, place in ((3, 10), (6, 40), (9, 10)):
        row = chunks(core)[number]
        replace(core, row.key, flip(read(core, row.key), payload_at(core, row, place)))
    last = chunks(core)[11]
    replace(core, last.key, read(core, last.key)[:-4000])
    assert verify_recordings(core, Part(), lambda _: None).damages != []
    mend(core)
    assert found(core) == []
    report = verify_recordings(core, Part(), lambda _: None)
    assert report.damages == []
    assert report.chunks == 12


def test_a_flipped_picture_costs_its_gop_alone(core: Core) -> None:
    """R5: the other stays under the chunk's id."""
    row = chunks(core)[3]
    replace(core, row.key, flip(read(core, row.key), payload_at(core, row, 10)))
    assert found(core) == [("flipped", row.key)]
    mend(core)
    assert found(core) == []
    kept = row_of(core, row.id)
    assert kept is not None
    assert (kept.start_us - row.start_us, kept.end_us - row.end_us) == (1_000_000, 0)
    assert gaps(core) == [("corrupt", 6.0, 7.0)]


@pytest.mark.parametrize(
    "where",
    [
        "the init segment",
        "the run box",
        "the chunk's own id",
        "a digest between GOPs",
        "the index at the end",
        "the footer",
        "no index",
    ],
)
def test_what_is_known_otherwise_is_had_back_to_the_byte(core: Core, where: str) -> None:
    """R5: damage of what the index has too costs nothing at all."""
    row = chunks(core)[3]
    data = read(core, row.key)
    blob = FootageReader(core.db).sample_indexes([row.id])[row.id]
    media = decode_index(blob, row.key)
    second = int(media.parts.off[media.parts.sync][1])
    changed = {
        "the init segment": lambda: flip(data, 60),
        "the run box": lambda: flip(data, data.index(b'"camera"') + 3),
        "the chunk's own id": lambda: flip(data, data.index(row.id.encode()) + 4),
        "a digest between GOPs": lambda: flip(data, second - 5),
        "the index at the end": lambda: flip(data, media.indexed_bytes + 200),
        "the footer": lambda: flip(data, len(data) - 3),
        "no index": lambda: data[: media.indexed_bytes],
    }[where]()
    replace(core, row.key, changed)
    assert [key for _, key in found(core)] == [row.key]
    mend(core)
    assert found(core) == []
    kept = row_of(core, row.id)
    assert kept is not None
    assert read(core, kept.key) == data
    assert quarantined(core) == [changed]
    assert gaps(core) == []


@pytest.mark.parametrize("seed", range(40))
def test_whatever_byte_is_flipped_is_found_and_mended(core_of_two: tuple[Core, bytes], seed: int) -> None:
    """R5: any byte of a chunk file; afterwards all is well, at most the GOP that was hit is lost."""
    core, data = core_of_two
    row = chunks(core)[0]
    at = seed * 7919 * 31 % len(data)
    replace(core, row.key, flip(data, at))
    assert [key for _, key in found(core)] == [row.key], at
    mend(core)
    assert found(core) == [], at
    assert sum(end - start for _, start, end in gaps(core)) <= 1.0


@pytest.fixture
def core_of_two(tmp_path: Path) -> Iterator[tuple[Core, bytes]]:
    with core_at(tmp_path / "data") as made:
        record_chunks(made, tmp_path, count=2)
        yield made, read(made, chunks(made)[0].key)


def truncate_to_nothing_whole(core: Core, row: Chunk) -> None:
    replace(core, row.key, read(core, row.key)[:900])


def wipe(core: Core, row: Chunk) -> None:
    replace(core, row.key, bytes(len(read(core, row.key))))


def swap(core: Core, row: Chunk) -> None:
    replace(core, row.key, read(core, chunks(core)[8].key))


@pytest.mark.parametrize(
    ("plant", "kind"), [(truncate_to_nothing_whole, "truncated"), (wipe, "damaged"), (swap, "foreign")]
)
def test_a_file_of_which_nothing_is_left_goes_to_the_quarantine(
    core: Core, plant: Callable[[Core, Chunk], None], kind: str
) -> None:
    row = chunks(core)[2]
    plant(core, row)
    bad = read(core, row.key)
    assert [k for k, key in found(core) if key == row.key] == [kind]
    mend(core)
    assert found(core) == []
    assert row_of(core, row.id) is None
    assert quarantined(core) == [bad]
    assert gaps(core) == [("corrupt", 4.0, 6.0)]


@pytest.mark.parametrize("how", ["none", "flipped", "of another chunk", "rubbish", "with fewer digests"])
def test_a_sample_table_that_is_wrong_is_made_anew_from_the_file(core: Core, how: str) -> None:
    """S2-44: the file is whole, so it is the index that is mended, and the file is not touched."""
    row, other = chunks(core)[2:4]
    indexes = FootageReader(core.db).sample_indexes([row.id, other.id])
    blob = {
        "none": None,
        "flipped": flip(indexes[row.id], 60),
        "of another chunk": indexes[other.id],
        "rubbish": b"\0\2rubbish",
        "with fewer digests": _with_fewer_digests(indexes[row.id], row.key),
    }[how]
    put_index(core.db, row.id, blob)
    before = objects(core)
    assert found(core) == [("index", row.key)]
    mend(core)
    assert found(core) == []
    assert FootageReader(core.db).sample_indexes([row.id])[row.id] == indexes[row.id]
    assert objects(core) == before


def _with_fewer_digests(blob: bytes, key: str) -> bytes:
    seal = decode_seal(blob, key)
    assert seal is not None
    return encode_index(decode_index(blob, key), make_seal(seal.previous, seal.head, seal.gops[:-1]))


def test_a_row_that_says_another_size_is_mended(core: Core) -> None:
    row = chunks(core)[2]
    before = objects(core)
    for wrong, kind in ((row.bytes - 10, "size"), (row.bytes + 10, "truncated")):
        say_bytes(core.db, row.id, wrong)
        assert found(core) == [(kind, row.key)]
        mend(core)
        assert found(core) == []
        assert objects(core) == before
        kept = row_of(core, row.id)
        assert kept is not None
        assert dataclasses.replace(kept, recovered=False) == row
        assert gaps(core) == []


def test_a_file_that_was_renamed_gets_its_row_back(core: Core) -> None:
    """S2-44: missing under one name and unknown under another is one file, and nothing is lost."""
    row = chunks(core)[2]
    moved = row.key.replace("recording_", "renamed_")
    core.store.put_bytes(moved, read(core, row.key))
    core.store.delete(row.key)
    assert found(core) == sorted([("missing", row.key), ("orphan", moved)])
    mend(core)
    assert found(core) == []
    kept = row_of(core, row.id)
    assert kept is not None
    assert (kept.key, kept.start_us, kept.end_us) == (moved, row.start_us, row.end_us)
    assert gaps(core) == []
    assert quarantined(core) == []


def test_two_rows_of_the_same_footage_are_one(core: Core) -> None:
    """S2-44: duplicate rows; the one whose file says that it is that chunk stays."""
    row = chunks(core)[2]
    copy = row.key.replace("recording_", "copy_")
    core.store.put_bytes(copy, read(core, row.key))
    twin_of(core.db, row, new_id(), copy)
    assert {kind for kind, _ in found(core)} == {"foreign", "twin_rows"}
    mend(core)
    assert found(core) == []
    assert row_of(core, row.id) == row
    assert len(chunks(core)) == 12
    assert gaps(core) == []


def test_a_file_that_is_to_be_deleted_is_no_orphan(core: Core) -> None:
    """S2-44, S2-31: what retention has decided on and not done yet is nobody's problem, there or not."""
    from gatehouse_common.db.deletions import Deletions

    first, second = chunks(core)[:2]
    Deletions(core.db).mark_chunks([first.id, second.id], "age", core.clock.now_us())
    core.store.delete(second.key)
    assert found(core) == []


def test_what_waits_on_a_machine_that_cannot_be_asked_is_passed_over(core: Core) -> None:
    """R7: one address that leads nowhere, of whoever said so, ends no check."""
    row = chunks(core)[-1]
    core.store.delete(row.key)
    with core.db.begin() as c:
        waiting = {"state": "open", "key": keys.spool("cam", row.run, row.start_us)}
        c.execute(update(ChunkRow).where(ChunkRow.id == row.id).values(waiting))
        c.execute(update(RunRow).values(spool_url="http://10.0.0.9:5010"))
    assert not core.settings.values.service.token
    assert found(core) == []


def test_a_quick_check_reads_no_file(core: Core) -> None:
    row, other = chunks(core)[2:4]
    replace(core, row.key, flip(read(core, row.key), 5000))
    core.store.delete(other.key)
    assert found(core, quick=True) == [("missing", other.key)]
    assert look(core).counts == {"flipped": 1, "missing": 1}
