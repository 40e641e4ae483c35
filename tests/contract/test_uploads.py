"""Uploads in pieces, on every database (S4-4, S4-5, S4-6, S4-11)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from gatehouse_common.db import (
    AddedBlob,
    Database,
    NewBlob,
    OffsetMismatch,
    Piece,
    Totals,
    Upload,
    Uploads,
    UploadUpkeep,
)
from gatehouse_common.db.blob_rows import Span
from gatehouse_common.errors import Conflict, NotFound, TooLarge
from gatehouse_common.ids import new_id
from media_rows import add_file, put

NOW = 1_715_941_380_000_000


def upload(**told: object) -> Upload:
    made = Upload(
        id=new_id(),
        owner=7,
        owner_name="ann",
        door="tus",
        role="whole",
        state="receiving",
        name="film.webm",
        name_digest="d" * 64,
        open_name=None,
        claimed_type="video/webm",
        length=10,
        received=0,
        digest="",
        facts={"session": "none"},
        last_position=None,
        media=None,
        detail="",
        created_us=NOW,
        changed_us=NOW,
        expires_us=NOW + 100,
    )
    return replace(made, **told)  # type: ignore[arg-type]


def piece(of: Upload, position: int, size: int, digest: str = "ab") -> Piece:
    return Piece(of.id, position, size, digest * 32, f"incoming/{of.id}/{position}-{new_id()}")


def folder(number: int) -> str:
    return f"uploads/ann.7/{number}/"


def add_blob(uploads: Uploads, one: Piece, now_us: int, until_us: int, *, is_last: bool) -> AddedBlob | Piece:
    [told] = uploads.add_blobs([NewBlob(one, now_us, until_us, is_last)])
    if isinstance(told, Conflict):
        raise told
    return told


def test_pieces_are_added_where_an_upload_ends_and_nowhere_else(db: Database) -> None:
    """S4-5: what is committed is one row of bytes without a hole; whoever comes second is told the right offset."""
    uploads, one = Uploads(db), upload()
    uploads.begin(one)
    grown = uploads.append(one.id, [piece(one, 0, 4), piece(one, 4, 2)], NOW + 1, NOW + 200)
    assert (grown.received, grown.changed_us, grown.expires_us) == (6, NOW + 1, NOW + 200)
    for at in (0, 4, 7):
        with pytest.raises(OffsetMismatch) as told:
            uploads.append(one.id, [piece(one, at, 1)], NOW, NOW)
        assert told.value.offset == 6
    assert [(p.position, p.bytes) for p in uploads.pieces(one.id)] == [(0, 4), (4, 2)]
    assert uploads.get(one.id, 7) == grown
    with pytest.raises(NotFound):
        uploads.get(one.id, 8)
    uploads.end(one.id, "cancelled", "", NOW)
    with pytest.raises(Conflict, match="not received any more"):
        uploads.append(one.id, [piece(one, 6, 1)], NOW, NOW)


def test_of_many_that_append_at_the_same_place_one_does(db: Database) -> None:
    """S4-5: the row is the lock: no process has to know of another."""
    uploads, one, told = Uploads(db), upload(), list[str]()
    uploads.begin(one)

    def append() -> None:
        try:
            uploads.append(one.id, [piece(one, 0, 3)], NOW, NOW)
            told.append("added")
        except OffsetMismatch as error:
            told.append(str(error.offset))

    _at_once([append] * 8)
    assert sorted(told) == [*["3"] * 7, "added"]
    assert len(uploads.pieces(one.id)) == 1


def test_blobs_come_in_any_order_and_once(db: Database) -> None:
    """S4-5, S4-6: of blobs that come at once and twice each is kept once, and what they sum up to is right."""
    uploads = Uploads(db)
    one = upload(door="blob", length=None, open_name="7.name")
    uploads.begin(one)
    with pytest.raises(Conflict):
        uploads.begin(upload(door="blob", length=None, open_name="7.name"))
    assert uploads.open_named("7.name") == one
    kept = list[AddedBlob | Piece]()

    def add(position: int) -> Callable[[], None]:
        def act() -> None:
            kept.append(add_blob(uploads, piece(one, position, 5), NOW, NOW + 300, is_last=position == 6))

        return act

    _at_once([add(position) for position in (6, 1, 3, 2, 4, 5, 3, 1)])
    assert [type(found) for found in kept].count(AddedBlob) == 6
    assert AddedBlob(is_whole=True) in kept
    assert uploads.span(one.id) == Span(6, 1, 6)
    found = uploads.open_named("7.name")
    assert found is not None
    assert (found.received, found.last_position) == (30, 6)
    there = add_blob(uploads, piece(one, 3, 5, "cd"), NOW, NOW, is_last=False)
    assert isinstance(there, Piece)
    assert there.digest == "ab" * 32
    with pytest.raises(Conflict, match="blob 6 was said to be the last"):
        add_blob(uploads, piece(one, 7, 5), NOW, NOW, is_last=True)
    assert uploads.span(one.id) == Span(6, 1, 6)


def test_no_blob_is_taken_beyond_the_last(db: Database) -> None:
    """S4-5: the last one ends the file: what would come after it is refused, whichever of both comes first."""
    uploads = Uploads(db)
    one, other = (upload(door="blob", length=None, open_name=f"7.{n}") for n in "ab")
    uploads.begin(one)
    uploads.begin(other)
    add_blob(uploads, piece(one, 2, 5), NOW, NOW, is_last=True)
    with pytest.raises(Conflict, match="blob 3 would be beyond it"):
        add_blob(uploads, piece(one, 3, 5), NOW, NOW, is_last=False)
    assert (uploads.get(one.id).received, uploads.span(one.id)) == (5, Span(1, 2, 2))
    add_blob(uploads, piece(other, 3, 5), NOW, NOW, is_last=False)
    with pytest.raises(Conflict, match="blob 3 is here"):
        add_blob(uploads, piece(other, 2, 5), NOW, NOW, is_last=True)
    with pytest.raises(Conflict, match="blob 3 is here"):
        uploads.say_last(other.id, 1)
    assert (uploads.get(other.id).last_position, uploads.span(other.id)) == (None, Span(1, 3, 3))


def test_of_blobs_that_come_at_once_each_is_told_what_became_of_it(db: Database) -> None:
    """S4-5, S4-6: one transaction for all of them; what is refused of one takes nothing from the others."""
    uploads = Uploads(db)
    one, other, gone = (upload(door="blob", length=None, open_name=f"7.{n}") for n in "abc")
    for begun in (one, other, gone):
        uploads.begin(begun)
    add_blob(uploads, piece(other, 4, 5), NOW, NOW, is_last=False)
    uploads.end(gone.id, "cancelled", "", NOW)
    sent = [
        NewBlob(piece(one, 2, 7), NOW + 2, NOW + 20, is_last=True),
        NewBlob(piece(other, 3, 5), NOW + 1, NOW + 10, is_last=True),  # 4 is here
        NewBlob(piece(one, 1, 5), NOW + 1, NOW + 10, is_last=False),
        NewBlob(piece(gone, 1, 5), NOW, NOW, is_last=False),
        NewBlob(piece(one, 1, 9, "cd"), NOW + 9, NOW + 90, is_last=False),  # again, with other content
        NewBlob(piece(one, 3, 5), NOW + 9, NOW + 90, is_last=False),  # beyond the last
        NewBlob(piece(other, 4, 9, "cd"), NOW + 9, NOW + 90, is_last=False),
    ]
    told = uploads.add_blobs(sent)
    assert [type(found).__name__ for found in told] == [
        *("AddedBlob", "Conflict", "AddedBlob", "Conflict", "Piece", "Conflict", "Piece")
    ]
    assert told[0] == told[2] == AddedBlob(is_whole=True)
    assert told[4] == sent[2].piece
    assert isinstance(told[6], Piece)
    assert told[6].digest == "ab" * 32
    grown, same = uploads.get(one.id), uploads.get(other.id)
    assert (grown.received, grown.last_position, grown.changed_us, grown.expires_us) == (12, 2, NOW + 2, NOW + 20)
    assert (same.received, same.last_position, same.changed_us) == (5, None, NOW)
    assert (uploads.span(one.id), uploads.span(other.id), uploads.span(gone.id)) == (
        Span(2, 1, 2),
        Span(1, 4, 4),
        Span(0, -1, -1),
    )


def test_an_upload_that_grew_since_it_was_read_is_not_completed(db: Database) -> None:
    """S4-5: the size of a medium is that of its pieces: of two blobs at once neither leaves the other out."""
    uploads, one = Uploads(db), upload(door="blob", open_name="7.n", length=None)
    uploads.begin(one)
    assert add_blob(uploads, piece(one, 1, 5), NOW, NOW, is_last=False) == AddedBlob(is_whole=False)
    before = uploads.get(one.id)
    assert add_blob(uploads, piece(one, 2, 3), NOW, NOW, is_last=True) == AddedBlob(is_whole=True)
    with pytest.raises(Conflict, match="more of it has come"):
        uploads.complete(before, "video/webm", NOW, folder, {})
    media, _ = uploads.complete(uploads.get(one.id), "video/webm", NOW, folder, {})
    assert media.bytes == 8


def test_what_is_whole_becomes_one_medium_with_one_job(db: Database) -> None:
    """S4-5: merged exactly once: of many that complete an upload one does."""
    uploads, one, told = Uploads(db), upload(door="blob", open_name="7.n", length=None), list[str]()
    uploads.begin(one)
    add_blob(uploads, piece(one, 1, 5), NOW, NOW, is_last=True)
    found = uploads.get(one.id)

    def complete() -> None:
        try:
            media, job = uploads.complete(found, "video/webm", NOW + 5, folder, {"blobs": "x"})
            told.append(f"{media.number} {media.folder} {media.bytes} {job.media} {job.user}")
        except Conflict:
            told.append("no")

    _at_once([complete] * 6)
    assert sorted(told) == ["1 uploads/ann.7/1/ 5 1 7", *["no"] * 5]
    done = uploads.last_named(7, one.name_digest)
    assert done is not None
    assert (done.state, done.media, done.open_name, dict(done.facts)) == ("complete", 1, None, {"blobs": "x"})
    assert uploads.medium(1).upload == one.id
    assert uploads.open_named("7.n") is None
    assert uploads.totals(7) == Totals(0, 5)


def test_what_was_made_of_media_counts_among_what_a_user_has(db: Database) -> None:
    """S4-8: the original once, whether in pieces or put together; of what is deleted or gone nothing."""
    uploads = Uploads(db)
    one, gone = put(db, 1, owner=7, bytes=50), put(db, 2, owner=7, bytes=70, state="deleted")
    assert uploads.totals(7) == Totals(0, 50)
    for media in (one, gone):
        add_file(db, media, "original", media.bytes)
        add_file(db, media, "compressed", 20)
    add_file(db, one, "audio", 9, variant="flac", state="gone")
    add_file(db, put(db, 3, owner=8, bytes=1), "original", 1)
    assert uploads.totals(7) == Totals(0, 70)


def test_parts_are_joined_once_by_pointing_to_their_pieces(db: Database) -> None:
    """S4-5: nothing is copied when parts are joined; the keys of pieces stay as they are."""
    uploads = Uploads(db)
    parts = [upload(role="partial", length=length) for length in (6, 3)]
    for part in parts:
        uploads.begin(part)
        uploads.append(part.id, [piece(part, 0, 2), piece(part, 2, 1)], NOW, NOW)
    with pytest.raises(Conflict, match="is not whole"):
        uploads.join(upload(role="final"), [part.id for part in parts])
    uploads.append(parts[0].id, [piece(parts[0], 3, 3)], NOW, NOW)
    expected = [p.key for part in parts for p in uploads.pieces(part.id)]
    for wrong in ([parts[0].id, parts[0].id], [parts[1].id, new_id()], [parts[1].id, _other(uploads).id]):
        with pytest.raises((Conflict, NotFound)):
            uploads.join(upload(role="final"), wrong)
    final = uploads.join(upload(role="final", length=None), [part.id for part in parts])
    assert (final.received, final.length) == (9, 9)
    assert [(p.position, p.key) for p in uploads.pieces(final.id)] == list(zip((0, 2, 3, 6, 8), expected, strict=True))
    assert uploads.get(parts[0].id).state == "complete"
    with pytest.raises(Conflict):
        uploads.join(upload(role="final"), [parts[0].id])


def test_a_length_is_said_once(db: Database) -> None:
    """S4-18: an upload whose length is not known yet gets it later, and keeps it."""
    uploads, one = Uploads(db), upload(length=None)
    uploads.begin(one)
    uploads.append(one.id, [piece(one, 0, 4)], NOW, NOW)
    with pytest.raises(Conflict):
        uploads.say_length(one.id, 3)
    for _ in range(2):
        uploads.say_length(one.id, 4)
    with pytest.raises(Conflict):
        uploads.say_length(one.id, 5)
    assert uploads.get(one.id).length == 4
    with pytest.raises(TooLarge, match="4 bytes"):  # of somebody who had read it before the length was said
        uploads.append(one.id, [piece(one, 4, 1)], NOW, NOW)
    with pytest.raises(OffsetMismatch):
        uploads.append(one.id, [piece(one, 3, 9)], NOW, NOW)
    assert uploads.get(one.id).received == 4


def test_upkeep_finds_what_nobody_goes_on_with(db: Database) -> None:
    """S4-7: what has expired, what lies idle, what is whole and was not completed, and pieces without an upload."""
    uploads, upkeep = Uploads(db), UploadUpkeep(db)
    old, idle, whole = upload(expires_us=NOW - 1), upload(door="blob", length=None), upload(length=4)
    for one in (old, idle, whole):
        uploads.begin(one)
    uploads.append(whole.id, [piece(whole, 0, 4)], NOW, NOW + 500)
    assert [one.id for one in upkeep.expired(NOW, 10)] == [old.id]
    assert [one.id for one in upkeep.idle_blobs(NOW, "", 10)] == [idle.id]
    assert upkeep.idle_blobs(NOW - 1, "", 10) == []
    assert [one.id for one in upkeep.whole(NOW, "", 10)] == [whole.id]
    assert upkeep.whole(NOW, whole.id, 10) == []
    assert not uploads.end(idle.id, "expired", "", NOW, NOW)  # somebody has just gone on with it
    assert upkeep.active() == 3
    assert {one.id for one in uploads.unfinished(7)} == {old.id, idle.id, whole.id}
    [key] = [p.key for p in uploads.pieces(whole.id)]
    assert upkeep.known([key, "incoming/x/0-1"]) == {key}
    assert uploads.end(whole.id, "failed", "no film", NOW)
    assert not uploads.end(whole.id, "failed", "no film", NOW)
    assert [p.key for p in upkeep.ended_with_pieces(10)] == [key]
    uploads.forget_pieces([key])
    assert upkeep.ended_with_pieces(10) == []


def _other(uploads: Uploads) -> Upload:
    """An upload of somebody else, whole, and a part."""
    made = upload(owner=8, role="partial", length=1)
    uploads.begin(made)
    uploads.append(made.id, [piece(made, 0, 1)], NOW, NOW)
    return made


def _at_once(acts: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
