"""What is made of uploads, by real ffmpeg of real films; looked at with ffprobe, which is not ours."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from gatehouse_common.db.media_records import AUDIO, VIDEO
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.storage import keys
from media_jobs_kit import (
    ask,
    browser_film,
    ended,
    ffmpeg,
    files,
    media,
    shown,
    stored,
    transcoding,
    upload,
)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """A store and an index, and a transcoder at work on them."""
    folder = tmp_path_factory.mktemp("transcoder")
    settings = {"data_dir": str(folder), "broker_url": "memory:", "auth.mode": "open", "transcoder.workers": 2}
    opened = Core.open(load(settings, config=None))
    opened.db.upgrade()
    with transcoding(opened) as service:
        yield opened
        assert all(check.ok for check in service.health())
    opened.close()


@pytest.fixture(scope="module")
def recorded(core: Core) -> int:
    """What a browser recorded, processed; the number of its medium."""
    film = browser_film()
    one, job = upload(core, film)
    (job,) = ended(core, job)
    assert (job.state, job.detail) == ("done", "")
    return one.number


def test_what_a_browser_recorded_is_kept_byte_for_byte_and_plays(core: Core, recorded: int, tmp_path: Path) -> None:
    """S4-4, S4-12, S4-14: finite, and every place of it can be gone to."""
    one, found = media(core, recorded), files(core, recorded)
    assert (one.state, one.stage, one.detail, one.video_codec, one.audio_codec) == ("ready", "", "", "vp8", "opus")
    assert (one.width, one.height, round(one.fps)) == (320, 180, 30)
    original = stored(core, found["original", ""], tmp_path)
    assert hashlib.sha256(original.read_bytes()).hexdigest() == one.digest
    assert original.stat().st_size == one.bytes
    assert shown(original, "format=duration")["duration"] == "N/A"
    playable = stored(core, found["playable", ""], tmp_path)
    assert float(shown(playable, "format=duration")["duration"]) == pytest.approx(4, abs=0.1)
    assert one.lasted_us == pytest.approx(4e6, abs=1e5)
    assert b"\x1c\x53\xbb\x6b" in playable.read_bytes()[:5000]  # it says where its cues are
    at = subprocess.run(
        ["ffprobe", "-v", "error", "-read_intervals", "3%+#1", "-show_entries", "packet=pts_time", "-of", "csv=p=0",
         "-select_streams", "v", str(playable)], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert 2.0 <= float(at.stdout.split(",")[0].split()[0]) <= 3.1
    frames = [
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy", "-f", "framemd5", "-"],
            capture_output=True, check=True,
        ).stdout.split(b"#dimensions")[1].splitlines()[1:]
        for path in (original, playable)
    ]  # fmt: skip
    digests = [[line.split(b",")[-1] for line in lines if not line.startswith(b"#")] for lines in frames]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 120
    assert list(core.store.list("incoming/")) == []
    folder = sorted(o.key for o in core.store.list(one.folder))
    assert folder == sorted([keys.media_description(one.folder), *(file.key for file in found.values())])


def test_pictures_stand_for_the_film(core: Core, recorded: int, tmp_path: Path) -> None:
    """S0-15, S4-10: a picture, and a sheet of them to look through it."""
    found = files(core, recorded)
    thumbnail = simplejpeg.decode_jpeg(core.store.read(found["thumbnail", ""].key))
    assert thumbnail.shape == (180, 320, 3)
    facts = found["sprite", ""].facts
    assert (facts["columns"], facts["rows"], facts["count"], facts["width"], facts["height"]) == (5, 2, 10, 160, 90)
    assert facts["seconds"] == pytest.approx(0.4, abs=0.01)
    sheet = simplejpeg.decode_jpeg(core.store.read(found["sprite", ""].key))
    assert sheet.shape == (180, 800, 3)
    tiles = [sheet[:90, at * 160 : at * 160 + 160].astype(int) for at in range(5)]
    assert min(np.abs(a - b).mean() for a, b in pairwise(tiles)) > 1  # each another moment


def test_the_picture_is_not_black_where_the_film_begins_so_nor_white_where_it_ends_so(core: Core) -> None:
    """S4-10."""
    dark, light = "color=black:size=320x180:rate=10:duration=7", "color=white:size=320x180:rate=10:duration=2"
    shows = "testsrc2=size=320x180:rate=10:duration=1"
    inputs = [word for film in (dark, shows, light) for word in ("-f", "lavfi", "-i", film)]
    film = ffmpeg(*inputs, "-filter_complex", "concat=n=3", "-c:v", "libx264", "-f", "mpegts", "pipe:1")
    one, job = upload(core, film, "video/mp2t")
    ended(core, job)
    picture = simplejpeg.decode_jpeg(core.store.read(files(core, one.number)["thumbnail", ""].key), "GRAY")
    assert picture.std() > 30
    assert media(core, one.number).state == "ready"
    assert ("playable", "") in files(core, one.number)  # MP4, of a stream that browsers do not open


def test_a_film_is_halved_and_looks_the_same(core: Core, tmp_path: Path) -> None:
    """S4-9: compressed to less than half at SSIM .95 and more; original and smaller film are both there."""
    film = tmp_path / "film.mp4"
    noisy = "mandelbrot=size=640x360:rate=30:end_scale=0.02,noise=alls=4:allf=t"
    ffmpeg("-f", "lavfi", "-i", noisy, "-t", "2", "-c:v", "libx264", "-preset", "veryfast", "-crf", "14",
           "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(film))  # fmt: skip
    one, job = upload(core, film.read_bytes(), "video/mp4", piece_bytes=1 << 20)
    (job,) = ended(core, job)
    found = files(core, one.number)
    assert ("playable", "") not in found  # it is one already
    smaller = stored(core, found["compressed", ""], tmp_path)
    said = subprocess.run(
        ["ffmpeg", "-i", str(smaller), "-i", str(film), "-lavfi", "ssim", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    ssim = float(said.rpartition("All:")[2].split()[0])
    assert smaller.stat().st_size < film.stat().st_size / 2
    assert ssim >= 0.95
    assert int(shown(smaller, "stream=nb_frames", ("v",))["nb_frames"]) == 60


def test_what_gets_no_smaller_stays_as_it_is(core: Core) -> None:
    """S4-9: only what is smaller by a tenth is kept."""
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=3"]
    film = ffmpeg(*source, "-c:v", "libx264", "-preset", "slow", "-crf", "38", "-pix_fmt", "yuv420p",
                  "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "pipe:1")  # fmt: skip
    one, job = upload(core, film, "video/mp4")
    (job,) = ended(core, job)
    assert job.state == "done"
    assert job.result is not None
    assert "of" in job.result["compressed"]
    assert set(files(core, one.number)) == {("original", ""), ("playable", ""), ("thumbnail", ""), ("sprite", "")}


def test_what_browsers_do_not_play_becomes_something_that_they_do(core: Core, tmp_path: Path) -> None:
    """C-7: whatever it says of its length; this one, written to a pipe, says that it is an hour and a half."""
    source = ["-f", "lavfi", "-i", "testsrc2=size=322x182:rate=10:duration=2", "-f", "lavfi", "-i", "sine=duration=2"]
    film = ffmpeg(*source, "-c:v", "mpeg4", "-c:a", "mp2", "-f", "avi", "pipe:1")
    one, job = upload(core, film, "video/x-msvideo")
    (job,) = ended(core, job)
    playable = stored(core, files(core, one.number)["playable", ""], tmp_path)
    assert shown(playable, "stream=codec_name,width", ("v",)) == {"codec_name": "h264", "width": "322"}
    assert shown(playable, "stream=codec_name", ("a",)) == {"codec_name": "aac"}
    assert ("compressed", "") not in files(core, one.number)


@pytest.mark.parametrize(
    ("codec", "form", "kind"),
    [("libx264", "mp4", "compressed"), ("libx264", "matroska", "compressed"), ("mpeg4", "matroska", "playable")],
)
def test_a_film_of_few_pictures_is_as_long_as_it_is(
    core: Core, tmp_path: Path, codec: str, form: str, kind: str
) -> None:
    """S4-9, S4-14, C-7: also where pictures refer to later ones, so that the last to be decoded are not the last."""
    noisy = "testsrc2=size=320x180:rate=1:duration=20,noise=alls=30:allf=t"
    film = tmp_path / "film"
    ffmpeg("-f", "lavfi", "-i", noisy, "-c:v", codec, "-bf", "2", "-q:v", "1", "-pix_fmt", "yuv420p",
           *(["-crf", "5"] if codec == "libx264" else []), "-f", form, str(film))  # fmt: skip
    one, job = upload(core, film.read_bytes(), "video/mp4" if form == "mp4" else "video/x-matroska")
    (job,) = ended(core, job)
    assert (job.state, job.detail) == ("done", "")
    assert media(core, one.number).lasted_us == pytest.approx(20e6, abs=5e4)
    made = stored(core, files(core, one.number)[kind, ""], tmp_path)
    assert shown(made, "stream=nb_frames:format=duration", ("v",))["nb_frames"] == "20"
    (asked,) = ended(core, ask(core, VIDEO, one.number, format="mp4"))
    assert (asked.state, asked.detail) == ("done", "")


def test_every_form_of_sound_is_made(core: Core, recorded: int, tmp_path: Path) -> None:
    """S4-20: each is probed; sound that does not fit is encoded."""
    forms = {
        "copy": ({"codec": "copy"}, "aac", "aac"),
        "aac-48k": ({"codec": "aac"}, "aac", "mov,mp4,m4a,3gp,3g2,mj2"),
        "mp3-q2": ({"codec": "mp3", "quality": 2}, "mp3", "mp3"),
        "mp3-q9": ({"codec": "mp3", "quality": 9}, "mp3", "mp3"),
        "mp3-64k": ({"codec": "mp3", "bitrate": "64k"}, "mp3", "mp3"),
        "flac": ({"codec": "flac"}, "flac", "flac"),
    }
    jobs = [ask(core, AUDIO, recorded, **asked) for asked, _, _ in forms.values()]
    jobs.append(ask(core, AUDIO, recorded, codec="mp3", quality=2))  # asked for twice: there is one
    assert {job.state for job in ended(core, *jobs)} == {"done"}
    found = files(core, recorded)
    for variant, (_, codec, form) in forms.items():
        path = stored(core, found["audio", variant], tmp_path)
        said = shown(path, "format=format_name,duration:stream=codec_name")
        assert (said["codec_name"], said["format_name"]) == (codec, form), variant
        assert float(said["duration"]) == pytest.approx(4, abs=0.2), variant
    assert found["audio", "mp3-q9"].bytes < found["audio", "mp3-q2"].bytes
    rate = shown(stored(core, found["audio", "mp3-64k"], tmp_path), "stream=bit_rate")
    assert rate == {"bit_rate": "64000"}


def test_other_forms_of_a_film_are_made(core: Core, recorded: int, tmp_path: Path) -> None:
    """S0-19: MP4, WebM, HLS and a moving picture, as jobs."""
    asked = ({"format": "mp4", "height": 90}, {"format": "webm", "start_seconds": 1, "seconds": 2}, {"format": "hls"},
             {"format": "gif", "seconds": 2})  # fmt: skip
    jobs = ended(core, *(ask(core, VIDEO, recorded, **one) for one in asked))
    assert [(job.state, job.detail) for job in jobs] == [("done", "")] * 4
    found = files(core, recorded)
    mp4 = shown(stored(core, found["video", "mp4-90p"], tmp_path), "stream=codec_name,height:format=duration", ("v",))
    assert (mp4["codec_name"], mp4["height"], round(float(mp4["duration"]))) == ("h264", "90", 4)
    webm = shown(stored(core, found["video", "webm-1-2"], tmp_path), "stream=codec_name:format=duration", ("v",))
    assert (webm["codec_name"], float(webm["duration"])) == ("vp9", pytest.approx(2, abs=0.1))
    gif = shown(stored(core, found["preview", "gif-0-2"], tmp_path), "stream=codec_name,nb_read_frames", ("v",))
    assert gif["codec_name"] == "gif"
    stored(core, found["hls", "hls.mp4"], tmp_path)
    hls = stored(core, found["hls", "hls"], tmp_path)
    assert "#EXT-X-ENDLIST" in hls.read_text()
    assert float(shown(hls, "format=duration")["duration"]) == pytest.approx(4, abs=0.1)
