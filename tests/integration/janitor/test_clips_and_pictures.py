"""Clips and pictures of plates beside their rows: found, cut anew, forgotten or set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, ClipRepository, FootageWriter, PlateReader
from gatehouse_common.db.inventory import InventoryWriter
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.storage import keys
from gatehouse_common.testing.chunk_edits import forget_clip
from gatehouse_common.testing.film import frame_numbers
from gatehouse_segmenter.service import build as build_segmenter
from janitor_kit import chunks, found, look, mend, objects, quarantined, read, record_chunks, replace
from pipeline_kit import START_US, core_at
from plates_kit import Visit, indexing, make_clips, settle, tell, visit
from running import wait_for


def cut_what_is_planned(core: Core) -> None:
    supervisor = Supervisor([build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        wait_for("the queue", lambda: core.bus.depth("segmenter") == 0, 20)
        wait_for("the clips", lambda: not ClipRepository(core.db).planned(), 20)
    finally:
        assert supervisor.stop()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Core, list[Visit], list[Clip]]]:
    """Twenty-four seconds of footage, three visits with pictures, a clip of each."""
    with core_at(tmp_path / "data") as core:
        record_chunks(core, tmp_path)
        visits = [
            visit("cam", text, START_US + at * SECOND) for text, at in (("AB123", 4), ("CD456", 11), ("EF789", 18))
        ]
        with indexing(core):
            for one in visits:
                tell(core, one)
            settle(core)
        # Each clip is planned whole, and made once, whatever order a segmenter would have heard of the reads in.
        unheard = core.bus.subscribe("segmenter", lambda _: None)
        assert core.bus.join(20)
        unheard.close()
        clips = [c for one in visits for c in make_clips(core, "cam", [(one.event, one.start_us)], pre_s=1, post_s=2)]
        assert len(clips) == 3
        for kind, key in found(core):  # those of earlier reads, which detectors delete when a visit ends
            assert (kind, key.split("/")[0]) == ("orphan", "plates")
            core.store.delete(key)
        assert found(core) == []
        yield core, visits, clips


def test_a_clip_whose_file_is_gone_is_cut_anew(site: tuple[Core, list[Visit], list[Clip]]) -> None:
    """S2-44: the footage is there, so the segmenter makes the very same clip again."""
    core, _, clips = site
    core.store.delete(clips[1].key)
    assert found(core) == [("missing", clips[1].key)]
    mend(core)
    assert ClipRepository(core.db).get(clips[1].id).state == "planned"
    cut_what_is_planned(core)
    again = ClipRepository(core.db).get(clips[1].id)
    assert (again.state, again.start_us, again.end_us, again.frames) == (
        "stored",
        clips[1].start_us,
        clips[1].end_us,
        clips[1].frames,
    )
    assert len([n for n, _ in frame_numbers(core.data_dir / again.key)]) >= again.frames
    assert found(core) == []


@pytest.mark.parametrize(("kind", "cut"), [("truncated", 0.6), ("empty", 0.0)])
def test_a_broken_clip_is_set_aside_and_cut_anew(
    site: tuple[Core, list[Visit], list[Clip]], kind: str, cut: float
) -> None:
    core, _, clips = site
    data = read(core, clips[0].key)
    broken = data[: round(len(data) * cut)]
    replace(core, clips[0].key, broken)
    assert found(core) == [(kind, clips[0].key)]
    mend(core)
    assert quarantined(core) == [broken]
    cut_what_is_planned(core)
    assert found(core) == []


def purge_footage(core: Core) -> None:
    for row in chunks(core):
        core.store.delete(row.key)
        FootageWriter(core.db).forget_chunk(row.id)


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"\0\0\0\x01" + data[4:]], ids=["cut", "a box"]
)
def test_a_damaged_clip_stays_where_it_is_if_it_cannot_be_cut_again(
    site: tuple[Core, list[Visit], list[Clip]], damage: Callable[[bytes], bytes], *, archived: bool
) -> None:
    """S2-30: clips outlive the footage; a byte at its end must not cost the only evidence."""
    core, _, clips = site
    if archived:
        ClipRepository(core.db).archive_before(clips[2].end_us + 1, 0)
    purge_footage(core)
    hurt = damage(read(core, clips[1].key))
    replace(core, clips[1].key, hurt)
    ((kind, key),) = found(core)
    assert (kind, key) in {("truncated", clips[1].key), ("damaged", clips[1].key)}
    before = ClipRepository(core.db).get(clips[1].id)
    assert mend(core) == {}
    assert ClipRepository(core.db).get(clips[1].id) == before
    assert read(core, clips[1].key) == hurt
    assert quarantined(core) == []


@pytest.mark.parametrize("by", [-10, 10])
def test_a_row_that_says_another_size_of_a_whole_clip_is_corrected(
    site: tuple[Core, list[Visit], list[Clip]], by: int
) -> None:
    """S2-44: the film is whole, so the row is wrong, whichever of them is larger; the file is not touched."""
    core, _, clips = site
    InventoryWriter(core.db).size_of_clip(clips[1].id, clips[1].key, clips[1].bytes + by)
    assert [key for _, key in found(core)] == [clips[1].key]
    mend(core)
    assert found(core) == []
    assert ClipRepository(core.db).get(clips[1].id) == clips[1]
    assert quarantined(core) == []


def test_the_file_of_a_clip_that_is_being_made_is_not_moved(site: tuple[Core, list[Visit], list[Clip]]) -> None:
    """S2-44: between the file of a clip and its row a segmenter may stop for longer than a check waits."""
    core, _, clips = site
    InventoryWriter(core.db).plan_clip_again(clips[1].id, clips[1].key, "")
    assert found(core) == [("orphan", clips[1].key)]
    assert mend(core) == {}
    cut_what_is_planned(core)
    assert found(core) == []
    assert ClipRepository(core.db).get(clips[1].id).state == "stored"
    assert len(ClipRepository(core.db).of_event(clips[1].events[0])) == 1
    assert quarantined(core) == []


def test_pictures_whose_plate_event_is_not_known_yet_are_told_and_stay(
    site: tuple[Core, list[Visit], list[Clip]],
) -> None:
    """S2-44: the indexer was down for longer than a check waits; then the row comes, and its pictures are there."""
    core, _, _ = site
    late = visit("cam", "GH012", START_US + 20 * SECOND)
    waiting = keys.plate_picture("cam", late.event, new_id(), START_US, core.zone, "crop")
    core.store.put_bytes(waiting, b"\xff\xd8\xff\xd9")
    assert found(core) == [("orphan", waiting)]
    assert mend(core) == {}
    assert read(core, waiting) == b"\xff\xd8\xff\xd9"
    with indexing(core):
        tell(core, late)
        settle(core)
    assert set(mend(core)) >= {waiting}, "its plate event is known and closed, and does not have it"


def test_a_clip_whose_boxes_are_wrong_is_found_by_reading_it(site: tuple[Core, list[Visit], list[Clip]]) -> None:
    core, _, clips = site
    data = bytearray(read(core, clips[0].key))
    data[data.index(b"moov") - 2] ^= 1
    replace(core, clips[0].key, bytes(data))
    assert found(core, quick=True) == []
    assert found(core) == [("damaged", clips[0].key)]


def test_the_file_of_an_archived_clip_that_is_gone_makes_it_purged(site: tuple[Core, list[Visit], list[Clip]]) -> None:
    """S2-30: the row stays, and is not cut anew."""
    core, _, clips = site
    ClipRepository(core.db).archive_before(clips[2].end_us + 1, 0)
    core.store.delete(clips[2].key)
    mend(core)
    assert ClipRepository(core.db).get(clips[2].id).state == "purged"
    assert found(core) == []


def test_a_clip_that_the_index_has_lost_gets_a_row_by_its_key_and_film(
    site: tuple[Core, list[Visit], list[Clip]],
) -> None:
    """R5: camera by the plate event, length, size and frames by the film, the second of its start by the key."""
    core, _, clips = site
    forget_clip(core.db, clips[1].id)
    assert found(core) == [("orphan", clips[1].key)]
    mend(core)
    assert found(core) == []
    (again,) = ClipRepository(core.db).of_event(clips[1].events[0])
    for name in ("camera", "key", "state", "bytes", "width", "height", "frames", "events"):
        assert getattr(again, name) == getattr(clips[1], name), name
    assert abs(again.start_us - clips[1].start_us) < SECOND
    assert abs((again.end_us - again.start_us) - (clips[1].end_us - clips[1].start_us)) <= 34_000


def test_files_that_are_no_clips_and_copies_are_set_aside(site: tuple[Core, list[Visit], list[Clip]]) -> None:
    core, _, clips = site
    foreign, unknown = "videos/2024-05-17/notes.txt", keys.video(new_id(), START_US, core.zone)
    copy = keys.video(clips[0].events[0], START_US + 9 * SECOND, core.zone)
    core.store.put_bytes(foreign, b"hello")
    core.store.put_bytes(unknown, read(core, clips[0].key))
    core.store.put_bytes(copy, read(core, clips[0].key))
    assert found(core) == sorted([("foreign", foreign), ("orphan", unknown), ("duplicate", copy)])
    before = {clip.key: read(core, clip.key) for clip in clips}
    mend(core)
    # One that says nothing, of a plate event that nobody has told of, is told and stays.
    assert found(core) == [("orphan", unknown)]
    assert objects(core, keys.VIDEOS) == {**before, unknown: before[clips[0].key]}
    assert len(quarantined(core)) == 2


def test_pictures_of_plates_and_their_events(site: tuple[Core, list[Visit], list[Clip]]) -> None:
    """S2-44: missing, empty, foreign, and one that no event names; the others stay."""
    core, visits, _ = site
    reader = PlateReader(core.db)
    first, second = reader.event(visits[0].event), reader.event(visits[1].event)
    core.store.delete(first.frame_key)
    replace(core, second.crop_key, b"")
    foreign = "plates/cam/2024-05-17/readme.md"
    stray = keys.plate_picture("cam", visits[2].event, new_id(), START_US, core.zone, "crop")
    core.store.put_bytes(foreign, b"x")
    core.store.put_bytes(stray, b"\xff\xd8\xff\xd9")
    assert found(core) == sorted(
        [("missing", first.frame_key), ("empty", second.crop_key), ("foreign", foreign), ("orphan", stray)]
    )
    mend(core)
    assert found(core) == []
    assert reader.event(visits[0].event).frame_key == ""
    assert reader.event(visits[0].event).crop_key == first.crop_key
    assert reader.event(visits[1].event).crop_key == ""
    assert len(objects(core, keys.PLATES)) == 4
    assert look(core).quarantined == 3
