"""Files of media beside their rows, in the trash, and what a check says of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import insert

from gatehouse_common.clock import HOUR
from gatehouse_common.db import Facts, Job, JobRepository, Media, MediaFile, MediaLibrary, MediaTrash
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.db.jobs import CONSISTENCY_CHECK
from gatehouse_common.db.media_records import AUDIO, EXPORT, MEDIA_KINDS, PROCESS, VIDEO
from gatehouse_common.db.upkeep_models import JobRow
from gatehouse_common.errors import NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.retention.rules import DAY_US
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_janitor.service import Janitor
from janitor_kit import found, look, mend, objects, quarantined
from media_rows import add_file, put
from pipeline_kit import core_at

FILM = b"film" * 100


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"sessions.trash_hours": 24}) as opened:
        yield opened


def medium(core: Core, number: int) -> tuple[Media, list[MediaFile]]:
    media = put(core.db, number, created_us=core.clock.now_us())
    files = [add_file(core.db, media, kind, len(FILM)) for kind in ("original", "thumbnail")]
    for file in files:
        core.store.put_bytes(file.key, FILM)
    return media, files


def test_a_check_knows_the_files_of_media_and_tells_what_is_gone_or_nobodys(core: Core) -> None:
    """S2-44: both ways; what is gone the medium says, what no medium has is kept in the quarantine."""
    media, (original, thumbnail) = medium(core, 1)
    assert found(core) == []
    assert look(core).media == 2
    core.store.delete(original.key)
    core.store.put_bytes(f"{media.folder}audio.mp3", b"sound")
    assert found(core) == [("missing", original.key), ("orphan", f"{media.folder}audio.mp3")]
    done = mend(core)
    assert done[original.key] == "the medium says that it is gone"
    assert quarantined(core) == [b"sound"]
    assert found(core) == []
    library = MediaLibrary(core.db)
    assert [file.key for file in library.files([1])[1]] == [thumbnail.key]
    assert library.get(1).detail == "its file is not in the store any more"


def test_after_an_index_was_lost_what_people_brought_stays_where_it_is(core: Core) -> None:
    """R5: their files do not tell whose they are, and are not put aside for that."""
    key = keys.media_folder(1, "ann", 7) + "original.webm"
    core.store.put_bytes(key, FILM)
    Facts(core.db).put(INDEX_REBUILT, "1", core.clock.now_us())
    assert found(core) == [("orphan", key)]
    assert mend(core) == {}
    assert key in objects(core, keys.UPLOADS)


def test_the_trash_is_emptied_when_its_time_is_over(core: Core) -> None:
    """Deleted media can be taken back for `sessions.trash_hours`; then all that they have is gone."""
    now_us = core.clock.now_us()
    (old, _), (young, files) = medium(core, 1), medium(core, 2)
    library = MediaLibrary(core.db)
    library.trash(old.number, now_us - 25 * HOUR)
    library.trash(young.number, now_us - 23 * HOUR)
    janitor = Janitor(core)
    janitor.look(threading.Event())
    described = keys.media_description(young.folder)
    assert sorted(objects(core, keys.UPLOADS)) == sorted([described, *(file.key for file in files)])
    assert MediaTrash(core.db).bytes() == 2 * len(FILM)
    with pytest.raises(NotFound):
        library.restore(old.number, now_us, "ada")
    assert library.restore(young.number, now_us, "ada").state == "ready"
    assert found(core) == []


def test_what_killed_workers_left_goes_with_the_medium(core: Core) -> None:
    """S4-21: no row speaks of it; what lies beside the folder is another's."""
    (one, _), (other, _) = medium(core, 1), medium(core, 10)
    for name in ("original-2.webm", "thumbnail-2.jpg"):
        core.store.put_bytes(f"{one.folder}{name}", FILM)
        core.store.put_bytes(f"{other.folder}{name}", FILM)
    MediaLibrary(core.db).trash(one.number, core.clock.now_us() - 25 * HOUR)
    Janitor(core).look(threading.Event())
    assert {key.rpartition("/")[0] + "/" for key in objects(core, keys.UPLOADS)} == {other.folder}
    assert len(objects(core, keys.UPLOADS)) == 5, "with what describes it"


def test_what_lies_in_its_folder_from_before_it_came_is_anothers(core: Core) -> None:
    """R5: in an index that was made anew numbers begin again, and with them folders of what it does not know."""
    old = keys.media_folder(1, "ada", 1) + "original-old.webm"
    core.store.put_bytes(old, FILM)
    long_ago = time.time() - 400 * 24 * 3600
    os.utime(core.data_dir / old, (long_ago, long_ago))
    media, _ = medium(core, 1)
    assert media.folder == keys.media_folder(1, "ada", 1)
    MediaLibrary(core.db).trash(media.number, core.clock.now_us() - 25 * HOUR)
    Janitor(core).look(threading.Event())
    assert list(objects(core, keys.UPLOADS)) == [old]


def test_jobs_that_ended_long_ago_are_forgotten(core: Core) -> None:
    """After 90 days; what an export was asked for is known for as long as it is there."""
    now_us = core.clock.now_us()
    one, gone = medium(core, 1)[0], put(core.db, 2, state="deleted")
    kept = {
        add_job(core, one, PROCESS, "done", now_us - 89 * DAY_US),
        add_job(core, one, AUDIO, "queued", now_us - 91 * DAY_US),
        add_job(core, one, EXPORT, "failed", now_us - 91 * DAY_US),
        add_job(core, one, CONSISTENCY_CHECK, "done", now_us - 91 * DAY_US),
    }
    add_job(core, one, PROCESS, "done", now_us - 91 * DAY_US)
    add_job(core, one, VIDEO, "cancelled", now_us - 91 * DAY_US)
    add_job(core, gone, EXPORT, "done", now_us - 91 * DAY_US)
    Janitor(core).look(threading.Event())
    assert {job.id for job in JobRepository(core.db).list(99)} >= kept
    assert {job.id for job in JobRepository(core.db).list(99) if job.kind in MEDIA_KINDS or job.id in kept} == kept


def add_job(core: Core, media: Media, kind: str, state: str, at_us: int) -> str:
    """A job as it is since an instant."""
    ended_us = None if state == "queued" else at_us
    job = Job(new_id(), kind, state, {}, 0, 0, "", None, at_us, "", at_us, ended_us, None, 0, 1, media.number)
    with core.db.begin() as c:
        c.execute(insert(JobRow).values({f.name: getattr(job, f.name) for f in fields(Job)}))
    return job.id
