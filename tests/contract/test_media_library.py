"""Media as people see them, on every database: found, named, put into the trash, taken out, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    Database,
    Deletions,
    JobRepository,
    JobsSeen,
    MediaJobs,
    MediaLibrary,
    MediaQuery,
    MediaTrash,
)
from gatehouse_common.db.media_models import MediaRow
from gatehouse_common.db.media_records import AUDIO, PROCESS
from gatehouse_common.db.upload_models import UploadPieceRow
from gatehouse_common.errors import ChangedSince, Conflict, NotFound
from media_rows import T, add_file, put

ADA, BOB = 1, 2


def test_media_are_found_page_by_page_and_each_owner_finds_none_of_others(db: Database) -> None:
    """S4-11: one user cannot read another's, however it is asked; pages neither repeat nor leave out."""
    for number in range(1, 8):
        put(db, number, owner=BOB if number == 4 else ADA, created_us=T + number // 3)
    library = MediaLibrary(db, ADA)
    found: list[int] = []
    before = None
    while page := library.find(MediaQuery(), 2, before):
        found += [one.number for one in page]
        before = page[-1].created_us, page[-1].id
    assert found == [7, 6, 5, 3, 2, 1]
    assert library.find(MediaQuery(owner=BOB), 9) == []
    with pytest.raises(NotFound):
        library.get(4)
    with pytest.raises(NotFound):
        library.rename(4, "mine")
    with pytest.raises(NotFound):
        library.trash(4, T)
    assert [one.number for one in MediaLibrary(db).find(MediaQuery(owner=BOB), 9)] == [4]
    totals = library.totals(MediaQuery())
    assert (totals.count, totals.bytes, totals.lasted_us) == (6, 2400, 24 * SECOND)


def test_media_are_found_by_kind_state_time_and_part_of_the_name(db: Database) -> None:
    put(db, 1, name="Hof 50%.webm")
    put(db, 2, name="hof 500.webm", kind="recording")
    put(db, 3, state="failed")
    library = MediaLibrary(db)

    def numbers(**query: Any) -> list[int]:
        return [one.number for one in library.find(MediaQuery(**query), 9)]

    assert numbers(text="HOF") == [2, 1]
    assert numbers(text="50%") == [1], "what is typed is no pattern"
    assert numbers(kinds=frozenset({"recording"})) == [2]
    assert numbers(states=frozenset({"failed"})) == [3]
    assert numbers(start_us=T + 2, end_us=T + 3) == [2]


def test_a_name_is_changed_only_as_it_was_seen(db: Database) -> None:
    library = MediaLibrary(db)
    media = put(db, 1)
    named = library.rename(1, "Hof", [media.tag])
    assert (named.name, named.version) == ("Hof", 2)
    with pytest.raises(ChangedSince):
        library.rename(1, "Garten", [media.tag])
    assert library.get(media.id).name == "Hof"


def test_trash_calls_jobs_off_and_restoring_begins_anew_what_was_not_done(db: Database) -> None:
    """Deleting is with an undo; a job of what is in the trash is not done to its end."""
    library, jobs = MediaLibrary(db), MediaJobs(db)
    ready, media = put(db, 2), put(db, 1)
    asked = jobs.ask(media, AUDIO, {"codec": "mp3"}, T, BOB, "bob")
    assert jobs.ask(media, AUDIO, {"codec": "mp3"}, T + 1, BOB, "bob").id == asked.id, "it waits already"
    with db.begin() as c:
        c.execute(update(MediaRow).where(MediaRow.number == 1).values(state="processing"))
    library.trash(1, T + HOUR)
    assert JobRepository(db).get(asked.id).state == "cancelled"
    assert [one.number for one in library.find(MediaQuery(), 9)] == [2]
    assert [one.number for one in library.find(MediaQuery(trashed=True), 9)] == [1]
    with pytest.raises(NotFound):
        library.get(1)
    assert library.restore(1, T + 2 * HOUR, "ada").state == "queued"
    newest = jobs.newest([1])[1]
    assert [(job.kind, job.state, job.user) for job in newest] == [
        (PROCESS, "queued", ADA),
        (AUDIO, "cancelled", BOB),
    ]
    library.trash(ready.number, T)
    assert library.restore(ready.number, T, "ada").state == "ready"
    assert 2 not in jobs.newest([2]), "nothing is to be done with what was ready"


def test_what_failed_is_tried_again_and_what_is_called_off_has_failed(db: Database) -> None:
    """S4-18: every failure leaves a state that can be gone on from."""
    jobs, library = MediaJobs(db), MediaLibrary(db)
    media = put(db, 1, state="failed", detail="no room", stage="remux")
    job = jobs.retry(media, T, "ada")
    with pytest.raises(Conflict):
        jobs.retry(media, T, "ada")
    assert (library.get(1).state, library.get(1).detail) == ("queued", "")
    assert jobs.cancel(job.id, T + 1).state == "cancelled"
    assert library.get(1).state == "failed"
    with pytest.raises(Conflict):
        jobs.cancel(job.id, T + 2)


def test_jobs_are_there_for_whose_they_are(db: Database) -> None:
    """S4-11: nobody learns of others' media by their jobs."""
    media = put(db, 1)
    mine = MediaJobs(db).ask(media, AUDIO, {"codec": "mp3"}, T, ADA, "ada")
    others = MediaJobs(db).ask(media, AUDIO, {"codec": "flac"}, T, BOB, "bob")
    check = JobRepository(db).ask("consistency-check", {}, T)

    def seen(whose: JobsSeen | None) -> set[str]:
        return {job.id for job in JobRepository(db, whose=whose).list(9)}

    assert seen(JobsSeen(house=False, user=ADA)) == {mine.id}
    assert seen(JobsSeen(house=False)) == {mine.id, others.id}
    assert seen(JobsSeen(house=True, user=ADA)) == {mine.id, check.id}
    assert seen(JobsSeen()) == {mine.id, others.id, check.id}
    assert {job.id for job in JobRepository(db, whose=JobsSeen(house=False, user=BOB)).changed_since(T - 1, 9)} == {
        others.id
    }


def test_what_was_in_the_trash_for_long_enough_goes_with_all_it_has(db: Database) -> None:
    """Every object of a medium is decided on: its files, and pieces that were never put together."""
    media, upload = put(db, 1, upload="u"), "u"
    files = [add_file(db, media, kind) for kind in ("original", "thumbnail")]
    with db.begin() as c:
        piece = {"upload": upload, "position": 0, "bytes": 5, "digest": "", "key": "incoming/u/0-a"}
        c.execute(insert(UploadPieceRow).values(piece))
    trash = MediaTrash(db)
    assert trash.mark([media.id], "asked", T) == [], "it is in no trash"
    MediaLibrary(db).trash(1, T + HOUR)
    put(db, 2, upload=None)
    assert trash.since(T, T, 9) == []
    assert trash.count(T, T) == 0
    assert trash.count(T + HOUR, T) == 1, "and not what is in no trash"
    assert [kept.id for kept in trash.since(T + HOUR, T, 9)] == [media.id]
    marked = trash.mark([media.id], "asked", T + HOUR)
    assert {d.key for d in marked} == {files[0].key, files[1].key, "incoming/u/0-a"}
    assert {d.id for d in Deletions(db).due(T + HOUR, 9)} == {d.id for d in marked}
    assert trash.bytes() == 0
    assert trash.count(T + HOUR, T) == 0
    with db.read() as c:
        assert c.execute(select(UploadPieceRow.key)).all() == []
    with pytest.raises(NotFound):
        MediaLibrary(db).restore(1, T + HOUR, "ada")
