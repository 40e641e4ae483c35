"""A capture worker on another machine: its spool is read, and its live view passed on, over its inner address."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from gatehouse_api.app import close_app, create_app
from gatehouse_api.live import LiveDesk
from gatehouse_api.live_feed import LiveFeeds
from gatehouse_capture.service import build as build_capture
from gatehouse_capture.spool_keeper import SpoolKeeper
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Camera, CameraRepository, FootageReader
from gatehouse_common.errors import NotFound, Unavailable
from gatehouse_common.messages import Message
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.runtime.inner_address import InnerAddress
from gatehouse_common.settings import load
from gatehouse_common.storage import keys
from gatehouse_common.storage.remote_spool import RemoteSpool
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.timefmt import rfc3339
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import spool_files
from running import wait_for

TOKEN = "canary-token"
CAMERA = "synthetic:?fps=15&size=320x240"
SECOND = 1_000_000


@dataclass
class Machine:
    """A process as it would be on a machine of its own: nothing but the index and the store is shared."""

    core: Core
    supervisor: Supervisor


World = tuple[Machine, Machine, SpoolKeeper]


def settings_of(home: Path, name: str, **more: object) -> dict[str, object]:
    return {
        "data_dir": str(home / name),
        "database_url": f"sqlite:///{home}/index.db",
        "storage_url": f"file://{home}/store",
        "service.token": TOKEN,
        "recording.chunk_seconds": 4.0,
        "auth.mode": "open",
        **more,
    }


def pass_on(worker: Core, other: Core) -> None:
    """What a broker does: every message of the one is the other's too."""
    publish = worker.bus.publish

    def both(message: Message, body: bytes | memoryview | None = None) -> None:
        publish(message, body)
        other.bus.publish(message, body)

    worker.bus.publish = both  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("machines")
    at_work = load(settings_of(home, "worker", **{"service.listen": "127.0.0.1:0"}), environ={})
    inner = InnerAddress(at_work)
    worker = Core.open(at_work, SystemClock(), inner)
    rest = Core.open(load(settings_of(home, "rest"), environ={}), SystemClock())
    worker.db.upgrade()
    CameraRepository(worker.db).add(Camera(id="cam", url=CAMERA, created_us=worker.clock.now_us()))
    pass_on(worker, rest)
    keeper = build_spool(worker)
    there = Machine(worker, Supervisor([inner, keeper, build_capture(worker)], worker.clock))
    here = Machine(rest, Supervisor([build_indexer(rest), build_segmenter(rest)], rest.clock))
    for machine in (here, there):
        machine.supervisor.start()
    wait_for("two chunks in the store", lambda: len(list((home / "store").rglob("recording_*.mp4"))) >= 2, 30)
    yield there, here, keeper
    assert there.supervisor.stop()
    assert here.supervisor.stop()
    for machine in (there, here):
        machine.core.close()


def ask(url: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", f"/{path}", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def open_key(core: Core) -> str:
    return FootageReader(core.db).open_chunks("cam")[-1].key


def test_chunks_are_stored_from_another_machine_and_leave_its_spool(world: World) -> None:
    """W-2: the segmenter copies by ranges; the worker frees its spool by what the index says."""
    there, here, keeper = world
    stored = [c for c in FootageReader(here.core.db).all_chunks() if c.state == "stored"]
    assert len(stored) >= 2
    for chunk in stored:
        path = here.core.store.local_path(chunk.key)
        assert path is not None
        numbers = [n for n, _ in frame_numbers(path)]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))

    def left() -> int:
        keeper.look()  # nobody waits a quarter of a minute for it here
        return len(spool_files(there.core.data_dir))

    wait_for("the spool to have what is written, and what is sent", lambda: left() <= 2)
    assert spool_files(here.core.data_dir) == []


def test_footage_reaches_the_live_edge_of_another_machine(world: World) -> None:
    """S1-14: a cut over a stored chunk and the open one is exact, and ends a second ago at the most."""
    _, here, _ = world
    app = create_app(here.core)
    end = here.core.clock.now_us()
    url = f"/api/v1/footage?camera=cam&from={rfc3339(end - 7 * SECOND)}&to={rfc3339(end)}"
    answer = app.test_client().get(url)
    assert answer.status_code == 200, answer.data
    film = here.core.data_dir / "film.mp4"
    film.write_bytes(answer.data)
    numbers = [n for n, _ in frame_numbers(film)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert 7 * 15 - 15 <= len(numbers) <= 7 * 15 + 1
    part = app.test_client().get(url, headers={"Range": "bytes=-1000"})
    assert part.status_code == 206
    close_app(app)


def test_live_view_is_passed_on(world: World) -> None:
    _, here, _ = world
    desk = LiveDesk(LiveFeeds(here.core), here.core.clock, 4)
    for kind, least in (("media", 30), ("preview", 10)):
        with desk.watch("cam", kind) as hub:  # type: ignore[arg-type]
            wait_for(f"{kind}", lambda hub=hub, least=least: hub.newest >= least, 15)
            found = hub.next_after(0, 1)
            assert [one.number for one in found] == list(range(1, len(found) + 1))
            if kind == "media":
                assert all(b.start_dts > a.start_dts for a, b in pairwise(found))
                assert found[0].data[4:8] == b"moof"
            else:
                assert found[0].data[:2] == b"\xff\xd8"


def test_ranges_lists_and_indexes(world: World) -> None:
    there, here, _ = world
    spool = here.core.spools.at(there.core.spools.own_url)
    key = open_key(here.core)
    assert key in [info.key for info in spool.list()]
    size = spool.stat(key).size
    data = (there.core.data_dir / key).read_bytes()[:size]
    assert spool.read(key, 0, size) == data
    assert spool.read(key, 100, 50) == data[100:150]
    assert spool.pread(key, size - 10, 10) == data[-10:]
    assert spool.pread(key, 1 << 40, 10) == b""
    wait_for("a whole part", lambda: spool.index(open_key(here.core)))


@pytest.mark.parametrize(
    "path",
    [
        "spool/../cameras.json",
        "spool/%2e%2e/cameras.json",
        "spool/cam/../../cameras.json",
        "spool//etc/passwd",
        "index/spool/cam/x/1.mp4",
        "index/cameras.json",
        "live/cam/everything",
        "nothing",
        "spool/cam/" + "0" * 36 + "/1.mp4",
    ],
)
def test_nothing_else_is_given_out(world: World, path: str) -> None:
    there, _, _ = world
    status, body = ask(there.core.spools.own_url, path, {"Authorization": f"Bearer {TOKEN}"})
    assert status == 404, body


def test_only_who_shows_the_token_is_answered(world: World) -> None:
    there, here, _ = world
    url, key = there.core.spools.own_url, open_key(here.core)
    for path in (key, "spool", f"index/{key}", "live/cam/media"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}):
            assert ask(url, path, headers)[0] == 401
    with pytest.raises(Unavailable, match="does not know our token"):
        RemoteSpool(url, "wrong").stat(key)
    for open_path in ("livez", "readyz", "metrics"):
        status, body = ask(url, open_path, {})
        assert status == 200, body
        assert TOKEN.encode() not in body


def test_a_worker_that_is_away_is_named() -> None:
    spool = RemoteSpool("http://127.0.0.1:9", TOKEN)
    key = keys.spool("cam", "0" * 36, 1)
    started = time.monotonic()
    for call in (lambda: spool.stat(key), lambda: spool.read(key), lambda: spool.index(key), spool.list):
        with pytest.raises(Unavailable, match=r"http://127.0.0.1:9"):
            call()
    assert time.monotonic() - started < 5


def test_a_file_that_is_freed_while_it_is_asked_for_is_not_found(world: World) -> None:
    there, here, _ = world
    spool = here.core.spools.at(there.core.spools.own_url)
    with pytest.raises(NotFound):
        spool.read(keys.spool("cam", "0" * 36, 1))
