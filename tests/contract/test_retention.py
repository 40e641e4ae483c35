"""Retention in the index, on every database: what may go, what is held, what a crash leaves (S1-17, S2-30, S2-31)."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace

import pytest
from sqlalchemy import insert

from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import (
    Camera,
    CameraRepository,
    ChunkDays,
    ClipRepository,
    Database,
    Deletions,
    FootageReader,
    FootageWriter,
    Hold,
    HoldRepository,
    RetentionReader,
)
from gatehouse_common.db.holds import lock_retention
from gatehouse_common.db.upkeep_models import HoldRow
from gatehouse_common.errors import InvalidInput, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ChunkClosed, ChunkDiscarded, ChunkOpened, ChunkStored, GopWritten, RunStarted
from retention_kit import LENGTH, NOW, RUN, clip, hold, store


def test_what_is_old_is_found_camera_by_camera_the_oldest_first(db: Database) -> None:
    old = [store(db, "gate", NOW - k * HOUR) for k in (80, 79, 78, 2)]
    store(db, "yard", NOW - 90 * HOUR)
    found = RetentionReader(db).chunks_before("gate", NOW - 72 * HOUR, NOW, 10)
    assert [k.id for k in found] == old[:3]
    assert [k.id for k in RetentionReader(db).chunks_before("gate", NOW - 72 * HOUR, NOW, 2)] == old[:2]


def test_a_chunk_that_reaches_into_the_time_that_is_kept_stays(db: Database) -> None:
    store(db, "gate", NOW - 72 * HOUR - LENGTH + SECOND)
    last = store(db, "gate", NOW - 72 * HOUR - LENGTH)
    assert [k.id for k in RetentionReader(db).chunks_before("gate", NOW - 72 * HOUR, NOW, 9)] == [last]


def test_marked_is_gone_for_readers_and_purged_in_the_ledger_until_the_object_is_deleted(db: Database) -> None:
    gone = [store(db, "gate", NOW - 80 * HOUR + k * LENGTH) for k in range(3)]
    stays = store(db, "gate", NOW)
    deletions = Deletions(db)
    marked = deletions.mark_chunks(gone, "age", NOW)
    reader = FootageReader(db)
    assert [c.id for c in reader.find_chunks("gate", 0, NOW + HOUR)] == [stays]
    assert reader.sample_indexes(gone) == {}
    (gap,) = reader.gaps("gate", 0, NOW)  # one gap, not one a chunk
    assert (gap.start_us, gap.end_us, gap.cause) == (NOW - 80 * HOUR, NOW - 80 * HOUR + 3 * LENGTH, "purged")
    # A crash here: what was decided is known to whoever comes next.
    assert {d.key for d in Deletions(db).due(NOW, 10)} == {d.key for d in marked}
    assert deletions.is_pending(marked[0].key)
    assert deletions.mark_chunks(gone, "age", NOW) == []  # deciding twice is deciding once
    deletions.done(marked)
    assert deletions.pending() == 0
    assert not deletions.is_pending(marked[0].key)


def test_what_the_store_refuses_is_tried_later_and_its_key_stays_known(db: Database) -> None:
    deletions = Deletions(db)
    (one,) = deletions.mark_chunks([store(db, "gate", NOW - 80 * HOUR)], "age", NOW)
    deletions.refused([replace(one, tries=1, trouble="permission denied", next_us=NOW + MINUTE)])
    assert deletions.due(NOW, 10) == []
    (again,) = deletions.due(NOW + MINUTE, 10)
    assert (again.key, again.tries, again.trouble) == (one.key, 1, "permission denied")


@pytest.mark.parametrize(
    "held",
    [
        hold(camera="gate", start_us=NOW - 80 * HOUR + MINUTE, end_us=NOW - 80 * HOUR + 2 * MINUTE),
        hold(camera=None),
        hold(camera="gate", start_us=0, until_us=NOW + 1),
    ],
    ids=["a minute of it", "everything", "until in a moment"],
)
def test_what_is_held_is_neither_found_nor_marked(db: Database, held: Hold) -> None:
    chunk = store(db, "gate", NOW - 80 * HOUR)
    HoldRepository(db).place(held)
    reader = RetentionReader(db)
    assert reader.chunks_before("gate", NOW, NOW, 10) == []
    assert reader.oldest_chunks(NOW, NOW, 10, without_events=False) == []
    assert Deletions(db).mark_chunks([chunk], "emergency", NOW) == []
    assert FootageReader(db).chunk(chunk).state == "stored"
    HoldRepository(db).release(held.id, NOW, "someone")
    assert len(Deletions(db).mark_chunks([chunk], "age", NOW)) == 1


@pytest.mark.parametrize(
    "beside",
    [
        hold(camera="yard"),
        hold(camera="gate", start_us=NOW - 80 * HOUR + LENGTH, end_us=NOW),
        hold(camera="gate", start_us=0, end_us=NOW - 80 * HOUR),
        hold(camera="gate", until_us=NOW),
        hold(camera=None, released_us=NOW - 1),
    ],
    ids=["of another camera", "begins where it ends", "ends where it begins", "has run out", "was released"],
)
def test_what_is_beside_a_hold_may_go(db: Database, beside: Hold) -> None:
    chunk = store(db, "gate", NOW - 80 * HOUR)
    HoldRepository(db).place(beside)
    assert len(Deletions(db).mark_chunks([chunk], "age", NOW)) == 1


def test_a_held_clip_stays_and_one_in_a_held_range_too(db: Database) -> None:
    one, other, free = clip(db, NOW - 50 * HOUR), clip(db, NOW - 40 * HOUR), clip(db, NOW - 30 * HOUR)
    holds = HoldRepository(db)
    holds.place(hold(clip=one))
    holds.place(hold(camera="gate", start_us=NOW - 40 * HOUR + 14 * SECOND, end_us=NOW - 39 * HOUR))
    assert [k.id for k in RetentionReader(db).oldest_clips(NOW, NOW, 10)] == [free]
    assert [d.subject for d in Deletions(db).mark_clips([one, other, free], "age", NOW)] == [free]
    with pytest.raises(NotFound):
        holds.place(hold(clip=new_id()))
    with pytest.raises(InvalidInput):
        holds.place(hold(start_us=5, end_us=5))


def test_clips_are_archived_then_purged_and_their_rows_stay_with_their_keys(db: Database) -> None:
    """S2-30, S2-31: two steps, each of which may be done again."""
    clips, reader, deletions = ClipRepository(db), RetentionReader(db), Deletions(db)
    one = clip(db, NOW - 31 * 24 * HOUR, folder="videos")
    before = NOW - 30 * 24 * HOUR
    assert reader.archive_clips("gate", before, NOW) == 1
    assert reader.archive_clips("gate", before, NOW) == 0
    assert clips.get(one).state == "archived"
    assert [k.id for k in reader.clips_before("archived", "gate", before, NOW, 10)] == [one]
    (marked,) = deletions.mark_clips([one], "age", NOW)
    assert deletions.mark_clips([one], "age", NOW) == []
    assert clips.get(one).state == "archived"  # as long as its file is there
    deletions.done([marked])
    assert (clips.get(one).state, clips.get(one).key) == ("purged", f"videos/{one}.mp4")
    assert reader.clips_before("archived", "gate", before, NOW, 10) == []
    assert deletions.mark_clips([one], "age", NOW) == []


def test_under_pressure_what_shows_no_event_goes_first(db: Database) -> None:
    shows, plain, newer = (store(db, "gate", NOW - k * HOUR) for k in (50, 40, 30))
    clip(db, NOW - 50 * HOUR + MINUTE)
    reader = RetentionReader(db)
    assert [k.id for k in reader.oldest_chunks(NOW, NOW, 10, without_events=True)] == [plain, newer]
    assert [k.id for k in reader.oldest_chunks(NOW, NOW, 10, without_events=False)] == [shows, plain, newer]
    assert [k.id for k in reader.oldest_chunks(NOW - 35 * HOUR, NOW, 1, without_events=False)] == [shows]


def test_footage_that_a_clip_waits_for_is_not_old_yet(db: Database) -> None:
    chunk = store(db, "gate", NOW - 80 * HOUR)
    ClipRepository(db).plan("gate", new_id(), NOW - 80 * HOUR, 5 * SECOND, 15 * SECOND, 300 * SECOND, NOW)
    assert RetentionReader(db).chunks_before("gate", NOW, NOW, 10) == []
    assert [k.id for k in RetentionReader(db).oldest_chunks(NOW, NOW, 10, without_events=False)] == [chunk]


def test_days_are_summed_up_and_follow_every_change(db: Database) -> None:
    day = NOW - NOW % (24 * HOUR)
    days = ChunkDays(db)
    first = [store(db, "gate", day + k * HOUR, 100 + k) for k in range(3)]
    store(db, "gate", day + 25 * HOUR, 7)
    store(db, "yard", day, 11)
    assert [(d.camera, d.start_us, d.chunks, d.bytes) for d in days.all()] == [
        ("gate", day, 3, 303),
        ("gate", day + 24 * HOUR, 1, 7),
        ("yard", day, 1, 11),
    ]
    marked = Deletions(db).mark_chunks(first[:2], "age", NOW)
    assert [d.bytes for d in days.all() if d.camera == "gate"] == [102, 7]
    Deletions(db).done(marked)
    FootageWriter(db).forget_chunk(first[2])
    assert [(d.start_us, d.bytes) for d in days.all() if d.camera == "gate"] == [(day + 24 * HOUR, 7)]


def test_a_day_is_right_when_an_origin_moves_a_chunk_over_midnight(db: Database) -> None:
    day, writer, run = NOW - NOW % (24 * HOUR), FootageWriter(db), new_id()
    writer.start_run(
        RunStarted(
            camera="gate",
            time_us=0,
            run=run,
            origin_us=day + SECOND,
            start_us=day + SECOND,
            init=b"AAAA",
            width=1,
            height=1,
            fps=1.0,
            video_codec="avc1",
            audio_codec=None,
            interruptions=[],
        )
    )
    store(db, "gate", day + SECOND, 5, run, day + SECOND)
    assert [d.start_us for d in ChunkDays(db).all()] == [day]
    writer.refine_origin(run, day - SECOND)
    assert [(d.start_us, d.chunks) for d in ChunkDays(db).all()] == [(day - 24 * HOUR, 1)]


def test_held_bytes_are_those_of_chunks_and_clips_that_share_an_instant(db: Database) -> None:
    day = NOW - NOW % (24 * HOUR)
    CameraRepository(db).add(Camera("gate", "synthetic:"))
    for k in range(6 * 24 * 3):
        store(db, "gate", day + k * LENGTH, 10)
    store(db, "yard", day, 1_000_000)
    clip(db, day + 30 * HOUR)
    ChunkDays(db).all()
    holds = HoldRepository(db)
    assert holds.held_bytes(NOW) == 0
    placed = hold(camera="gate", start_us=day + 5 * MINUTE, end_us=day + 48 * HOUR + 11 * MINUTE)
    holds.place(placed)
    holds.place(hold(camera="gate", start_us=day, end_us=day + HOUR))  # a range that is held twice counts once
    assert holds.held_bytes(NOW) == (6 * 24 * 2 + 2) * 10 + 500
    before = {"gate": day + 24 * HOUR, "yard": day + 24 * HOUR}
    assert holds.held_recordings(NOW, before).objects == 6 * 24
    holds.release(placed.id, NOW, "")
    assert holds.held_bytes(NOW) == 60


def test_the_rate_is_that_of_the_last_chunks(db: Database) -> None:
    for k in range(9):
        store(db, "gate", NOW + k * LENGTH, 600_000 if k > 2 else 1)
    assert RetentionReader(db).rates(["gate", "none"]) == {"gate": pytest.approx(1000.0), "none": 0.0}


def test_an_open_chunk_is_no_candidate(db: Database) -> None:
    gop = GopWritten(
        camera="gate",
        time_us=NOW,
        run=RUN,
        chunk=new_id(),
        key="spool/gate/x/1.mp4",
        start_us=NOW - 80 * HOUR,
        end_us=NOW - 80 * HOUR + SECOND,
        origin_us=0,
        offset=0,
        length=10,
        frames=1,
        keyframe_length=5,
    )
    FootageWriter(db).extend_chunk(gop)
    assert RetentionReader(db).oldest_chunks(NOW, NOW, 10, without_events=False) == []


def discarded(chunk: str, start_us: int, camera: str = "gate") -> ChunkDiscarded:
    who = {"camera": camera, "time_us": start_us, "run": RUN, "chunk": chunk, "key": f"spool/{camera}/{chunk}.mp4"}
    return ChunkDiscarded(**who, start_us=start_us, end_us=start_us + LENGTH)


@pytest.mark.parametrize("known", [True, False], ids=["with a row", "without"])
def test_what_is_held_is_not_let_go_of_either(db: Database, known: bool) -> None:
    """S2-31: the last gate before a chunk goes that nobody has stored."""
    writer, gone = FootageWriter(db), discarded("held", NOW)
    if known:
        who = {"camera": "gate", "time_us": NOW, "run": RUN, "chunk": "held", "key": gone.key}
        writer.close_chunk(ChunkClosed(**who, start_us=NOW, end_us=NOW + LENGTH, origin_us=NOW, bytes=1000))
    holds, placed = HoldRepository(db), hold(camera="gate", start_us=NOW + LENGTH - SECOND, until_us=NOW + HOUR)
    holds.place(placed)
    assert not writer.discard_chunk(gone, "only clips", NOW)
    assert FootageReader(db).gaps("gate", NOW, NOW + LENGTH) == []
    assert writer.discard_chunk(discarded("other", NOW, "yard"), "only clips", NOW)
    assert writer.discard_chunk(discarded("before", NOW - LENGTH - SECOND), "only clips", NOW)
    holds.release(placed.id, NOW + SECOND, "")
    assert writer.discard_chunk(gone, "only clips", NOW + SECOND)
    assert FootageReader(db).gaps("gate", NOW, NOW + LENGTH) != []


def test_a_chunk_that_is_to_be_deleted_does_not_come_back_when_it_is_told_again(db: Database) -> None:
    """S2-30: messages come twice and late; a row without a file would be footage that does not play."""
    chunk = store(db, "gate", NOW - 80 * HOUR)
    [marked] = Deletions(db).mark_chunks([chunk], "age", NOW)
    writer = FootageWriter(db)
    who = {"camera": "gate", "time_us": NOW, "run": RUN, "chunk": chunk, "key": marked.key}
    writer.open_chunk(ChunkOpened(**who, start_us=NOW - 80 * HOUR, origin_us=0))
    span = {"start_us": marked.start_us, "end_us": marked.end_us}
    again = ChunkStored(**who, spool_key="", **span, origin_us=0, bytes=1000)
    assert not writer.store_chunk(again, b"index")
    with pytest.raises(NotFound):
        FootageReader(db).chunk(chunk)
    other = again.model_copy(update={"chunk": new_id()})
    assert writer.store_chunk(other, b"index")  # that had the same name before is no reason
    assert FootageReader(db).chunk(other.chunk).state == "stored"


def test_a_hold_waits_for_what_is_being_decided_and_what_is_decided_sees_the_hold(db: Database) -> None:
    """Two that come at the same moment: either the hold is first and nothing goes, or it is told what was decided."""
    chunks = [store(db, "gate", NOW - 80 * HOUR + k * LENGTH) for k in range(40)]
    decided, told = list[int](), list[int]()

    def decide() -> None:
        for at in range(0, 40, 4):
            decided.append(len(Deletions(db).mark_chunks(chunks[at : at + 4], "age", NOW)))

    def place() -> None:
        told.append(HoldRepository(db).place(hold(camera="gate")))

    threads = [threading.Thread(target=decide), threading.Thread(target=place)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told == [sum(decided)]
    assert len(Deletions(db).due(NOW, 100)) == 0  # nothing of it may be deleted any more
    assert len(Deletions(db).give_back(NOW, 100)) == sum(decided)


def test_a_key_that_waits_to_be_deleted_is_not_decided_on_again(db: Database) -> None:
    first = store(db, "gate", NOW - 80 * HOUR)
    (one,) = Deletions(db).mark_chunks([first], "age", NOW)
    again = store(db, "gate", NOW - 79 * HOUR, key=one.key)
    other = store(db, "gate", NOW - 78 * HOUR)
    assert [d.subject for d in Deletions(db).mark_chunks([again, other], "age", NOW)] == [other]
    Deletions(db).done([one])
    assert [d.subject for d in Deletions(db).mark_chunks([again], "age", NOW)] == [again]


def test_a_chunk_is_not_let_go_of_while_a_hold_is_being_placed(db: Database) -> None:
    """S2-31: the hold is in the database, and not yet committed, when the chunk is to be forgotten."""
    answers: list[bool] = []

    def let_go() -> None:
        answers.append(FootageWriter(db).discard_chunk(discarded("chunk", NOW), "only clips", NOW))

    thread = threading.Thread(target=let_go)
    with db.begin() as placing:
        lock_retention(placing)
        placing.execute(insert(HoldRow).values(asdict(hold(camera="gate"))))
        thread.start()
        thread.join(1.0)
        assert answers == []
    thread.join(30)
    assert answers == [False]
    assert FootageReader(db).gaps("gate", NOW, NOW + LENGTH) == []
