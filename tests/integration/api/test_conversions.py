"""S1-14, C-7: footage in other formats over HTTP: exact, in time, bounded, and ended with whoever asked."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest

from beeps import lags, make_beeping_film
from gatehouse_api.service import ApiService
from gatehouse_api.service import build as build_api
from gatehouse_common.db import FootageReader
from gatehouse_common.media.index_blob import decode_index
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from gatehouse_common.testing.recording import record_film
from gatehouse_common.timefmt import rfc3339
from pipeline_kit import START_US, add_camera, core_at, work_off
from running import wait_for
from server_kit import serving

SECOND = 1_000_000
MOST = 2
SPEC = FilmSpec(frames=240, width=320, height=180, gop=60, bframes=2)
RUNS = {
    "gap": (SPEC, 0, replace(SPEC, first=1000), 12 * SECOND),
    "codecs": (SPEC, 0, replace(SPEC, first=1000, codec="mjpeg", bframes=0, width=480, height=360), 8 * SECOND),
}
KINDS = ("format=webm", "format=mp4&codec=h264", "format=mkv")


@dataclass
class Site:
    core: Core
    service: ApiService

    def ask(self, camera: str, start: float, end: float, more: str, path: str = "/api/v1/footage", method: str = "GET"):
        times = f"from={quote(rfc3339(at(start)))}&to={quote(rfc3339(at(end)))}"
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=60)
        connection.request(method, f"{path}?camera={camera}&{times}&{more}")
        return connection, connection.getresponse()

    def get(self, camera: str, start: float, end: float, more: str, path: str = "/api/v1/footage"):
        connection, answer = self.ask(camera, start, end, more, path)
        body = answer.read()
        connection.close()
        return answer, body


def at(seconds: float) -> int:
    return START_US + round(seconds * SECOND)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    data = home / "data"
    settings = {"api.port": 0, "api.max_conversions": MOST, "api.max_conversion_range_seconds": 120}
    with core_at(data, **settings) as core:
        for camera, (first, begin, second, later) in RUNS.items():
            add_camera(core, camera)
            for spec, offset in ((first, begin), (second, later)):
                film = make_film(home / f"{camera}{offset}.mp4", spec)
                record_film(film, data, start_us=START_US + offset, chunk_us=3 * SECOND, camera=camera)
        again = make_film(home / "again.mp4", replace(SPEC, first=2000))
        record_film(again, data, start_us=at(16), chunk_us=3 * SECOND, camera="codecs")
        add_camera(core, "beeps")
        beeping = home / "aac.mp4"
        command = ["ffmpeg", "-v", "error", "-i", str(make_beeping_film(home / "beeps.mov", 12)), "-c:v", "copy"]
        subprocess.run([*command, "-c:a", "aac", str(beeping)], check=True)
        record_film(beeping, data, start_us=START_US, chunk_us=3 * SECOND, camera="beeps")
        add_camera(core, "large")
        large = make_film(home / "large.mp4", replace(SPEC, frames=1800, width=1280, height=720))
        record_film(large, data, start_us=START_US, camera="large")
        work_off(core)
        service = build_api(core)
        with serving(service):
            yield Site(core, service)


def decoded(body: bytes, path: Path) -> list[int]:
    """Return the frame numbers of a file, once the ffmpeg program has decoded it without a complaint."""
    path.write_bytes(body)
    # By their own times: at the rate that it takes a film with a gap for, two pictures would have one.
    times = ["-fps_mode", "passthrough", "-enc_time_base", "1:90000"]
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), *times, "-f", "null", "-"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return [n for n, _ in frame_numbers(path, raw=True)]


def children() -> list[int]:
    """Return the processes that this one has started to convert."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # threads and processes end while they are listed
            for child in (task / "children").read_text().split():
                if b"media.conversion" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


@pytest.mark.parametrize("more", KINDS)
@pytest.mark.parametrize(("start", "end"), [(0.0, 2.0), (1.234567, 5.7), (2.5, 2.6), (4.0, 7.9)])
def test_every_frame_of_the_range_and_no_other_is_in_the_file(
    site: Site, tmp_path: Path, start: float, end: float, more: str
) -> None:
    """By the numbers burned into them, decoded with no edit list looked at."""
    answer, body = site.get("gap", start, end, more)
    assert answer.status == 200
    first, last = int(start * 30 + 1e-6), -(-end * 30 // 1)
    wanted = list(range(first, int(last)))
    got = decoded(body, tmp_path / "made")
    # Matroska can hide nothing, and pictures between two others need the later one.
    assert got[: len(wanted)] == wanted
    assert len(got) - len(wanted) in ({0, 1, 2, 3} if "mkv" in more else {0})
    assert answer.headers["X-Footage-Start"] == rfc3339(at(first / 30))
    assert answer.headers["Content-Length"] is None
    kind = {"webm": "video/webm", "mkv": "video/x-matroska"}.get(more.removeprefix("format="), "video/mp4")
    assert answer.headers["Content-Type"] == kind
    extension = "mp4" if "h264" in more else more.removeprefix("format=")
    assert f'.{extension}"' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("more", KINDS)
def test_pictures_and_sound_are_where_they_were(site: Site, tmp_path: Path, more: str) -> None:
    """A tone begins within 20 ms of its picture, and pictures at their own time to a millisecond."""
    _, body = site.get("beeps", 1.3, 9.8, more)
    path = tmp_path / "made"
    path.write_bytes(body)
    found = lags(path)
    assert len(found) >= 7
    assert max(found, key=abs) == pytest.approx(0, abs=0.02)
    shown = frame_numbers(path)
    assert [n for n, _ in shown] == list(range(39, 294))
    assert [t for _, t in shown] == pytest.approx([k / 30 for k in range(255)], abs=0.0011)


@pytest.mark.parametrize("more", KINDS)
def test_a_gap_is_kept_or_skipped(site: Site, tmp_path: Path, more: str) -> None:
    wanted = [*range(180, 240), *range(1000, 1060)]
    answer, body = site.get("gap", 6, 14, more)
    assert json.loads(answer.headers["X-Footage-Gaps"]) == [[rfc3339(at(8)), rfc3339(at(12))]]
    assert decoded(body, tmp_path / "kept")[:120] == wanted
    shown = frame_numbers(tmp_path / "kept")
    assert shown[60][1] - shown[0][1] == pytest.approx(6, abs=0.002)
    _, body = site.get("gap", 6, 14, more + "&gaps=skip")
    assert decoded(body, tmp_path / "skipped")[:120] == wanted
    shown = frame_numbers(tmp_path / "skipped")
    assert shown[60][1] - shown[0][1] == pytest.approx(2, abs=0.002)


@pytest.mark.parametrize("more", KINDS[:2])
def test_another_codec_and_size_go_on_in_the_same_track(site: Site, tmp_path: Path, more: str) -> None:
    """With black edges, as the shape is another; Matroska, of which players show one track, is refused."""
    _, body = site.get("codecs", 6, 10, more)
    path = tmp_path / "made"
    path.write_bytes(body)
    shown = frame_numbers(path)
    assert len(shown) == 120
    assert [n for n, _ in shown[:60]] == list(range(180, 240))
    assert [t for _, t in shown] == pytest.approx([k / 30 for k in range(120)], abs=0.0011)
    refused, body = site.get("codecs", 6, 10, KINDS[2])
    assert refused.status == 400
    assert "ask for format=webm" in json.loads(body)["detail"]


@pytest.mark.parametrize("more", KINDS[:2])
def test_a_codec_that_comes_back_goes_on_too(site: Site, tmp_path: Path, more: str) -> None:
    _, body = site.get("codecs", 6, 18, more)
    path = tmp_path / "made"
    path.write_bytes(body)
    shown = frame_numbers(path)
    assert [n for n, _ in shown[:60]] == list(range(180, 240))
    assert len(shown) == 60 + 240 + 60
    assert [n for n, _ in shown[-60:]] == list(range(2000, 2060))


@pytest.mark.parametrize("more", KINDS[:2])
def test_a_damaged_picture_costs_itself_and_what_leans_on_it(site: Site, tmp_path: Path, more: str) -> None:
    """A packet that was lost on the way from a camera must not make an hour inconvertible."""
    stored = min((site.core.data_dir / "recordings" / "gap").rglob("*.mp4"))
    row = next(c for c in FootageReader(site.core.db).all_chunks() if c.key.endswith(stored.name))
    media = decode_index(FootageReader(site.core.db).sample_indexes([row.id])[row.id], row.key)
    video = media.tracks[0]
    good = stored.read_bytes()
    offset, size = int(video.off[20]), int(video.size[20])
    stored.write_bytes(good[: offset + 4] + b"\0" * (size - 4) + good[offset + size :])
    try:
        answer, body = site.get("gap", 0, 3, more)
    finally:
        stored.write_bytes(good)
    assert answer.status == 200
    path = tmp_path / "made"
    path.write_bytes(body)
    shown = [n for n, _ in frame_numbers(path)]
    assert {*range(15), *range(60, 90)} <= set(shown)


def test_whoever_leaves_ends_what_was_made_for_them(site: Site) -> None:
    connection, answer = site.ask("large", 0, 60, "format=webm")
    assert answer.read(1000)
    (child,) = children()
    assert os.getpriority(os.PRIO_PROCESS, child) == 10
    connection.close()
    answer.close()
    wait_for("the end of the process", lambda: not children(), 2)
    assert site.get("gap", 0, 1, "format=webm")[0].status == 200


def test_one_more_than_are_made_at_once_is_asked_to_come_again(site: Site) -> None:
    busy = [site.ask("large", 0, 60, "format=webm") for _ in range(MOST)]
    try:
        answer, body = site.get("gap", 0, 1, "format=webm")
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "ask again" in json.loads(body)["detail"]
        assert site.get("gap", 0, 1, "format=mp4")[0].status == 200
    finally:
        for connection, response in busy:
            connection.close()
            response.close()
    wait_for("the end of the processes", lambda: not children(), 2)


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ("format=avi", 422, "'mp4', 'webm' or 'mkv'"),
        ("format=", 422, "format"),
        ("codec=vp8", 422, "'source' or 'h264'"),
        ("format=webm&codec=h264", 400, "with format=mp4"),
        ("format=webm&gaps=split", 400, "gaps=split makes MP4 only"),
        ("format=mkv&format=%00", 200, ""),
    ],
)
def test_what_makes_no_sense_is_refused(site: Site, more: str, status: int, says: str) -> None:
    answer, body = site.get("gap", 0, 1, more)
    assert answer.status == status
    if status != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert says in json.loads(body)["detail"]


def test_a_range_that_is_too_long_to_be_made_at_once_is_told_so(site: Site) -> None:
    answer, body = site.get("large", 0, 121, "format=webm")
    assert answer.status == 413
    assert "at most 120 s" in json.loads(body)["detail"]
    assert site.get("large", 100, 101, "format=webm")[0].status == 404


def test_a_head_request_makes_nothing(site: Site) -> None:
    connection, answer = site.ask("gap", 0, 1, "format=webm", method="HEAD")
    assert (answer.status, answer.headers["Content-Type"], answer.read()) == (200, "video/webm", b"")
    connection.close()
    assert not children()


def test_the_older_route_takes_formats_too(site: Site, tmp_path: Path) -> None:
    answer, body = site.get("gap", 1, 2, "format=webm", "/footage")
    assert answer.status == 200
    assert decoded(body, tmp_path / "made") == list(range(30, 60))
    for more in ("format=avi", "codec=h265"):
        answer, body = site.get("gap", 1, 2, more, "/footage")
        assert (answer.status, answer.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
        assert b"must be" in body


def test_damaged_footage_is_told_as_such(site: Site) -> None:
    """A chunk's file that is gone: not an empty film, nor half of one that looks whole."""
    stored = sorted((site.core.data_dir / "recordings" / "codecs").rglob("*.mp4"))
    stored[0].rename(stored[0].with_suffix(".away"))
    try:
        answer, body = site.get("codecs", 0, 2, "format=webm")
        assert answer.status == 500
        assert "gone" in json.loads(body)["detail"]
    finally:
        stored[0].with_suffix(".away").rename(stored[0])


def test_footage_that_breaks_while_it_is_sent_does_not_look_whole(site: Site) -> None:
    """What was sent is only the beginning, and the client is told by the end of the connection."""
    (stored,) = sorted((site.core.data_dir / "recordings" / "large").rglob("*.mp4"))
    away = stored.with_suffix(".away")
    connection, answer = site.ask("large", 0, 60, "format=webm")
    try:
        assert answer.read(1000)
        stored.rename(away)
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    finally:
        away.rename(stored)
        connection.close()
    wait_for("the end of the process", lambda: not children(), 2)
