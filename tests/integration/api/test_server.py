"""The web server itself, over sockets: resuming, endless answers, its limits, its end and its second beginning."""

from __future__ import annotations

import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_api.service import ApiService, build
from gatehouse_common.errors import Conflict
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import frame_numbers
from pipeline_kit import START_US, add_camera, core_at, record, work_off
from running import wait_for
from server_kit import get, serving, status

VIEWERS = 3
FOOTAGE = f"/api/v1/footage?camera=cam&from={START_US // 10**6 + 1}&to={START_US // 10**6 + 9}"


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    home = tmp_path_factory.mktemp("server")
    limits = {"api.port": 0, "api.threads": 8, "api.max_live_viewers": VIEWERS}
    with core_at(home / "data", **limits) as opened:
        add_camera(opened)
        record(home / "data", home, frames=300, chunk_us=4_000_000)
        work_off(opened)
        yield opened


@pytest.fixture
def service(core: Core) -> Iterator[ApiService]:
    made = build(core)
    with serving(made):
        yield made


def test_curl_resumes_a_download_that_broke(service: ApiService, tmp_path: Path) -> None:
    """`curl -C -`: what was broken off is completed, byte for byte."""
    url = f"http://127.0.0.1:{service.port}{FOOTAGE}"
    whole = get(service, FOOTAGE)
    target = tmp_path / "film.mp4"
    for broken in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        target.write_bytes(whole[:broken])
        done = subprocess.run(
            ["curl", "-sS", "-f", "-C", "-", "-o", str(target), url], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert target.read_bytes() == whole
    assert [n for n, _ in frame_numbers(target.read_bytes())] == list(range(30, 270))


def test_a_client_that_goes_away_takes_nothing_with_it(service: ApiService) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", service.port)) as client:
            client.sendall(f"GET {FOOTAGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            client.recv(100)
    assert get(service, FOOTAGE)


def test_the_viewer_beyond_the_last_is_told_and_footage_goes_on(service: ApiService) -> None:
    path = "/live/cam.mjpg"
    viewers = [urllib.request.urlopen(f"http://127.0.0.1:{service.port}{path}", timeout=10) for _ in range(VIEWERS)]
    try:
        for viewer in viewers:
            assert viewer.read(8).startswith(b"--frame")
        for refused in (path, "/api/v1/live/cam.mp4", "/api/v1/cameras/cam/stream.mjpg"):
            assert status(service, refused) == 503
        assert status(service, FOOTAGE) == 200
    finally:
        for viewer in viewers:
            viewer.close()
    wait_for("room", lambda: status(service, path) == 200, 20)


def test_it_ends_with_viewers_that_never_would(core: Core) -> None:
    """An endless answer must not hold up the end of the process."""
    service = build(core)
    viewers = []
    with serving(service) as stop:
        for _ in range(VIEWERS):
            viewers.append(urllib.request.urlopen(f"http://127.0.0.1:{service.port}/live/cam.mjpg", timeout=10))
            viewers[-1].read(8)
        stop.set()
    for viewer in viewers:
        viewer.close()


def test_it_serves_again_after_a_run_that_failed(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that failed is run again by its supervisor, at the same address."""
    service = build(core)
    port = service.port
    with serving(service):
        pass
    with serving(service):
        assert service.port == port
        assert status(service, FOOTAGE) == 200


def test_a_port_in_use_is_told_before_it_serves(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = {"api.port": other.getsockname()[1]}
        with core_at(tmp_path / "data", **port) as core, pytest.raises(Conflict, match="is in use"):
            build(core)


def test_requests_are_bounded(service: ApiService) -> None:
    assert status(service, "/livez", Cookie="x" * 100_000) in {400, 413, 431, 0}
    assert status(service, "/livez?" + "x" * 100_000) in {400, 413, 414, 0}
    assert status(service, "/livez", Host="evil.example") == 421
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        client.sendall(b"POST /api/v1/cameras HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
        assert b" 413 " in client.recv(100)
    assert status(service, "/livez") == 200
