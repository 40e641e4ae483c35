"""The pictures of many cameras over one connection: whose they are, which of them, and to whom."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import simplejpeg
from flask import Flask
from werkzeug.test import TestResponse

from access_kit import GATE, YARD, access_site, add_user
from access_kit import AccessSite as Site
from gatehouse_api.context import context
from gatehouse_api.live_grid import narrowed
from gatehouse_api.service import build
from gatehouse_common.accounts import Grant, Permission, Role
from gatehouse_common.db import Audit, Users
from gatehouse_common.messages import LivePreview
from gatehouse_common.observability.metrics import LIVE_PLACES
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import parse
from pipeline_kit import START_US, add_camera, core_at, record, work_off
from running import wait_for
from server_kit import serving, status

GRID = "/api/v1/live/grid"
LIGHT = {"gate": 60, "yard": 180}
"""How light the pictures are that a camera shows, so that each tells whose it is."""
VIEWERS = 2


@dataclass(frozen=True)
class Shown:
    """A part of the answer."""

    camera: str
    at_us: int
    jpeg: bytes

    @property
    def light(self) -> float:
        return float(simplejpeg.decode_jpeg(self.jpeg, "GRAY").mean())


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    home = tmp_path_factory.mktemp("grid")
    with core_at(home / "data", **{"api.port": 0, "api.threads": 8, "api.max_live_viewers": VIEWERS}) as opened:
        for camera in ("gate", "yard", "film"):
            add_camera(opened, camera)
        record(home / "data", home, camera="film", frames=90)
        work_off(opened)
        yield opened


def picture(light: int, width: int = 640, height: int = 360) -> bytes:
    made: bytes = simplejpeg.encode_jpeg(np.full((height, width, 3), light, np.uint8), 80, "RGB", "420")
    return made


def show(core: Core, camera: str, at_us: int, jpeg: bytes) -> None:
    core.live.publish(LivePreview(camera=camera, time_us=at_us, width=640, height=360), jpeg)


def shown(piece: bytes) -> Shown | None:
    """A part as the wire has it; None for a sign of life."""
    head, _, body = piece.partition(b"\r\n\r\n")
    assert head.startswith(b"--frame\r\nContent-Type: image/jpeg\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    jpeg = body[:-2]
    assert int(fields["Content-Length"]) == len(jpeg)
    if not jpeg:
        return None
    return Shown(fields["X-Camera"], parse(fields["X-Picture-Time"], ZoneInfo("UTC")), jpeg)


def watched(app: Flask, query: str, **headers: str) -> TestResponse:
    answer = app.test_client().get(f"{GRID}?{query}", headers=headers, buffered=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "multipart/mixed; boundary=frame"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer


class Showing:
    """Cameras that show a picture each so often, all of them at once, until the end of a `with`."""

    def __init__(self, core: Core, rate: float, jpegs: dict[str, bytes]) -> None:
        self._core, self._rate, self._jpegs = core, rate, jpegs
        self.count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._stop.wait(1 / self._rate):
            self.count += 1
            for camera, jpeg in self._jpegs.items():
                show(self._core, camera, START_US + self.count, jpeg)


def test_each_picture_is_of_its_camera_and_they_move_on(core: Core, app: Flask) -> None:
    """S3-16: of two cameras over one connection, none is taken for the other's, and none comes twice or too late."""
    with watched(app, "cameras=gate,yard&fps=15&width=320") as answer:
        pieces = iter(answer.response)
        with Showing(core, 30, {camera: picture(light) for camera, light in LIGHT.items()}):
            found = [one for one in (shown(next(pieces)) for _ in range(40)) if one]
    for camera, light in LIGHT.items():
        own = [one for one in found if one.camera == camera]
        assert len(own) >= 10
        assert all(abs(one.light - light) < 3 for one in own)
        times = [one.at_us for one in own]
        assert times == sorted(set(times))
    assert {simplejpeg.decode_jpeg_header(one.jpeg)[1] for one in found} == {320}


def test_no_camera_shows_more_than_is_asked_for(core: Core, app: Flask) -> None:
    """A camera of thirty pictures a second takes no more of a slow line than one of four."""
    with watched(app, "cameras=gate&fps=4") as answer:
        pieces = iter(answer.response)
        with Showing(core, 30, {"gate": picture(60)}):
            next(pieces)
            began = time.monotonic()
            for _ in range(8):
                next(pieces)
            took = time.monotonic() - began
    assert 1.6 < took < 4


def test_a_camera_that_is_away_shows_its_last_picture_and_signs_follow(app: Flask) -> None:
    """Somebody looks at what was there last, and a connection on which nothing comes is known to be good."""
    with watched(app, "cameras=film,gate") as answer:
        pieces = iter(answer.response)
        first = shown(next(pieces))
        assert first is not None
        assert first.camera == "film"
        assert first.at_us > START_US
        assert shown(next(pieces)) is None


@pytest.mark.parametrize(
    "query",
    [
        "cameras=gate&width=0",
        "cameras=gate&width=-1",
        "cameras=gate&width=100000",
        "cameras=gate&width=x",
        "cameras=gate&fps=0",
        "cameras=gate&fps=-1",
        "cameras=gate&fps=nan",
        "cameras=gate&fps=inf",
        "cameras=gate&fps=1e99",
        "cameras=gate&fps=%00",
        "cameras=" + ",".join(f"c{n}" for n in range(1000)),
        "cameras=" + ",".join(f"c{n}" for n in range(65)),
        "cameras=" + "x" * 5000,
    ],
)
def test_what_cannot_be_shown_is_refused(app: Flask, query: str) -> None:
    answer = app.test_client().get(f"{GRID}?{query}")
    assert answer.status_code in {400, 422}
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "named", ["nobody", "gate,nobody", "GATE", "..", "%00", "gate%0a", "%F0%9F%98%80", "' or 1=1--"]
)
def test_a_camera_that_is_not_there_is_not_found(app: Flask, named: str) -> None:
    assert app.test_client().get(f"{GRID}?cameras={named}").status_code == 404


def test_a_picture_that_is_none_is_passed_over(core: Core, app: Flask) -> None:
    """What one camera sends damaged takes nothing from the others."""
    with watched(app, "cameras=gate,yard&fps=15") as answer:
        pieces = iter(answer.response)
        with Showing(core, 20, {"gate": b"no picture", "yard": picture(180)}):
            found = [shown(next(pieces)) for _ in range(8)]
    assert {one.camera for one in found if one} == {"yard"}


def test_a_grid_is_one_view_however_many_cameras_it_shows(core: Core, app: Flask) -> None:
    """A view holds a thread, and there are so many threads: sixteen tiles are one of them, and are counted as one."""
    before = LIVE_PLACES._value.get()
    with watched(app, "cameras=gate,yard,film") as first, watched(app, "") as second:
        held = [iter(first.response), iter(second.response)]
        for pieces in held:
            next(pieces)
        assert LIVE_PLACES._value.get() - before == VIEWERS
        with app.app_context():
            assert context().live.full()
        assert app.test_client().get(f"{GRID}?cameras=gate").status_code == 503
        assert app.test_client().get("/api/v1/cameras").status_code == 200
    with app.app_context():
        assert not context().live.full()
    assert LIVE_PLACES._value.get() == before
    assert core.data_dir.exists()


def test_a_slow_viewer_gets_the_newest_and_not_what_waited(core: Core) -> None:
    """Who reads slowly misses pictures; what comes next is of now, but for what the system had on its way."""
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    heavy = simplejpeg.encode_jpeg(noise, 80, "RGB", "420")
    assert len(heavy) > 400_000
    service = build(core)
    with serving(service), Showing(core, 30, {"gate": heavy}) as showing:
        with socket.create_connection(("127.0.0.1", service.port)) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            raw.sendall(f"GET {GRID}?cameras=gate&width=1280&fps=15 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            with http.client.HTTPResponse(raw) as answer:  # to its end: as long as it is open, so is the connection
                answer.begin()
                assert read_part(answer).camera == "gate"
                time.sleep(3)
                awake = showing.count
                numbers = [read_part(answer).at_us - START_US for _ in range(12)]
        old = [n for n in numbers if n < awake - 15]
        assert awake > 60
        assert len(old) <= 4, (awake, numbers)
        assert numbers[-1] > awake
        wait_for("room", lambda: status(service, "/live/film.mjpg") == 200, 20)


def read_part(answer: http.client.HTTPResponse) -> Shown:
    while True:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += answer.read(1)
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found = shown(head + answer.read(length + 2))
        if found is not None:
            return found


def test_pictures_are_made_no_smaller_than_asked(tmp_path: Path) -> None:
    jpeg = picture(90, 1280, 720)
    for width in (64, 100, 320, 480, 640, 1000, 1280):
        columns = simplejpeg.decode_jpeg_header(narrowed(jpeg, width))[1]
        assert width <= columns <= max(width * 1.3, width + 160)
    assert narrowed(jpeg, 1280) is jpeg
    small = picture(90, 320, 180)
    assert narrowed(small, 480) is small


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with access_site(tmp_path_factory.mktemp("grid-access")) as made:
        yield made


def grid_of(site: Site, who: Any, query: str) -> TestResponse:
    return site.client().get(f"{GRID}?{query}", headers=dict(who.headers), buffered=False)


def test_only_what_was_granted_is_shown(site: Site) -> None:
    """R8: without names it is what there is for whoever asks; a name that is not there for them is not found."""
    one = add_user(site.core, "grid viewer", Role.VIEWER, {GATE: frozenset({Permission.LIVE})})
    assert grid_of(site, one, f"cameras={YARD}").status_code == 404
    assert grid_of(site, one, f"cameras={GATE},{YARD}").status_code == 404
    with grid_of(site, one, "fps=15") as answer:
        pieces = iter(answer.response)
        first = shown(next(pieces))
        assert first is not None
        with Showing(site.core, 20, {YARD: picture(180), GATE: picture(60)}):
            found = [first, *(shown(next(pieces)) for _ in range(6))]
    assert {part.camera for part in found if part} == {GATE}


def test_a_camera_that_is_taken_away_goes_and_the_others_stay(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatehouse_api.auth.standing.AGAIN_US", 0)
    monkeypatch.setattr("gatehouse_api.live_grid._LOOK_S", 0.1)
    grants = {camera: frozenset({Permission.LIVE}) for camera in (GATE, YARD)}
    one = add_user(site.core, "grid loser", Role.VIEWER, grants)
    users = Users(site.core.db)
    user = users.named("grid loser")
    assert user is not None
    with grid_of(site, one, f"cameras={GATE},{YARD}&fps=15") as answer:
        pieces = iter(answer.response)
        with Showing(site.core, 20, {YARD: picture(180), GATE: picture(60)}):
            assert {part.camera for part in (shown(next(pieces)) for _ in range(8)) if part} == {GATE, YARD}
            users.grant(user.id, [Grant(GATE, frozenset({Permission.LIVE}))])
            late = [shown(next(pieces)) for _ in range(20)]
            assert {part.camera for part in late[10:] if part} == {GATE}
            users.grant(user.id, [])
            assert len(list(pieces)) < 10


def test_which_cameras_were_watched_is_written_down_to_the_last(site: Site) -> None:
    """The audit log tells who watched which cameras, not only which was looked up last."""
    many = ",".join([GATE, YARD] * 60)
    with grid_of(site, site.callers["admin"], f"cameras={many}") as answer:
        next(iter(answer.response))
    found = [one for one in Audit(site.core.db).entries() if one.deed.action == "live.viewed"]
    assert found[0].deed.detail["cameras"] == many
