"""What the transcoder makes is described beside it as soon as it is there, and comes back from that (R5)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse.rebuilding import rebuild
from gatehouse_common.accounts import Role
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import JobQueue, MediaJobs, MediaLibrary, Users
from gatehouse_common.db.media_records import AUDIO, MEDIA_KINDS
from gatehouse_common.intake import keep_description, read_description
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.settings.transcoder import TranscoderSettings
from gatehouse_common.storage import keys
from gatehouse_transcoder.children import Limits
from gatehouse_transcoder.hand import Hand
from gatehouse_transcoder.program import find_program
from gatehouse_transcoder.work import Tools
from media_jobs_kit import ask, browser_film, ended, files, media, transcoding, upload

QUIET = TranscoderSettings(hardware=False)


class Killed(BaseException):
    """What `kill -9` does to a worker."""


def open_core(data: Path, **more: str) -> Core:
    settings = {"data_dir": str(data), "broker_url": "memory:", "auth.mode": "open", "transcoder.compress": "none"}
    opened = Core.open(load({**settings, **more}, config=None))
    opened.db.upgrade()
    return opened


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    opened = open_core(tmp_path / "data")
    Users(opened.db).add("user1", Role.OPERATOR, opened.clock.now_us())
    yield opened
    opened.close()


def test_a_medium_is_described_when_it_is_done_and_with_what_is_made_of_it_later(core: Core) -> None:
    with transcoding(core):
        one, job = upload(core, browser_film(1, "160x120"))
        ended(core, job)
        ended(core, ask(core, AUDIO, one.number, codec="copy"))
    about = keys.media_description(one.folder)
    known = read_description(about, core.store.read(about))
    assert {(file.kind, file.variant) for file in known.files} == set(files(core, one.number))
    assert "audio" in {file.kind for file in known.files}
    assert known.media.digest == media(core, one.number).digest != ""
    assert not keep_description(core, one.number), "nothing is left to say"


def test_a_worker_that_died_after_the_original_has_described_it(core: Core, tmp_path: Path) -> None:
    """What takes hours comes after; with the index gone as well, the film is there and can be tried again."""
    film, queue = browser_film(1, "160x120"), JobQueue(core.db, MEDIA_KINDS)
    one, job = upload(core, film)
    mine = queue.take(job, "first", core.clock.now_us())
    assert mine is not None

    def killed(*_: object, **__: object) -> None:
        raise Killed

    tools = Tools(find_program(QUIET, SystemClock(), lambda: None), Limits.of(QUIET), Limits.of_probe(QUIET))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.store, "put_file", killed)
        with pytest.raises(Killed):
            Hand(core, tools, mine, threading.Event(), {}).do(tmp_path / "first")
    assert {kind for kind, _ in files(core, one.number)} == {"original"}
    core.close()
    fresh = open_core(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db")
    try:
        assert rebuild(fresh, lambda _: None).left == {}
        found = MediaLibrary(fresh.db).get(one.number)
        assert (found.state, found.id, "can be tried again" in found.detail) == ("failed", one.id, True)
        assert fresh.store.read(files(fresh, one.number)["original", ""].key) == film
        with transcoding(fresh):
            (again,) = ended(fresh, MediaJobs(fresh.db).retry(found, fresh.clock.now_us(), "ada"))
        assert (again.state, again.detail) == ("done", "")
        assert {"playable", "thumbnail"} <= {kind for kind, _ in files(fresh, one.number)}
    finally:
        fresh.close()


def test_a_recording_of_a_browser_that_was_not_cut_can_be_played_after_all(core: Core, tmp_path: Path) -> None:
    """When it began only the lost index knew: it is not cut any more, but made playable as what it is."""
    one, job = upload(core, browser_film(1, "160x120"), session=None)
    with transcoding(core):
        ended(core, job)
    with core.db.begin() as c:
        c.exec_driver_sql("UPDATE media SET kind = 'recording', session = 5, state = 'processing'")
    keep_description(core, one.number)
    core.close()
    fresh = open_core(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db")
    try:
        assert rebuild(fresh, lambda _: None).media == 1
        found = MediaLibrary(fresh.db).get(one.number)
        assert (found.kind, found.state) == ("recording", "failed")
        with transcoding(fresh):
            (again,) = ended(fresh, MediaJobs(fresh.db).retry(found, fresh.clock.now_us(), "ada"))
        assert (again.state, MediaLibrary(fresh.db).get(one.number).state) == ("done", "ready")
    finally:
        fresh.close()


def test_what_failed_is_described_as_that(core: Core) -> None:
    """What came is its original all the same."""
    one, job = upload(core, b"no film at all" * 1000)
    with transcoding(core):
        (done,) = ended(core, job)
    assert done.state == "failed"
    about = keys.media_description(one.folder)
    known = read_description(about, core.store.read(about))
    assert (known.media.state, known.media.detail) == ("failed", done.detail)
