"""Files that are whole by their own word and are not what was recorded: they never become the truth by a repair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forgeries import altered, another_film, begun_anew, gops_of, of_before_digests, without_digests_in_index
from gatehouse.rebuilding import rebuild
from gatehouse_common.db import Chunk, Facts, FootageReader, FootageWriter
from gatehouse_common.ids import new_id
from gatehouse_common.integrity import Part, Report, verify_recordings
from gatehouse_common.media.index_blob import decode_seal
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_common.testing.chunk_edits import put_index, say_bytes
from gatehouse_janitor.guards import refuse_after_rebuild
from janitor_kit import chunks, found, gaps, mend, objects, quarantined, read, record_chunks, replace, row_of
from pipeline_kit import START_US, add_camera, core_at


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as made:
        record_chunks(made, tmp_path)
        yield made


def verified(core: Core) -> Report:
    return verify_recordings(core, Part(), lambda _: None)


def first_altered_and_longer(gops: list[bytes]) -> list[bytes]:
    return [altered(gops[0]), gops[1], gops[0]]


def one_left(gops: list[bytes]) -> list[bytes]:
    return gops[:1]


@pytest.mark.parametrize(
    ("change", "lost"),
    [(first_altered_and_longer, [("corrupt", 6.0, 7.0)]), (one_left, [("corrupt", 7.0, 8.0)])],
)
def test_another_film_under_the_same_ids_is_convicted_by_the_index(
    core: Core, change: Callable[[list[bytes]], list[bytes]], lost: list[tuple[str, float, float]]
) -> None:
    """R5: digests and chain of the file are right, each for itself; only what the index has digests of is kept."""
    row = chunks(core)[3]
    blob = FootageReader(core.db).sample_indexes([row.id])[row.id]
    real = decode_seal(blob, row.key)
    assert real is not None
    whole = read(core, row.key)
    forged = another_film(whole, change)
    replace(core, row.key, forged)
    assert found(core) == [("replaced", row.key)]
    assert verified(core).damages != []
    mend(core)
    assert found(core) == []
    assert quarantined(core) == [forged]
    assert gaps(core) == lost
    kept = row_of(core, row.id)
    assert kept is not None
    again = decode_seal(FootageReader(core.db).sample_indexes([row.id])[row.id], kept.key)
    assert again is not None
    assert set(again.gops) < set(real.gops)
    assert verified(core).damages == []


def test_of_a_film_that_is_another_all_through_nothing_is_kept(core: Core) -> None:
    row, other = chunks(core)[3], chunks(core)[8]
    strange = gops_of(read(core, other.key))
    forged = another_film(read(core, row.key), lambda _: [*strange, strange[0]])
    replace(core, row.key, forged)
    say_bytes(core.db, row.id, len(forged))  # nor does its size give it away
    assert found(core) == [("replaced", row.key)]
    mend(core)
    assert found(core) == []
    assert row_of(core, row.id) is None
    assert quarantined(core) == [forged]
    assert gaps(core) == [("corrupt", 6.0, 8.0)]


@pytest.mark.parametrize("there", [True, False])
def test_another_film_under_another_name_takes_no_row_over(core: Core, *, there: bool) -> None:
    """S2-44: renamed or copied, with the file that was recorded beside it or not."""
    row = chunks(core)[3]
    before = read(core, row.key)
    forged = another_film(before, first_altered_and_longer)
    copy = row.key.replace("recording_", "restored_")
    core.store.put_bytes(copy, forged)
    if not there:
        core.store.delete(row.key)
    mend(core)
    assert found(core) == []
    assert quarantined(core) == [forged]
    kept = row_of(core, row.id)
    assert kept is not None
    assert gaps(core) == ([] if there else [("corrupt", 6.0, 7.0)])
    assert verified(core).damages == []
    if there:
        assert (kept, read(core, row.key)) == (row, before)


def test_a_film_that_was_never_recorded_hides_no_hole(core: Core) -> None:
    """R5: under ids of its own, in place of a recording that was deleted: what is missing stays told."""
    row = chunks(core)[3]
    forged = begun_anew(another_film(read(core, row.key), first_altered_and_longer), chunk=new_id())
    core.store.delete(row.key)
    core.store.put_bytes(row.key.replace("recording_", "restored_"), forged)
    for _ in range(3):
        mend(core)
        assert gaps(core) == [("deleted", 6.0, 8.0)]
    assert row_of(core, row.id) is None


def test_an_index_without_digests_takes_none_away(core: Core) -> None:
    """R5: a file that was recorded with digests is not believed because its index has none."""
    for number in (3, 5):
        row = chunks(core)[number]
        whole = read(core, row.key)
        replace(core, row.key, without_digests_in_index(whole))
        if number == 5:  # nor where the index has lost its row
            FootageWriter(core.db).forget_chunk(row.id)
        mend(core)
        assert found(core) == []
        kept = row_of(core, row.id)
        assert kept is not None
        blob = FootageReader(core.db).sample_indexes([row.id])[row.id]
        assert decode_seal(blob, kept.key) is not None
        assert gaps(core) == []
    assert (verified(core).damages, verified(core).unsealed) == ([], 0)


def test_an_altered_file_without_row_and_digests_in_its_index_is_held_to_those_between_its_gops(core: Core) -> None:
    row = chunks(core)[5]
    data = read(core, row.key)
    first = gops_of(data)[0]
    bad = without_digests_in_index(data.replace(first, altered(first)))
    replace(core, row.key, bad)
    FootageWriter(core.db).forget_chunk(row.id)
    mend(core)
    assert found(core) == []
    assert quarantined(core) == [bad]
    kept = row_of(core, row.id)
    assert kept is not None
    assert kept.start_us == row.start_us + 1_000_000


def test_a_picture_of_before_there_were_digests_is_not_sealed_with_its_damage(core: Core) -> None:
    """Nothing says what was there: it is told each time, and no copy is made that has digests of the damage."""
    for row in chunks(core):
        data = of_before_digests(read(core, row.key))
        replace(core, row.key, data)
        say_bytes(core.db, row.id, len(data))
        put_index(core.db, row.id, None)
    mend(core)
    assert found(core) == []
    row = chunks(core)[4]
    data = bytearray(read(core, row.key))
    at = bytes(data).rindex(b"mdat") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    replace(core, row.key, bytes(data))
    assert found(core) == [("flipped", row.key)]
    assert mend(core) == {}
    assert found(core) == [("flipped", row.key)]
    assert read(core, row.key) == bytes(data)


def exchange(core: Core, rows: list[Chunk]) -> dict[str, bytes]:
    """Give each file the name of the next; return what was in each chunk, by id."""
    had = {row.id: read(core, row.key) for row in rows}
    for row, before in zip(rows, [rows[-1], *rows[:-1]], strict=True):
        replace(core, row.key, had[before.id])
    return had


@pytest.mark.parametrize("count", [2, 3, 5])
def test_files_that_have_the_names_of_others_are_all_given_back(core: Core, count: int) -> None:
    """R5, S2-44: restored from a backup under wrong names; every chunk is there, and none is lost."""
    rows = chunks(core)[2 : 2 + count]
    had = exchange(core, rows)
    assert found(core) == sorted(("foreign", row.key) for row in rows)
    mend(core)
    assert found(core) == []
    for row in rows:
        kept = row_of(core, row.id)
        assert kept is not None
        assert read(core, kept.key) == had[row.id]
        assert (kept.start_us, kept.end_us) == (row.start_us, row.end_us)
    assert gaps(core) == []
    assert verified(core).damages == []


def test_a_forged_file_is_not_believed_for_having_the_name_of_another(core: Core) -> None:
    """The index keeps the digests of a chunk until its file was looked for everywhere."""
    one, other = chunks(core)[2:4]
    forged = another_film(read(core, one.key), first_altered_and_longer)
    genuine = read(core, other.key)
    replace(core, one.key, genuine)
    replace(core, other.key, forged)
    mend(core)
    mend(core)
    assert found(core) == []
    kept = row_of(core, other.id)
    assert kept is not None
    assert read(core, kept.key) == genuine
    assert gaps(core) == [("corrupt", 4.0, 5.0)]
    assert forged in quarantined(core)


def flipped(data: bytes) -> bytes:
    return data[:3000] + bytes([data[3000] ^ 1]) + data[3001:]


@pytest.mark.parametrize("name", ["a_copy", "z_copy"])
@pytest.mark.parametrize(
    "damage",
    [flipped, lambda data: data[:-4000], lambda _: b"", lambda data: bytes(len(data))],
    ids=["flipped", "cut", "empty", "zeros"],
)
def test_a_whole_copy_beside_a_damaged_file_is_used(core: Core, damage: Callable[[bytes], bytes], name: str) -> None:
    """R5, S2-44: put back from a backup; it is no duplicate to be set aside, and nothing is lost."""
    row = chunks(core)[3]
    whole = read(core, row.key)
    core.store.put_bytes(row.key.replace("recording_", f"{name}_"), whole)
    replace(core, row.key, damage(whole))
    mend(core)
    assert found(core) == []
    kept = row_of(core, row.id)
    assert kept is not None
    assert read(core, kept.key) == whole
    assert gaps(core) == []
    assert quarantined(core) == [damage(whole)]


@pytest.mark.parametrize("name", ["a_copy", "z_copy"])
def test_an_index_made_anew_takes_the_copy_that_is_whole(core: Core, tmp_path: Path, name: str) -> None:
    """R5: whichever of them comes first by name."""
    row = chunks(core)[3]
    whole = read(core, row.key)
    copy = row.key.replace("recording_", f"{name}_")
    core.store.put_bytes(copy, whole)
    replace(core, row.key, flipped(whole))
    with core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db", broker_url="memory:") as fresh:
        done = rebuild(fresh, lambda _: None)
        assert list(done.left) == [row.key]
        assert done.chunks == len(chunks(core))
        kept = row_of(fresh, row.id)
        assert kept is not None
        assert read(fresh, kept.key) == whole


def test_a_copy_of_what_is_well_is_a_duplicate_still(core: Core) -> None:
    row = chunks(core)[3]
    copy = keys.recording("cam", START_US + 3_600_000_000, core.zone)
    core.store.put_bytes(copy, read(core, row.key))
    before = {key: data for key, data in objects(core).items() if key != copy}
    assert found(core) == [("duplicate", copy)]
    mend(core)
    assert objects(core) == before


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_what_is_put_back_later_is_in_no_gap_any_more(core: Core, how: str) -> None:
    """R5: the ledger says where footage is missing, and no longer where it is there again."""
    row, behind = chunks(core)[3:5]
    whole = {one.key: read(core, one.key) for one in (row, behind)}
    for one in (row, behind):
        if how == "empty":
            replace(core, one.key, b"")
        else:
            core.store.delete(one.key)
    mend(core)
    cause = "corrupt" if how == "empty" else "deleted"
    assert gaps(core) == [(cause, 6.0, 8.0), (cause, 8.0, 10.0)]
    core.store.put_bytes(row.key, whole[row.key])
    mend(core)
    assert found(core) == []
    assert gaps(core) == [(cause, 8.0, 10.0)]
    core.store.put_bytes(behind.key, whole[behind.key])
    mend(core)
    assert found(core) == []
    assert gaps(core) == []
    assert verified(core).damages == []


@pytest.mark.parametrize("added_again", [False, True])
def test_after_a_repair_of_a_lost_index_nothing_is_too_old(core: Core, tmp_path: Path, *, added_again: bool) -> None:
    """S2-31: an index that is empty knows of no camera for how long it is kept; also if it was added once more."""
    with core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db", broker_url="memory:") as fresh:
        if added_again:
            add_camera(fresh, created_us=fresh.clock.now_us())
        assert refuse_after_rebuild(Facts(fresh.db)) == ""
        mend(fresh)
        assert len(chunks(fresh)) == len(chunks(core))
        assert "made anew" in refuse_after_rebuild(Facts(fresh.db))


def test_a_file_that_an_index_has_missed_changes_nothing_for_the_others(core: Core) -> None:
    FootageWriter(core.db).forget_chunk(chunks(core)[3].id)
    mend(core)
    assert len(chunks(core)) == 12
    assert refuse_after_rebuild(Facts(core.db)) == ""
