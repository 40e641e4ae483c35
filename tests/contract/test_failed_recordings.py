"""Recordings in browsers of which no files could be made, on every database (S0-8, S0-18)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    OF_NO_CAMERA,
    BrowserSessions,
    Database,
    RecorderSession,
    RecorderSessions,
    Upload,
    Uploads,
    Users,
)
from gatehouse_common.db.media_models import MediaRow
from gatehouse_common.db.session_files import SessionFiles
from gatehouse_common.errors import Conflict
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval

NOW = 1_779_013_380_000_000
LATER = NOW + 48 * HOUR
WHY = "files of theora are not made here"


def recorded(db: Database) -> tuple[RecorderSession, int]:
    """A session in a browser, and the number of the medium that its recording is."""
    user = Users(db).add(f"ann{new_id()[-6:]}", Role.OPERATOR, NOW)
    span = Interval(NOW, NOW + 60 * SECOND)
    session = RecorderSessions(db).begin(user.number, user.name, OF_NO_CAMERA, span, 30)
    return session, sent(db, session)


def sent(db: Database, session: RecorderSession) -> int:
    one = Upload(
        new_id(), session.user, session.user_name, "tus", "whole", "receiving",
        "camera", "", None, "", 5, 5, "", {"session": session.id}, None, None, "", NOW, NOW, LATER,
    )  # fmt: skip
    Uploads(db).begin(one)
    made, _ = Uploads(db).complete(one, "video/webm", LATER, lambda number: f"uploads/ann/{number}/", {})
    return made.number


def becomes(db: Database, media: int, state: str, before_trash: str = "") -> None:
    with db.begin() as c:
        values = {"state": state, "detail": "" if state == "deleted" else WHY, "before_trash": before_trash}
        c.execute(update(MediaRow).where(MediaRow.number == media).values(values))


def parts(*ends_s: int) -> list[Interval]:
    starts = [0, *ends_s]
    return [Interval(NOW + a * SECOND, NOW + b * SECOND) for a, b in zip(starts, ends_s, strict=False)]


@pytest.mark.parametrize(
    ("state", "before_trash", "why"),
    [("failed", "", WHY), ("trashed", "failed", WHY), ("deleted", "", "its recording was deleted")],
)
def test_files_that_are_not_made_any_more_have_failed(db: Database, state: str, before_trash: str, why: str) -> None:
    """S0-18: with the reason, and told though the session was long ago; what is stored stays, what goes on too."""
    sessions, browsers = RecorderSessions(db), BrowserSessions(db)
    session, media = recorded(db)
    first, *_ = browsers.plan(session, media, parts(30, 60), LATER)
    sessions.made(replace(first, state="stored", key=f"sessions/{new_id()}", stored_us=LATER))
    assert browsers.note_failed(LATER) == 0
    becomes(db, media, state, before_trash)
    assert browsers.note_failed(LATER + 1) == 1
    assert browsers.note_failed(LATER + 2) == 0
    chunks = SessionFiles(db).of_session(session.number)
    assert [one.state for one in chunks] == ["stored", "failed"]
    assert why in chunks[1].detail
    assert [one.id for one in sessions.failed_since(LATER)] == [chunks[1].id]
    assert sessions.failed_since(LATER + 2) == []
    again = browsers.plan(session, media, parts(30, 60), LATER + 3)
    assert [(one.state, one.detail, one.id) for one in again] == [
        ("stored", "", first.id),
        ("planned", "", chunks[1].id),
    ]
    assert sessions.is_waiting(session.number)


def test_a_session_of_which_nothing_had_been_planned_has_a_file_that_failed(db: Database) -> None:
    """S0-8, S0-18: as long as it was; tried again it has its files. A second recording changes nothing."""
    sessions, browsers = RecorderSessions(db), BrowserSessions(db)
    session, media = recorded(db)
    second = sent(db, session)
    becomes(db, second, "failed")
    assert browsers.note_failed(LATER) == 0
    becomes(db, media, "failed")
    assert (browsers.note_failed(LATER), browsers.note_failed(LATER)) == (1, 0)
    (file,) = sessions.failed_since(LATER)
    assert (file.session, file.user, file.detail) == (session.number, session.user, WHY)
    assert (file.wanted_start_us, file.wanted_end_us) == (session.start_us, session.ends_us)
    becomes(db, media, "processing")
    made = browsers.plan(session, media, parts(30, 55), LATER)
    assert [(one.state, one.position) for one in made] == [("planned", 1), ("planned", 2)]
    assert made[0].number > file.number
    assert sessions.failed_since(LATER) == []


def test_a_recording_is_interrupted_with_its_length_or_not_at_all(db: Database) -> None:
    """S0-8: whoever is killed right after it leaves no recording that looks as if it were all; what goes on is not."""
    uploads = Uploads(db)
    one = Upload(
        new_id(), 7, "ann", "tus", "whole", "receiving", "camera", "", None, "", 900, 500, "",
        {"session": "s"}, None, None, "", NOW, NOW, LATER,
    )  # fmt: skip
    uploads.begin(one)
    for other in (replace(one, received=400), replace(one, expires_us=LATER - 1)):
        assert not uploads.interrupt(other, {"interrupted": True})
    assert uploads.get(one.id) == one
    assert uploads.interrupt(one, {**one.facts, "interrupted": True})
    found = uploads.get(one.id)
    assert (found.length, dict(found.facts)) == (500, {"session": "s", "interrupted": True})


def test_a_browser_of_which_nothing_is_heard_stands_in_nobodys_way(db: Database) -> None:
    """S0-8, S0-24, S0-26: its session counts as ended until something comes of it again."""
    sessions = RecorderSessions(db)
    user = Users(db).add(f"eve{new_id()[-6:]}", Role.OPERATOR, NOW)
    silent = sessions.begin(user.number, user.name, OF_NO_CAMERA, Interval(NOW, NOW + 10 * HOUR), 30)
    at = NOW + HOUR

    def active(heard_us: int | None) -> RecorderSession | None:
        return sessions.active(user.number, at, heard_us=heard_us)

    assert (active(None), active(NOW - 1), active(NOW)) == (silent, silent, None)
    one = Upload(
        new_id(), user.number, user.name, "tus", "whole", "receiving", "camera", "", None, "", None, 5, "",
        {"session": silent.id}, None, None, "", NOW, NOW + 5, LATER,
    )  # fmt: skip
    Uploads(db).begin(one)
    assert (active(NOW + 4), active(NOW + 5)) == (silent, None)
    span = Interval(at, at + 60 * SECOND)
    with pytest.raises(Conflict):
        sessions.begin(user.number, user.name, "gate", span, 30, heard_us=NOW + 4)
    after = sessions.begin(user.number, user.name, "gate", span, 30, heard_us=NOW + 5)
    assert active(NOW + 5) == after
    assert sessions.active(user.number, at + HOUR, heard_us=NOW + 4) == silent
