"""Holds of media on every database: what is on hold is neither put into the trash nor deleted, by nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    OF_NO_CAMERA,
    Database,
    Deletions,
    Hold,
    HoldRepository,
    Media,
    MediaLibrary,
    MediaTrash,
    RecorderSessions,
    RetentionReader,
    SessionTrash,
    Users,
)
from gatehouse_common.db.sessions import planned_file
from gatehouse_common.db.visible import Visible
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from gatehouse_common.testing.chunk_rows import seed_chunks
from media_rows import ADA, T, add_file, put
from session_rows import add_files

BOB = 2
LATE = T + 400 * 24 * HOUR


def hold(media: str, *, until_us: int | None = None, at_us: int = T) -> Hold:
    return Hold(new_id(), None, None, at_us, at_us + 1, "a case", "", until_us, at_us, "ada", media=media)


def film(db: Database, number: int, **more: object) -> Media:
    media = put(db, number, **more)
    add_file(db, media, "original", 100)
    return media


def test_a_held_medium_is_not_put_into_the_trash_until_it_is_released(db: Database) -> None:
    """C-18: nobody deletes what is on hold, whose it is neither; others go as before."""
    one, other = film(db, 1), film(db, 2)
    holds, library = HoldRepository(db), MediaLibrary(db, ADA)
    placed = hold(one.id)
    assert holds.place(placed) == 0
    with pytest.raises(Conflict, match="on hold"):
        library.trash(1, T)
    assert library.get(1).state == "ready"
    library.trash(2, T)
    assert MediaTrash(db).mark([one.id, other.id], "asked", T)[0].subject == other.id
    assert holds.held_bytes(T) == 100
    holds.release(placed.id, T, "ada")
    library.trash(1, T)
    assert [d.subject for d in MediaTrash(db).mark([one.id], "asked", T)] == [one.id]


def test_what_is_in_the_trash_stays_while_it_is_held(db: Database) -> None:
    """It is found again when the hold has run out."""
    one = film(db, 1)
    MediaLibrary(db).trash(1, T)
    HoldRepository(db).place(hold(one.id, until_us=T + HOUR))
    trash = MediaTrash(db)
    assert trash.since(T, T, 9) == []
    assert trash.count(T, T) == 0
    assert trash.mark([one.id], "asked", T) == []
    assert [kept.id for kept in trash.since(T, T + HOUR, 9)] == [one.id]
    assert len(trash.mark([one.id], "asked", T + HOUR)) == 1


def test_the_hold_of_a_medium_holds_no_footage_and_one_of_footage_no_medium(db: Database) -> None:
    one = film(db, 1)
    seed_chunks(db, ["gate"], 1, start_us=T)
    holds = HoldRepository(db)
    holds.place(hold(one.id))
    assert holds.held_recordings(T).objects == 0
    assert RetentionReader(db).chunks_before("gate", T + HOUR, T, 9) != []
    two = film(db, 2)
    holds.place(Hold(new_id(), None, None, T - HOUR, T + HOUR, "all cameras", "", None, T))
    MediaLibrary(db).trash(two.number, T)


def test_what_is_deleted_or_unknown_cannot_be_held(db: Database) -> None:
    gone = film(db, 1, state="deleted")
    with pytest.raises(Conflict, match="has been deleted"):
        HoldRepository(db).place(hold(gone.id))
    with pytest.raises(NotFound):
        HoldRepository(db).place(hold(new_id()))


def test_nobody_sees_holds_of_media_of_others(db: Database) -> None:
    """S4-11: neither in the list, nor by its id, nor in what is held."""
    one, other = film(db, 1), film(db, 2, owner=BOB)
    mine, theirs = hold(one.id), hold(other.id)
    for placed in (mine, theirs):
        HoldRepository(db).place(placed)
    for visible in (None, Visible(frozenset({"gate"}))):
        holds = HoldRepository(db, visible, MediaLibrary(db, ADA).ids())
        assert [found.id for found in holds.list(T)] == [mine.id]
        assert holds.held_bytes(T) == 100
        with pytest.raises(NotFound):
            holds.get(theirs.id)
        with pytest.raises(NotFound):
            holds.release(theirs.id, T, "ada")
    assert len(HoldRepository(db).list(T)) == 2


def test_nobody_sees_holds_of_exports_that_are_not_there_for_them(db: Database) -> None:
    """S3-9: who sees some cameras, and everybody's uploads, has no export of others, which shows cameras."""
    upload, export = film(db, 1), film(db, 2, owner=BOB, kind="export")
    of_upload, of_export = hold(upload.id), hold(export.id)
    for placed in (of_upload, of_export):
        HoldRepository(db).place(placed)
    lost = Hold(new_id(), OF_NO_CAMERA, None, T, T + 1, "of a browser", "", None, T)
    HoldRepository(db).place(lost)
    ids = MediaLibrary(db, None, frozenset({ADA})).ids()
    assert ids is not None
    for visible in (None, Visible(frozenset({"gate"}))):
        holds = HoldRepository(db, visible, ids)
        assert [found.id for found in holds.list(T)] == [of_upload.id]
        assert holds.held_bytes(T) == 100
        for other in (of_export, lost):
            with pytest.raises(NotFound):
                holds.release(other.id, T, "ada")
    assert len(HoldRepository(db).list(T)) == 3


def test_files_that_a_browsers_recording_was_cut_into_are_held_by_it(db: Database) -> None:
    """S0-29: the medium is gone by then, and its files are all that there is."""
    ann = Users(db).add("Ann", Role.OPERATOR, T)
    sessions = RecorderSessions(db)
    session = sessions.begin(ann.number, "Ann", OF_NO_CAMERA, Interval(T, T + 60 * SECOND), 30)
    bob = Users(db).add("Bob", Role.OPERATOR, T)
    other = sessions.begin(bob.number, "Bob", "gate", Interval(T, T + 60 * SECOND), 60)
    cut = [planned_file(session, 100 + n, n, Interval(T + n, T + n + 1)) for n in (1, 2)]
    add_files(db, [replace(one, state="stored", key=f"sessions/x/{one.number}.mp4", bytes=10) for one in cut])
    (of_camera,) = (one for one in sessions.planned(lambda _: True) if one.session == other.number)
    sessions.made(replace(of_camera, state="stored", key="sessions/x/gate.mp4", bytes=10, stored_us=T))
    medium = film(db, 1, owner=ann.number, kind="recording", session=session.number, state="deleted")
    assert MediaLibrary(db, ann.number).of_session(session.number) == medium.id
    with pytest.raises(NotFound):
        MediaLibrary(db, bob.number).of_session(session.number)

    trash, deletions = SessionTrash(db), Deletions(db)
    trash.put(101, T)
    assert len(deletions.mark_session_files([cut[0].id], "asked", T)) == 1
    HoldRepository(db).place(hold(medium.id))
    assert [d.subject for d in deletions.give_back(T, 10)] == [cut[0].id], "decided on before, and still there"
    for number in (101, 102):
        with pytest.raises(Conflict, match="on hold"):
            trash.put(number, T)
    for chunk in cut:
        assert deletions.mark_session_files([chunk.id], "age", LATE) == []
    trash.put(of_camera.number, T)
    files = [*(one.id for one in cut), of_camera.id]
    assert [d.subject for d in deletions.mark_session_files(files, "age", LATE)] == [of_camera.id]
