"""What a real MediaRecorder made, cut into the files of its session; pictures are told apart by the numbers in them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest
from playwright.sync_api import sync_playwright
from sqlalchemy import update

from browser_kit import FLAGS, chromium
from gatehouse.rebuilding import rebuild
from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    OF_NO_CAMERA,
    Hold,
    HoldRepository,
    Piece,
    RecorderSession,
    RecorderSessions,
    SessionChunk,
    Upload,
    User,
    Users,
)
from gatehouse_common.db.media_models import MediaRow
from gatehouse_common.errors import DataLoss
from gatehouse_common.ids import new_id
from gatehouse_common.intake import Intake
from gatehouse_common.intervals import Interval
from gatehouse_common.media.cutting.files import write_files
from gatehouse_common.media.cutting.plan import plan_cuts
from gatehouse_common.runtime import Core, PageSettings
from gatehouse_common.settings import load
from gatehouse_common.storage import keys
from gatehouse_janitor.checking.content import BlockReader
from gatehouse_janitor.checking.session_check import is_whole_file
from gatehouse_janitor.upload_sweep import UploadSweep
from gatehouse_transcoder.session_chunks import BROKEN_OFF
from janitor_kit import found, mend
from media_jobs_kit import ask, ended, ffmpeg, files, media, transcoding, upload
from pipeline_kit import core_at
from recorder_film import FORMS, numbers, recorded
from running import wait_for

PICTURES = [name for name in FORMS if name != "sound"]
CHUNK_US = 2 * SECOND


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Seven seconds of each form, recorded by Chromium."""
    folder = tmp_path_factory.mktemp("films")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        made = recorded(browser, 7)
        browser.close()
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in made}


def cut(film: Path, folder: Path) -> tuple[list[Path], list[tuple[float, float]]]:
    plan = plan_cuts(film, CHUNK_US)
    made = write_files(film, plan, folder, lambda _part: None)
    return [file.path for file in made], [(float(part.start), float(part.end)) for part in plan.parts]


@pytest.mark.parametrize("form", PICTURES)
def test_no_picture_is_lost_at_a_cut_and_none_is_in_two_files(
    films: dict[str, Path], form: str, tmp_path: Path
) -> None:
    """S0-7, S4-14, S4-16: each file begins where the one before it ends, is finite, and can be gone through."""
    made, parts = cut(films[form], tmp_path)
    whole = numbers(films[form])
    assert len(whole) > 100
    assert [n for path in made for n in numbers(path)] == whole
    assert len(made) in {3, 4}
    for path, (start, end) in zip(made, parts, strict=True):
        with av.open(str(path)) as film:
            video = film.streams.video[0]
            times = [float(p.pts * p.time_base) for p in film.demux(video) if p.pts is not None and p.time_base]
            assert film.duration is not None
            assert times[0] == 0
            assert film.duration / 1e6 >= end - start - 0.002
            if video.duration is not None and video.time_base is not None:
                assert float(video.duration * video.time_base) == pytest.approx(end - start, abs=0.002)
            film.seek(round((end - start) * 0.75 * 1e6))
            first = float(next(film.decode(video=0)).time or 0)
            assert first > 0.5 or end - start < 1.9  # at a keyframe near there, not at the beginning
    assert [end for _, end in parts[:-1]] == [start for start, _ in parts[1:]]
    assert all(abs(start - 2 * n) < 0.8 for n, (start, _) in enumerate(parts))


def test_a_recording_of_sound_is_cut_too(films: dict[str, Path], tmp_path: Path) -> None:
    """S4-16: at any packet, for each can be begun with."""
    made, parts = cut(films["sound"], tmp_path)
    count = 0
    for path in made:
        with av.open(str(path)) as film:
            count += sum(packet.size > 0 for packet in film.demux())
    with av.open(str(films["sound"])) as film:
        assert count == sum(packet.size > 0 for packet in film.demux())
    assert len(made) in {3, 4}
    assert all(1.9 < end - start < 2.2 for start, end in parts[:-1])


@pytest.mark.parametrize("form", PICTURES)
def test_what_was_received_of_a_recording_that_broke_off_is_kept(
    films: dict[str, Path], form: str, tmp_path: Path
) -> None:
    """S0-8: wherever it broke off."""
    data = films[form].read_bytes()
    whole = numbers(films[form])
    for share in (0.5, 0.83):
        broken, folder = tmp_path / f"broken-{share}", tmp_path / f"cut-{share}"
        broken.write_bytes(data[: round(len(data) * share)])
        folder.mkdir()
        made, _ = cut(broken, folder)
        got = [n for path in made for n in numbers(path)]
        assert got == whole[: len(got)]
        assert len(got) > len(whole) * (share - 0.35)


def test_pictures_that_are_shown_in_another_order_than_they_come_are_cut_too(tmp_path: Path) -> None:
    """S0-7: of an encoder that looks ahead, whose groups of pictures are open or closed."""
    film = tmp_path / "film.mkv"
    pictures = "testsrc2=size=320x180:rate=25:duration=6"
    ffmpeg("-f", "lavfi", "-i", pictures, "-c:v", "libx264", "-g", "25", "-bf", "3", "-x264-params", "open-gop=1",
           "-pix_fmt", "yuv420p", str(film))  # fmt: skip
    made, _ = cut(film, tmp_path)

    def looks(path: Path) -> list[int]:
        with av.open(str(path)) as opened:
            return [hash(frame.to_ndarray().tobytes()) for frame in opened.decode(video=0)]

    assert [one for path in made for one in looks(path)] == looks(film)


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    """S4-13: with a sentence, and nothing is made."""
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 100)
    with pytest.raises(DataLoss, match="cannot be opened"):
        plan_cuts(tmp_path / "noise", CHUNK_US)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A store and an index, and a transcoder at work on them."""
    opened = Core.open(load({"data_dir": str(tmp_path), "broker_url": "memory:", "auth.mode": "open"}, config=None))
    opened.db.upgrade()
    with transcoding(opened):
        yield opened
    opened.close()


def begin(core: Core, name: str) -> tuple[User, RecorderSession]:
    user = Users(core.db).add(name, Role.OPERATOR, core.clock.now_us())
    now = core.clock.now_us()
    span = Interval(now, now + 60 * SECOND)
    return user, RecorderSessions(core.db).begin(user.number, user.name, OF_NO_CAMERA, span, 2)


def send(core: Core, film: Path, owner: User, session: RecorderSession, media_type: str) -> int:
    """Let a recording arrive and be processed; return the number of its medium."""
    one, job = upload(core, film.read_bytes(), media_type, owner=owner.number, session=session.number)
    (job,) = ended(core, job)
    assert (job.state, job.detail) == ("done", "")
    return one.number


def stored(core: Core, session: RecorderSession) -> list[SessionChunk]:
    return RecorderSessions(core.db).chunks(session=session.number)


@pytest.mark.parametrize(("form", "media_type"), [("h264-mp4", "video/mp4"), ("vp8-webm", "video/webm")])
def test_a_session_has_files_that_tell_what_they_are(
    core: Core, films: dict[str, Path], form: str, media_type: str, tmp_path: Path
) -> None:
    """S0-2, S0-3: rows and files, checked, lost, and made anew of the files; the recording itself is kept once."""
    user, session = begin(core, "Ann")
    number = send(core, films[form], user, session, media_type)
    chunks = stored(core, session)
    assert [one.position for one in chunks] == list(range(1, len(chunks) + 1))
    assert [one.start_us for one in chunks[1:]] == [one.end_us for one in chunks[:-1]]
    assert sum(one.frames for one in chunks) == len(numbers(films[form]))
    assert {(one.width, one.height, one.camera, one.user_name, one.detail) for one in chunks} == {
        (320, 180, "", "Ann", "")
    }
    assert RecorderSessions(core.db).get(session.number).ends_us == chunks[-1].end_us
    one = media(core, number)
    assert (one.state, files(core, number)) == ("deleted", {})
    assert "files of its session" in one.detail
    assert list(core.store.list(one.folder)) == []
    assert all(is_whole_file(BlockReader(core.store, c.key, c.bytes)) for c in chunks)
    assert found(core) == []
    _lose_and_rebuild(core, chunks, tmp_path)


def test_a_recording_that_is_not_all_in_its_files_is_kept(core: Core, films: dict[str, Path], tmp_path: Path) -> None:
    """S0-7, S0-8: what cannot be read at its end is in no file: the medium keeps it, and says so."""
    broken = tmp_path / "broken.mp4"
    data = films["h264-mp4"].read_bytes()
    broken.write_bytes(data[: round(len(data) * 0.83)])
    user, session = begin(core, "Dan")
    number = send(core, broken, user, session, "video/mp4")
    chunks, one = stored(core, session), media(core, number)
    assert chunks[-1].detail == BROKEN_OFF
    assert (one.state, one.stage) == ("ready", "")
    assert "cannot be read at its end" in one.detail
    assert core.store.read(files(core, number)["original", ""].key) == broken.read_bytes()
    anew = _rebuilt(core, tmp_path)
    assert [replace(one, stored_us=None, user=0) for one in chunks] == anew


def test_a_recording_that_is_held_is_cut_and_kept(films: dict[str, Path], tmp_path: Path) -> None:
    """C-18: files that it is cut into have its pictures, and not its bytes, of which somebody may have a digest."""
    with core_at(tmp_path / "data", broker_url="memory:") as core:
        user, session = begin(core, "Eve")
        film = films["h264-mp4"].read_bytes()
        one, job = upload(core, film, "video/mp4", owner=user.number, session=session.number)
        now_us = core.clock.now_us()
        placed = Hold(new_id(), None, None, now_us, now_us + 1, "theft", "", None, now_us, media=one.id)
        HoldRepository(core.db).place(placed)
        with transcoding(core):
            (done,) = ended(core, job)
        assert (done.state, done.detail) == ("done", "")
        assert len(stored(core, session)) > 1
        kept = media(core, one.number)
        assert (kept.state, kept.stage) == ("ready", "")
        assert kept.detail.endswith("it is kept, for it is on hold")
        assert core.store.read(files(core, one.number)["original", ""].key) == film
        assert found(core) == []


def _rebuilt(core: Core, tmp_path: Path) -> list[SessionChunk]:
    """The files of sessions in an index that is made anew of them."""
    settings = {"data_dir": str(core.data_dir), "broker_url": "memory:", "auth.mode": "open"}
    again = Core.open(load({**settings, "database_url": f"sqlite:///{tmp_path / 'again.db'}"}, config=None))
    again.db.upgrade()
    try:
        rebuild(again, lambda _steps: None)
        return [replace(one, stored_us=None, user=0) for one in RecorderSessions(again.db).chunks()]
    finally:
        again.close()


def _lose_and_rebuild(core: Core, chunks: list[SessionChunk], tmp_path: Path) -> None:
    """The index is lost, and made anew of the files; one of these is lost, and told as that."""
    settings = {"data_dir": str(core.data_dir), "broker_url": "memory:", "auth.mode": "open"}
    again = Core.open(load({**settings, "database_url": f"sqlite:///{tmp_path / 'anew.db'}"}, config=None))
    again.db.upgrade()
    try:
        assert rebuild(again, lambda _steps: None).sessions == len(chunks)
        anew = RecorderSessions(again.db).chunks()
        same = [replace(one, stored_us=None, user=0) for one in chunks]
        assert [replace(one, stored_us=None, user=0) for one in anew] == same
        again.store.delete(chunks[0].key)
        assert found(again) == [("missing", chunks[0].key)]
        assert mend(again) == {chunks[0].key: "told as lost"}
        assert RecorderSessions(again.db).any_state(chunks[0].number).state == "failed"
    finally:
        again.close()


def test_files_of_a_browser_go_where_the_admin_says(core: Core, films: dict[str, Path]) -> None:
    """S3-5: those of viewings and those of browsers are below one root, by one template."""
    PageSettings(core).save({"sessions.path": "visits/{camera}/{user}/{id}"})
    user, session = begin(core, "Dora")
    _, job = upload(core, films["vp9-webm"].read_bytes(), "video/webm", owner=user.number, session=session.number)
    assert [one.state for one in ended(core, job)] == ["done"]
    folder = f"sessions/visits/browser/dora.{user.number}/"
    assert all(one.key.startswith(f"{folder}session_") for one in stored(core, session))


def test_what_is_cut_twice_is_there_once(core: Core, films: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """S0-2, S0-18: whoever cuts may die between a file and its row: the rest has failed; whoever goes on finds it."""
    died = threading.Event()
    made = RecorderSessions.made

    def dies(self: RecorderSessions, chunk: SessionChunk) -> bool:
        if chunk.position == 2 and not died.is_set():
            died.set()
            raise ConnectionError("the power went")
        return made(self, chunk)

    monkeypatch.setattr(RecorderSessions, "made", dies)
    user, session = begin(core, "Bob")
    one, job = upload(core, films["h264-mp4"].read_bytes(), "video/mp4", owner=user.number, session=session.number)
    (job,) = ended(core, job)
    assert (job.state, died.is_set()) == ("failed", True)
    assert len(stored(core, session)) == 1
    before = {info.key for info in core.store.list(keys.SESSIONS)}
    assert len(before) == 2
    UploadSweep(core, core.clock.now_us).look(threading.Event())
    assert not RecorderSessions(core.db).is_waiting(session.number)
    lost = RecorderSessions(core.db).failed_since(session.start_us)
    assert {(one.session, "fault of the program" in one.detail) for one in lost} == {(session.number, True)}
    again = _again(core, one.number)
    assert again == "done"
    chunks = stored(core, session)
    assert len(chunks) in {3, 4}
    assert {info.key for info in core.store.list(keys.SESSIONS)} == {chunk.key for chunk in chunks} >= before


def _again(core: Core, number: int) -> str:
    """Let a job that failed be done once more; return how it ended."""
    with core.db.begin() as c:
        c.execute(update(MediaRow).where(MediaRow.number == number).values(state="queued", detail=""))
    return ended(core, ask(core, "media-process", number))[0].state


def test_a_recording_whose_browser_went_away_ends_with_what_was_received(core: Core, films: dict[str, Path]) -> None:
    """S0-8: the janitor ends it, its last file says so; a second recording of the same session is refused, and kept."""
    user, session = begin(core, "Cem")
    data = films["vp9-webm"].read_bytes()[:150_000]
    intake, now = Intake(core), core.clock.now_us()
    key = keys.incoming(session.id, 0, new_id())
    core.store.put_bytes(key, data)
    sent = Upload(
        session.id, user.number, user.name, "tus", "whole", "receiving", "camera", "", None, "", None, 0, "",
        {"session": session.id}, None, None, "", now, now, now + 48 * HOUR,
    )  # fmt: skip
    intake.uploads.begin(sent)
    piece = Piece(sent.id, 0, len(data), hashlib.sha256(data).hexdigest(), key)
    intake.uploads.append(sent.id, [piece], now, sent.expires_us)
    for hours, state in ((47, "receiving"), (49, "complete")):
        UploadSweep(core, lambda late=hours: core.clock.now_us() + late * HOUR).look(threading.Event())  # type: ignore[misc]
        assert intake.uploads.get(sent.id).state == state
    wait_for("its files", lambda: stored(core, session) and not RecorderSessions(core.db).is_waiting(session.number))
    chunks = stored(core, session)
    assert "interrupted" in chunks[-1].detail
    assert {one.detail for one in chunks[:-1]} <= {""}
    other, job = upload(core, data, "video/webm", owner=user.number, session=session.number)
    (job,) = ended(core, job)
    assert (job.state, job.detail) == ("failed", "the session has another recording, which came before this one")
    assert ("original", "") in files(core, other.number)
    assert stored(core, session) == chunks
