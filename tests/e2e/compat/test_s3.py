"""What the live-stream project's own description does with its server: pages and forms, as a browser sends them."""

from __future__ import annotations

import io
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from http.client import HTTPResponse
from uuid import uuid4

import av
import pytest

from backends import BACKENDS, backend, gatehouse_with
from running import Answer, Running, wait_for

pytestmark = pytest.mark.timeout(240)

ANN, BOB = "winter copper lantern 9", "violet engine harbour 7"


class Fields(HTMLParser):
    """What the inputs of a page hold, as a browser would send it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        name = found.get("name")
        if tag == "input" and name and not (found.get("type") == "checkbox" and "checked" not in found):
            self.values[name] = found.get("value") or ("on" if found.get("type") == "checkbox" else "")


class Visitor:
    """A browser with its cookies."""

    def __init__(self, gatehouse: Running) -> None:
        self.home = gatehouse.url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self.at = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask(urllib.request.Request(self.home + path, headers={"Accept": "text/html", **headers}))

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status == 200, (path, answer.status)
        return answer.body.decode()

    def post(self, path: str, origin: str | None = None, **fields: str) -> Answer:
        sent = urllib.parse.urlencode(fields).encode()
        headers = {"Origin": origin or self.home, "Accept": "text/html"}
        return self._ask(urllib.request.Request(self.home + path, sent, headers))

    def log_in(self, name: str, password: str) -> int:
        return self.post("/login", name=name, password=password).status

    @contextmanager
    def watching(self, camera: str) -> Iterator[str]:
        """Look at the live page until the end of the block, picture after picture; yield the id of the viewing."""
        found = re.search(
            rf'<img id="live" src="(/live/{camera}\.mjpg\?viewing=([^"]+))"', self.page(f"/view/{camera}")
        )
        assert found, "the live picture is an image"
        stream: HTTPResponse = self.opener.open(self.home + found[1], timeout=20)
        left = threading.Event()
        reader = threading.Thread(target=lambda: [stream.readline() for _ in iter(left.is_set, True)])
        assert stream.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        assert stream.readline().startswith(b"--frame")
        reader.start()
        try:
            yield found[2]
        finally:
            left.set()
            reader.join(10)
            stream.close()

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with self.opener.open(request, timeout=20) as answer:
                self.at = answer.url.removeprefix(self.home)
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())


@pytest.fixture(scope="module", params=BACKENDS)
def gatehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With people (S3-2): Ann, who came first and is an admin."""
    settings = {"GATEHOUSE_TIMEZONE": "UTC", "GATEHOUSE_AUTH__MODE": "local"}
    camera = "door=synthetic:?size=640x480&fps=15"
    with (
        backend(request.param, lambda: tmp_path_factory.mktemp("server")) as where,
        gatehouse_with(camera, tmp_path_factory.mktemp("s3"), awaited=False, **where, **settings) as running,
    ):
        ann = Visitor(running)
        ann.get("/")
        assert ann.at.startswith("/setup")
        assert ann.post("/setup", name="Ann", password=ANN, again=ANN).status == 200
        assert ann.at == "/"
        yield running


@pytest.fixture
def ann(gatehouse: Running) -> Visitor:
    visitor = Visitor(gatehouse)
    assert visitor.log_in("Ann", ANN) == 200
    return visitor


def save(visitor: Visitor, **changed: str) -> str:
    """Send the form of the settings with some of them changed; return the page that follows."""
    fields = {**Fields(visitor.page("/settings")).values, **changed}
    return visitor.post("/settings", **fields).body.decode()


def test_people_sign_up_log_in_and_log_out(gatehouse: Running, ann: Visitor) -> None:
    """S3-2: sign-up form, confirmation, log-in, log-out; an admin opens it, and lets people in."""
    bob = Visitor(gatehouse)
    bob.get("/signup")
    assert bob.at == "/login", "sign-up is closed"
    save(ann, **{"auth.sign_up": "on"})
    assert "Sign up" in bob.page("/signup")
    confirmed = bob.post("/signup", name="Bob", password=BOB, again=BOB).body.decode()
    assert "You have signed up." in confirmed
    assert bob.log_in("Bob", BOB) != 200
    (number,) = re.findall(r'action="/users/([^"/]+)"', ann.page("/users").partition("Bob")[2])[:1]
    assert ann.post(f"/users/{number}", deed="active").status == 200
    assert bob.log_in("Bob", BOB) == 200
    bob.post("/logout")
    bob.get("/logs")
    assert bob.at.startswith("/login")


def test_the_live_page_needs_a_log_in_and_serves_several_viewers(gatehouse: Running, ann: Visitor) -> None:
    """S3-3, S3-4, S3-16: `index` is an image fed by MJPEG; a row of the log for each viewing."""
    stranger = Visitor(gatehouse)
    stranger.get("/view/door")
    assert stranger.at.startswith("/login")
    assert stranger.get(f"/live/door.mjpg?viewing={uuid4()}", Accept="*/*").status == 401
    with ann.watching("door"), ann.watching("door"):
        wait_for("both in the log", lambda: ann.page("/logs").count("watches now") == 2)


def test_settings_show_what_is_set_and_saving_is_confirmed(ann: Visitor) -> None:
    """S3-5, S3-6: pictures a second, where recordings are, whether all sessions are recorded."""
    page = ann.page("/settings")
    fields = Fields(page).values
    assert fields["live.fps"] == "15"
    assert "live.record_sessions" not in fields, "not checked"
    assert "sessions/" in page, "where recordings are"
    assert "The settings have been saved" in save(ann, **{"live.fps": "5"})
    assert ann.at == "/settings/saved"
    assert Fields(ann.page("/settings")).values["live.fps"] == "5"
    assert "The settings have been saved" in ann.post("/settings", deed="reset").body.decode()
    assert Fields(ann.page("/settings")).values["live.fps"] == "15"


def test_a_session_is_recorded_found_watched_described_and_deleted(gatehouse: Running, ann: Visitor) -> None:
    """S3-7..S3-13, S3-17: `video_record_current`, `logs` with its dates, `delete_log_confirm`, `delete_log`."""
    with ann.watching("door") as viewing:
        asked = ann.post("/view/door/record", viewing=viewing, deed="start").body.decode()
        assert "This session is recorded from now on." in asked
        time.sleep(3)
        assert "Stop recording" in ann.page(f"/view/door?viewing={viewing}")
        ann.post("/view/door/record", viewing=viewing, deed="stop")
        number = re.findall(r'id="log-(\d+)"', ann.page("/logs"))[0]
    row = rf'id="log-{number}".*?</tbody>'

    def recorded() -> str | None:
        found = re.search(row, ann.page("/logs"), re.DOTALL)
        assert found
        return found[0] if 'data-state="stored"' in found[0] and "watches now" not in found[0] else None

    shown = wait_for("the recording in the log", recorded, 40)
    assert "Ann" in shown
    link = re.findall(r'href="([^"]+)" download', shown)[0]
    whole, part = ann.get(link), ann.get(link, Range="bytes=100-199")
    assert (part.status, part.body) == (206, whole.body[100:200]), "players seek in it"
    with av.open(io.BytesIO(whole.body)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        assert 30 <= sum(1 for _ in film.decode(video=0)) <= 15 * 8
    day = datetime.now(UTC).date()
    assert (gatehouse.data / "sessions" / str(day) / f"{number}.mp4").read_bytes() == whole.body
    assert link in ann.page(f"/logs/{number}"), "the page to watch it"
    for first, last, there in ((0, 0, True), (-1, 0, True), (0, 1, True), (-2, -1, False), (1, 2, False)):
        dates = {
            "date_range_start": str(day + timedelta(days=first)),
            "date_range_stop": str(day + timedelta(days=last)),
        }
        assert (f'id="log-{number}"' in ann.page("/logs?" + urllib.parse.urlencode(dates))) == there, dates
    assert "the postman" in ann.post(f"/logs/{number}", title="the postman", note="", tags="").body.decode()
    assert "Delete the postman" in ann.page(f"/logs/{number}/delete")
    assert ann.get(link).status == 200, "it has only been asked"
    assert ann.post(f"/logs/{number}/delete", origin="https://elsewhere.example").status == 403
    assert "have been deleted" in ann.post(f"/logs/{number}/delete").body.decode()
    assert ann.at.startswith("/logs?")
    assert ann.get(link).status == 404
    assert f'id="log-{number}"' not in ann.page("/logs")
