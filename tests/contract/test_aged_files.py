"""Files of people that are older than they are kept, on every database: found, counted, told day by day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    AgedFiles,
    Database,
    Deletions,
    Hold,
    HoldRepository,
    MediaTrash,
    RecorderSessions,
    Users,
)
from gatehouse_common.db.chunk_days import DAY_US
from gatehouse_common.db.media_jobs import MediaJobs
from gatehouse_common.db.media_records import AUDIO
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from media_rows import add_file, put

T = 1_800_000_000_000_000 - 1_800_000_000_000_000 % DAY_US
NOW = T + 30 * DAY_US


def file_of(db: Database, at_us: int, stored_us: int = 0) -> str:
    """A stored file of a session of a user of its own, from an instant on, ten seconds long."""
    ann = Users(db).add(f"Ann {at_us} {stored_us}", Role.OPERATOR, T)
    span = Interval(at_us, at_us + 10 * SECOND)
    session = RecorderSessions(db).begin(ann.number, ann.name, "gate", span, 10)
    (one,) = [c for c in RecorderSessions(db).planned(lambda _: True) if c.session == session.number]
    RecorderSessions(db).made(
        replace(one, state="stored", key=f"sessions/x/{one.number}.mp4", bytes=10, stored_us=stored_us)
    )
    return one.id


def test_files_of_sessions_are_of_age_by_their_last_frame(db: Database) -> None:
    """C-10: to the microsecond; what is held, in the trash or deleted is not among them."""
    files, edge = AgedFiles(db), T + 10 * SECOND
    old = file_of(db, T)
    held = file_of(db, T - HOUR)
    young = file_of(db, T + 5 * DAY_US)
    HoldRepository(db).place(Hold(new_id(), "gate", None, T - HOUR, T - HOUR + 1, "a case", "", None, T))
    assert files.of("session", edge, NOW, 9) == []
    assert [kept.id for kept in files.of("session", edge + 1, NOW, 9)] == [old]
    assert (files.due("session", edge + 1, NOW).objects, files.due("session", edge + 1, NOW).bytes) == (1, 10)
    assert files.all("session").objects == 3
    assert files.days("session", T) == [(T, 1, 10), (T + 5 * DAY_US, 1, 10)]
    late = file_of(db, T, stored_us=T + 20 * SECOND)
    assert files.of("session", T + 20 * SECOND, NOW, 9) != []
    assert late not in {kept.id for kept in files.of("session", T + 20 * SECOND, NOW, 9)}, "it came after that"
    assert late in {kept.id for kept in files.of("session", T + 20 * SECOND + 1, NOW, 9)}
    marked = Deletions(db).mark_session_files([old, held, young], "age", NOW)
    assert {d.subject for d in marked} == {old, young}, "the janitor names only what is of age"
    assert files.all("session").objects == 2


@pytest.mark.parametrize(("kind", "mine"), [("upload", {1, 2}), ("export", {3})])
def test_media_are_of_age_by_when_they_were_whole_here(db: Database, kind: str, mine: set[int]) -> None:
    """C-10: uploads and recordings of browsers, and exports, each in its own time; nothing that is being made."""
    each = {1: "upload", 2: "recording", 3: "export"}
    media = {number: put(db, number, kind=what, created_us=T + number, ready_us=None) for number, what in each.items()}
    for one in media.values():
        add_file(db, one, "original", 100)
        add_file(db, one, "thumbnail", 7)
    put(db, 4, kind=kind, state="processing", created_us=T, ready_us=None)
    held = put(db, 5, kind=kind, created_us=T, ready_us=None)
    put(db, 6, kind=kind, created_us=T, ready_us=T + 5)  # it was made for that long
    add_file(db, held, "original", 9)
    HoldRepository(db).place(Hold(new_id(), None, None, T, T + 1, "a case", "", None, T, media=held.id))
    files = AgedFiles(db)
    busy = put(db, 7, kind=kind, created_us=T, ready_us=None)
    MediaJobs(db).ask(busy, AUDIO, {"codec": "mp3"}, T, 1, "ada")
    assert files.of(kind, T, NOW, 9) == []
    found = files.of(kind, T + 4, NOW, 9)
    assert {kept.id for kept in found} == {media[number].id for number in mine}
    due = files.due(kind, T + 4, NOW)
    assert (due.objects, due.bytes) == (len(mine), 107 * len(mine))
    assert files.days(kind, T) == [(T, len(mine) + 3, 107 * len(mine) + 9)]
    marked = MediaTrash(db).mark([kept.id for kept in found], "age", NOW)
    assert {(d.subject, d.reason) for d in marked} == {(media[number].id, "age") for number in mine}
    assert len(marked) == 2 * len(mine)
    assert [kept.key for kept in files.of(kind, NOW, NOW, 9)] == ["uploads/ada.1/6/"], (
        "not the one of which a sound is made"
    )
    assert MediaTrash(db).mark([busy.id], "age", NOW) == []
