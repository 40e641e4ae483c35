"""Media as they are described, and taken back in, on every database (R5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatehouse_common.accounts import Role
from gatehouse_common.db import Database, Media, MediaDescriptions, MediaFile, MediaJobs, MediaLibrary, Users, Whose
from gatehouse_common.db.media_intake import next_number
from gatehouse_common.errors import Conflict
from gatehouse_common.intake import describe, read_description
from gatehouse_common.storage import keys
from media_rows import T, add_file, medium, put

ABOUT = keys.media_description("uploads/ada.1/3/")


def test_what_is_described_is_what_was_read(db: Database) -> None:
    ada = Users(db).add("Ada", Role.OPERATOR, T)
    film = put(db, 3, owner=ada.number, name="Hof – Nacht \U0001f319.webm", lasted_us=None, fps=29.97, session=5)
    for kind, facts in (("original", {}), ("thumbnail", {"width": 640}), ("sprite", {"columns": [1, 2.5, None]})):
        add_file(db, film, kind, 7, facts=facts)
    add_file(db, film, "audio", 7, variant="mp3-q2", key=f"{film.folder}audio-mp3-q2.mp3")
    add_file(db, film, "preview", 7, state="gone")
    known = MediaDescriptions(db).read(3)
    assert known.owner == Whose(ada.number, ada.id, "Ada", ada.created_us)
    assert [(file.kind, file.variant) for file in known.files] == [
        ("audio", "mp3-q2"),
        ("original", ""),
        ("sprite", ""),
        ("thumbnail", ""),
    ]
    text = describe(known)
    assert text is not None
    assert read_description(ABOUT, text) == known
    Users(db).remove(Users(db).add("Eve", Role.VIEWER, T).id)
    Users(db).change(ada.id, name="Ada L.")
    assert MediaDescriptions(db).read(3).owner.name == "Ada L."
    assert describe(MediaDescriptions(db).read(3)) != text, "as she is called now"


def test_of_what_is_being_made_only_that_is_described(db: Database) -> None:
    """Else it would be another text with each stage."""
    film = put(db, 3, state="queued")
    assert describe(MediaDescriptions(db).read(3)) is None, "it has no file yet"
    add_file(db, film, "original")
    texts = {
        describe(replace(MediaDescriptions(db).read(3), media=replace(film, state=state, stage=stage, upload=upload)))
        for state, stage, upload in (("queued", "", "u"), ("processing", "compressing", "u"), ("processing", "", None))
    }
    assert len(texts) == 1
    assert read_description(ABOUT, texts.pop() or b"").media.state == "processing"
    deleted = replace(MediaDescriptions(db).read(3), media=replace(film, state="deleted"))
    assert describe(deleted) is None


def test_what_would_be_too_long_leaves_out_what_files_are_made_of(db: Database) -> None:
    film = put(db, 3)
    add_file(db, film, "original", facts={"films": [{"gaps": ["2024"] * 100_000}]})
    text = describe(MediaDescriptions(db).read(3))
    assert text is not None
    assert len(text) < 5000
    (file,) = read_description(ABOUT, text).files
    assert (file.bytes, file.facts) == (10, {})


def test_media_come_back_under_their_numbers_which_nobody_else_gets(db: Database) -> None:
    film = medium(8, session=4)
    files = [add_file_of(film, "original"), add_file_of(film, "thumbnail")]
    descriptions = MediaDescriptions(db)
    assert not descriptions.any()
    descriptions.add(film, files)
    assert descriptions.any()
    assert MediaLibrary(db).get(8) == replace(film, session=None), "of a session that the index does not know"
    assert MediaLibrary(db).files([8])[8] == files
    with db.begin() as c:
        assert next_number(c) == 9
    for other in (medium(8), replace(medium(9), id=film.id), film):
        with pytest.raises(Conflict):
            descriptions.add(other, [])
        with pytest.raises(Conflict):
            descriptions.refuse_known(other)
    assert [one.media.number for one in descriptions.before(9, 5)] == [8]
    assert descriptions.before(8, 5) == []
    assert descriptions.known({film.folder, "uploads/ada.1/9/"}) == {film.folder}


def add_file_of(film: Media, kind: str) -> MediaFile:
    return MediaFile(film.number, kind, "", f"{film.folder}{kind}.bin", "video/webm", 10, "ready", T, {"width": 3})


def test_an_export_of_which_nobody_knows_what_it_was_cannot_be_tried_again(db: Database) -> None:
    """And says so: only the job that was lost knew."""
    export = put(db, 1, kind="export", state="failed", detail="the index was lost")
    with pytest.raises(Conflict, match="ask for it again"):
        MediaJobs(db).retry(export, T, "ada")
    assert MediaLibrary(db).get(1) == export, "as it was"
