"""What the blob-upload project's own description and client do with its server, against a running Gatehouse."""

from __future__ import annotations

import base64
import io
import json
import random
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import sync_playwright

from backends import BACKENDS, backend, gatehouse_with
from browser_kit import FLAGS, chromium
from burned_in import luma_number
from recorder_film import FORMS, recorded
from running import Running, wait_for

pytestmark = pytest.mark.timeout(240)

BLOB = 64 << 10  # a film of seconds is some hundred KiB; the project's own client sends 1 MB
ONE = {"msg": "Video blob received successfully!"}
ALL = "Video blobs received successfully and video is being processed!"


@pytest.fixture(scope="module")
def film() -> bytes:
    """What the project's extension has to send: a WebM of MediaRecorder, without a duration, with sound."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        made = recorded(browser, 6, {"vp8-webm": FORMS["vp8-webm"]})["vp8-webm"]
        browser.close()
    with av.open(io.BytesIO(made)) as container:
        assert container.duration is None
    return made


@pytest.fixture(scope="module", params=BACKENDS)
def gatehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """All in one process, on SQLite and a journal; or on RabbitMQ and MariaDB (S4-19, S4-23: only URLs to set)."""
    with (
        backend(request.param, lambda: tmp_path_factory.mktemp("server")) as where,
        gatehouse_with("street=synthetic:?size=320x180&fps=5", tmp_path_factory.mktemp("s4"), **where) as running,
    ):
        yield running


def call(gatehouse: Running, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, Any]:
    headers = {"Content-Type": kind} if kind else {}
    asked = urllib.request.Request(gatehouse.url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def post(gatehouse: Running, path: str, told: dict[str, Any]) -> tuple[int, Any]:
    return call(gatehouse, "POST", path, json.dumps(told).encode(), "application/json")


def blob(number: int, data: bytes, name: str, *, last: bool = False) -> dict[str, str]:
    """The body of a blob as the project's client makes it: every value is a string."""
    return {
        "blobId": str(number),
        "username": "cofucan",
        "filename": name,
        "blobObject": base64.b64encode(data).decode(),
        "is_last": str(last),
    }


def form(**parts: str | bytes) -> tuple[bytes, str]:
    """A form of texts and files, and its type."""
    mark, lines = uuid.uuid4().hex, []
    for name, value in parts.items():
        file = b'; filename="blob"\r\nContent-Type: video/webm' if isinstance(value, bytes) else b""
        data = value if isinstance(value, bytes) else value.encode()
        lines.append(b'--%b\r\nContent-Disposition: form-data; name="%b"%b' % (mark.encode(), name.encode(), file))
        lines[-1] += b"\r\n\r\n" + data + b"\r\n"
    return b"".join([*lines, b"--%b--\r\n" % mark.encode()]), f"multipart/form-data; boundary={mark}"


def blobs_of(film: bytes) -> list[tuple[int, bytes]]:
    return [(n, film[at : at + BLOB]) for n, at in enumerate(range(0, len(film), BLOB), 1)]


def listed(gatehouse: Running, video: int, user: str = "cofucan") -> dict[str, Any]:
    status, videos = call(gatehouse, "GET", f"/srce/api/videos/{user}")
    assert status == 200
    return next((one for one in videos if one["id"] == video), {})


def processed(gatehouse: Running, video: int, user: str = "cofucan") -> dict[str, Any]:
    """Wait until a video is ready; return it as it is listed."""

    def ready() -> dict[str, Any] | None:
        one = listed(gatehouse, video, user)
        assert one["status"] in {"queued", "merging", "processing", "ready"}, one
        return one if one["status"] == "ready" else None

    return wait_for("processed video", ready, 90)


def numbers(data: bytes) -> list[int]:
    """The numbers that were burned into the pictures of a film."""
    with av.open(io.BytesIO(data)) as container:
        return [luma_number(frame) for frame in container.decode(video=0)]


def file_of(gatehouse: Running, video: int, kind: str) -> bytes:
    answer = gatehouse.get(f"/api/v1/media/{video}/download", kind=kind)
    assert answer.status == 200, answer.body[:300]
    return answer.body


def test_the_script_of_the_description(gatehouse: Running, film: bytes) -> None:
    """S4-1, S4-2, S4-3, S4-4, S4-9, S4-10, S4-12, S4-14, S4-21: blobs from 1 on, of which the last says so.

    Then the file is processed, listed, played and deleted.
    """
    *parts, (last, rest) = blobs_of(film)
    for number, data in parts:
        assert post(gatehouse, "/upload_blob/", blob(number, data, "projectdemo")) == (200, ONE)
    status, said = post(gatehouse, "/upload_blob/", blob(last, rest, "projectdemo", last=True))
    assert (status, said["msg"]) == (200, ALL)
    video = said["video_data"]
    assert (video["username"], video["file_type"], video["status"]) == ("cofucan", "webm", "queued")

    one = processed(gatehouse, video["id"])
    assert one["original_location"] == video["original_location"]
    assert one["thumbnail_location"] == video["thumbnail_location"]
    assert file_of(gatehouse, video["id"], "original") == film
    with av.open(io.BytesIO(file_of(gatehouse, video["id"], "thumbnail"))) as picture:
        luma = next(picture.decode(video=0)).to_ndarray(format="gray")
    assert luma.mean() > 20
    assert luma.std() > 5

    played = gatehouse.get(f"/srce/api/video/stream/{video['id']}")
    assert played.status == 200
    with av.open(io.BytesIO(played.body)) as container:
        assert container.duration is not None
        assert 4 < container.duration / av.time_base < 9
    assert numbers(played.body) == numbers(film)
    middle = gatehouse.ask("GET", f"/srce/api/video/stream/{video['id']}", Range="bytes=1000-1999")
    assert (middle.status, middle.body) == (206, played.body[1000:2000])

    assert call(gatehouse, "DELETE", f"/srce/api/video/{video['id']}") == (200, {"msg": "Video deleted successfully!"})
    assert listed(gatehouse, video["id"]) == {}
    assert gatehouse.get(f"/srce/api/video/stream/{video['id']}").status == 404


def test_blobs_in_any_order_at_once_and_doubled(gatehouse: Running, film: bytes) -> None:
    """S4-5, S4-6: the last may come first; what is sent twice counts once; other content under a number is refused."""
    parts = blobs_of(film)
    last, chance = parts[-1][0], random.Random(4)
    rest = [*parts[:-1], *chance.sample(parts, max(1, len(parts) * 3 // 10))]
    chance.shuffle(rest)

    def send(one: tuple[int, bytes]) -> tuple[int, Any]:
        return post(gatehouse, "/upload_blob", blob(*one, "permuted", last=one[0] == last))

    assert send(parts[-1]) == (200, ONE)
    assert post(gatehouse, "/upload_blob", blob(last, b"other", "permuted", last=True)) == (
        409,
        {"detail": f"blob {last} already stored with other content"},
    )
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(send, rest))
    assert {status for status, _ in told} == {200}
    videos = [said["video_data"] for _, said in told if "video_data" in said]
    assert len({video["id"] for video in videos}) == 1
    again = send(parts[-1])
    assert again == (200, {"msg": ALL, "video_data": videos[0]})
    processed(gatehouse, videos[0]["id"])
    assert file_of(gatehouse, videos[0]["id"], "original") == film


def test_forms_data_urls_and_an_end_that_nobody_named(gatehouse: Running, film: bytes) -> None:
    """S4-2, S4-7: a form with a file, a data URL, real numbers; then the end is said."""
    (first, head), *rest = blobs_of(film)
    body, kind = form(blobId=str(first), username="Cofucan", filename="forms", blobObject=head, is_last="false")
    assert call(gatehouse, "POST", "/srce/api/upload_blob/", body, kind) == (200, ONE)
    for number, data in rest:
        url = "data:video/webm;base64," + base64.b64encode(data).decode()
        told = {**blob(number, b"", "forms"), "blobId": number, "blobObject": url, "is_last": False}
        assert post(gatehouse, "/srce/api/upload_blob/", told) == (200, ONE)
    told = {"username": "cofucan", "filename": "forms"}
    status, said = post(gatehouse, "/upload_blob/complete", told)
    assert (status, said["msg"]) == (200, ALL)
    processed(gatehouse, said["video_data"]["id"])
    assert file_of(gatehouse, said["video_data"]["id"], "original") == film
    assert post(gatehouse, "/upload_blob/complete", told) == (200, said)


def test_a_whole_file_and_its_sound(gatehouse: Running, film: bytes) -> None:
    """S4-11, S4-20, S4-21: the route of whole files; each user's are their own; sound as AAC, which Opus is not."""
    body, kind = form(file=film)
    status, said = call(gatehouse, "POST", "/srce/api/upload/?username=Diana", body, kind)
    assert status == 200
    video = said["video_data"]["id"]
    assert processed(gatehouse, video, "diana")["username"] == "diana"
    assert listed(gatehouse, video) == {}
    status, job = post(gatehouse, f"/api/v1/media/{video}/audio", {"codec": "copy"})
    assert status == 202, job

    def sound() -> bytes | None:
        answer = gatehouse.get(f"/api/v1/media/{video}/download", kind="audio")
        return answer.body if answer.status == 200 else None

    with av.open(io.BytesIO(wait_for("sound", sound, 60))) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["aac"]
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert 4 < seconds < 9


def test_what_is_no_video_is_refused_and_leaves_nothing(gatehouse: Running) -> None:
    """S4-13, S4-18."""
    status, said = post(gatehouse, "/upload_blob/", blob(1, b"GIF89a but not a film" * 99, "rubbish", last=True))
    assert status == 400
    assert "Invalid video file" in json.dumps(said)
    assert not [path for path in Path(gatehouse.data).rglob("*") if "rubbish" in path.name]
    for wrong in ({"blobObject": "%%%"}, {"blobId": "-1"}, {"is_last": "maybe"}, {"filename": ""}):
        status, said = post(gatehouse, "/upload_blob/", {**blob(1, b"x", "wrong"), **wrong})
        assert status in {400, 422}, (wrong, status)
        assert said["detail"]
