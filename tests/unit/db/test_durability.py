"""What has to be on the disk before something is deleted because of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import text

from gatehouse_common.db import (
    Database,
    FootageWriter,
    InventoryWriter,
    Job,
    MediaFile,
    MediaWork,
    RecorderSessions,
    SessionChunk,
)
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ChunkStored
from media_rows import put
from pipeline_kit import START_US

FULL, NORMAL = 2, 1


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/index.db")
    made.upgrade()
    yield made
    made.close()


def test_a_transaction_upon_which_something_is_deleted_is_forced_to_the_disk(db: Database) -> None:
    """S2-43: on one connection after the other; what is only told does not pay for it."""
    for durable, synchronous in [(False, NORMAL), (True, FULL), (False, NORMAL), (True, FULL)] * 2:
        with db.begin(durable=durable) as c:
            assert c.execute(text("PRAGMA synchronous")).scalar() == synchronous
    with db.read() as c:  # who reads makes nothing durable, whatever it was set to before
        assert c.execute(text("SELECT count(*) FROM cameras")).scalar() == 0
    with db.begin() as c:
        assert c.execute(text("PRAGMA synchronous")).scalar() == NORMAL


def test_a_stored_chunk_is_on_the_disk_before_its_spool_is_freed(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-43: capture frees the spool upon the row, and a power cut must not take the row back."""
    durable: list[bool] = []
    begin = Database.begin

    def noting(self: Database, **how: bool) -> object:
        durable.append(how.get("durable", False))
        return begin(self, **how)

    monkeypatch.setattr(Database, "begin", noting)
    stored = ChunkStored(
        camera="cam",
        time_us=START_US,
        run=new_id(),
        chunk=new_id(),
        key="recordings/cam/2024-05-17/recording_20240517_102300.mp4",
        spool_key="",
        start_us=START_US,
        end_us=START_US + 1,
        origin_us=START_US,
        bytes=1,
    )
    FootageWriter(db).store_chunk(stored, b"index")
    assert durable == [True]
    InventoryWriter(db).forget_picture("none", "none")
    assert durable == [True, False]


def test_what_pieces_and_recordings_are_deleted_for_is_on_the_disk(db: Database) -> None:
    """S4-5: the row of an original before its pieces go, those of a session's files before their recording goes."""
    with patch.object(db, "begin", wraps=db.begin) as begin:
        number = put(db, 1).number
        job = Job(new_id(), "media-process", "running", {}, 0, 0, "", None, 0, "", None, None, "me", 0, 1, number)
        MediaWork(db).keep(job, MediaFile(number, "original", "", "uploads/x", "video/webm", 1, "ready", 0))
        assert begin.call_args.kwargs == {"durable": True}
        RecorderSessions(db).made(SessionChunk(*[""] * len(fields(SessionChunk))))
        assert begin.call_args.kwargs == {"durable": True}
