"""Uploads that are not what they should be: each fails with a sentence, and costs nobody else anything."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_common.db import JobRepository, MediaJobs
from gatehouse_common.db.media_records import AUDIO
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from media_jobs_kit import ask, browser_film, ended, ffmpeg, files, media, transcoding, upload
from running import wait_for


def open_core(folder: Path, **settings: object) -> Core:
    core = Core.open(
        load({"data_dir": str(folder), "broker_url": "memory:", "auth.mode": "open", **settings}, config=None)
    )
    core.db.upgrade()
    return core


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    opened = open_core(tmp_path_factory.mktemp("bad"), **{"transcoder.workers": 2, "transcoder.compress": "none"})
    with transcoding(opened):
        yield opened
    opened.close()


def sound(streams: int) -> bytes:
    """A file of so many streams."""
    chosen = ["-map", "0:a"] * streams
    return ffmpeg("-f", "lavfi", "-i", "sine=duration=0.1", *chosen, "-c:a", "pcm_s16le", "-f", "matroska", "pipe:1")


def still(hours: int, folder: Path) -> bytes:
    """A picture an hour, for so many hours."""
    source = f"testsrc2=size=64x48:rate=1:duration={hours}"
    hourly = ["-vf", "settb=1/1000,setpts=N*3600000", "-fps_mode", "passthrough"]
    ffmpeg("-f", "lavfi", "-i", source, *hourly, "-c:v", "libx264", "-pix_fmt", "yuv420p", str(folder / "still.mkv"))
    return (folder / "still.mkv").read_bytes()


def wide() -> bytes:
    """A picture that is 20,000 pixels wide."""
    source = ["-f", "lavfi", "-i", "color=size=20000x16:rate=1:duration=1"]
    return ffmpeg(*source, "-c:v", "ffv1", "-f", "matroska", "pipe:1")


def leading_to(path: Path) -> bytes:
    """A playlist of HLS that leads to a file of the machine."""
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{path}\n#EXT-X-ENDLIST\n".encode()


@pytest.mark.parametrize("which", ["noise", "zeros", "cut", "streams", "wide", "long", "playlist", "concat"])
def test_what_is_no_film_fails_with_a_sentence(core: Core, which: str, tmp_path: Path) -> None:
    """S4-13, S4-18: the original stays, and can be tried again; nothing else is made."""
    secret = tmp_path / "secret.webm"
    secret.write_bytes(browser_film(0.5) if which in {"playlist", "concat"} else b"")
    whole = ffmpeg("-f", "lavfi", "-i", "testsrc2=duration=1", "-f", "ismv", "pipe:1") if which == "cut" else b""
    data, words = {
        "noise": lambda: (os.urandom(50_000), "no film that can be read"),
        "zeros": lambda: (bytes(50_000), "no film that can be read"),
        "cut": lambda: (whole[:400], "no film|neither pictures|nothing of it"),
        "streams": lambda: (sound(40), "more than 32 streams"),
        "wide": lambda: (wide(), "20000x16"),
        "long": lambda: (still(100, tmp_path), "(100|99) hours long"),
        "playlist": lambda: (leading_to(secret), "no film that can be read"),
        "concat": lambda: (f"ffconcat version 1.0\nfile {secret}\n".encode(), "no film that can be read"),
    }[which]()
    one, job = upload(core, data)
    (job,) = ended(core, job)
    now = media(core, one.number)
    assert (job.state, now.state, now.stage) == ("failed", "failed", "probing")
    assert job.detail == now.detail
    assert re.search(words, job.detail), job.detail
    assert set(files(core, one.number)) == {("original", "")}
    assert core.store.read(files(core, one.number)["original", ""].key) == data


def test_hours_of_one_picture_take_no_hours(tmp_path: Path) -> None:
    """S4-18: it is as long as it says, and takes as long as it has pictures."""
    core = open_core(tmp_path)
    with transcoding(core):
        one, job = upload(core, still(40, tmp_path), "video/x-matroska")
        (job,) = ended(core, job, seconds=40)
    assert (job.state, job.detail) == ("done", "")
    assert media(core, one.number).lasted_us == pytest.approx(40 * 3_600_000_000, rel=0.1)
    core.close()


def test_a_damaged_film_gives_what_can_be_had_of_it(core: Core) -> None:
    """S4-18: some bytes in the midst are others; the film is there, without them."""
    film = bytearray(browser_film(2))
    film[len(film) // 2 : len(film) // 2 + 3000] = os.urandom(3000)
    one, job = upload(core, bytes(film))
    (job,) = ended(core, job)
    assert (job.state, job.detail) == ("done", "")
    assert {("playable", ""), ("thumbnail", "")} <= set(files(core, one.number))


def test_bytes_that_are_not_those_that_were_sent_are_not_taken_for_them(core: Core) -> None:
    """S4-5, S4-18: by the sender's digest, by the piece's own, by their number."""
    film = browser_film(0.5)
    whole = hashlib.sha256(film).hexdigest()
    good, job = upload(core, film, announced=whole.upper())
    other, other_job = upload(core, film, announced=whole[:-1] + "x")
    assert [one.state for one in ended(core, job, other_job)] == ["done", "failed"]
    assert "announced" in media(core, other.number).detail
    assert media(core, good.number).digest == whole
    assert len(list(core.store.list("incoming/"))) > 0  # what was sent is there still
    assert files(core, other.number) == {}


@pytest.mark.parametrize("what", ["changed", "missing"])
def test_a_piece_that_changed_in_the_store_is_found(what: str, tmp_path: Path) -> None:
    """S4-4: before anything of it is called the original."""
    core = open_core(tmp_path)
    one, job = upload(core, browser_film(0.5), piece_bytes=5000)
    (first, *_) = core.store.list("incoming/")
    if what == "changed":
        core.store.put_bytes(first.key, bytes(first.size), overwrite=True)
    else:
        core.store.delete(first.key)
    with transcoding(core):
        (job,) = ended(core, job)
    assert job.state == "failed"
    assert files(core, one.number) == {}
    core.close()


def hanging(folder: Path) -> Path:
    """An ffmpeg that hangs over every film."""
    real = shutil.which("ffmpeg")
    script = folder / "ffmpeg"
    script.write_text(
        f'#!/bin/sh\nfor word in "$@"; do case "$word" in -version|-encoders) exec {real} "$@";; esac; done\n'
        "echo $$ > " + str(folder / "pid") + "\nsleep 300\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def test_a_film_on_which_ffmpeg_hangs_is_given_up(tmp_path: Path) -> None:
    """S4-18: and the next one has its turn."""
    core = open_core(tmp_path / "data", **{"transcoder.ffmpeg": str(hanging(tmp_path)), "transcoder.stall_seconds": 1})
    with transcoding(core):
        one, job = upload(core, browser_film(0.5))
        (job,) = ended(core, job)
    assert (job.state, media(core, one.number).stage) == ("failed", "remuxing")
    assert "no further for 1 s" in job.detail
    core.close()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_job_that_is_called_off_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    """S4-18: by anybody, wherever it is done."""
    core = open_core(tmp_path / "data", **{"transcoder.ffmpeg": str(hanging(tmp_path))})
    with transcoding(core):
        one, job = upload(core, browser_film(0.5))
        pid = int(wait_for("the child", lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
        MediaJobs(core.db).cancel(job.id, core.clock.now_us())
        wait_for("the end of the child", lambda: gone(pid), 10)
        folder = core.data_dir / "transcoder"
        wait_for("the end of its files", lambda: not list(folder.iterdir()), 10)
        assert JobRepository(core.db).get(job.id).state == "cancelled"
    assert set(files(core, one.number)) == {("original", "")}
    assert media(core, one.number).state == "failed"
    core.close()


def test_who_is_stopped_puts_its_job_back_for_the_next(tmp_path: Path) -> None:
    """S4-19: in the midst of it; what is there already is not made again."""
    core = open_core(tmp_path / "data", **{"transcoder.ffmpeg": str(hanging(tmp_path))})
    with transcoding(core):
        one, job = upload(core, browser_film(0.5))
        wait_for("the child", lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    back = JobRepository(core.db).get(job.id)
    assert (back.state, back.owner, back.result) == ("queued", None, {"tries": 0})
    made = files(core, one.number)["original", ""]
    core.close()
    again = open_core(tmp_path / "data")
    with transcoding(again):
        (job,) = ended(again, job)
    assert job.state == "done"
    assert files(again, one.number)["original", ""] == made
    again.close()


def test_without_ffmpeg_uploads_wait_and_it_is_told(tmp_path: Path) -> None:
    """S1-19: with a sentence that says what to do."""
    core = open_core(tmp_path, **{"transcoder.ffmpeg": str(tmp_path / "nowhere")})
    with transcoding(core) as service:
        _, job = upload(core, browser_film(0.5))
        wait_for("a reason", lambda: any("set transcoder.ffmpeg" in c.detail for c in service.health() if not c.ok))
    assert JobRepository(core.db).get(job.id).state == "queued"
    core.close()


def test_sound_of_a_film_without_is_refused(core: Core) -> None:
    """S4-20."""
    film = ffmpeg("-f", "lavfi", "-i", "testsrc2=duration=0.5", "-c:v", "libvpx", "-f", "webm", "pipe:1")
    one, job = upload(core, film)
    ended(core, job)
    (job,) = ended(core, ask(core, AUDIO, one.number, codec="copy"))
    assert (job.state, job.detail) == ("failed", "it has no sound")
    assert media(core, one.number).state == "ready"
