"""From the spool into a bucket and out of it again: the same footage as from a directory, byte for byte."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from gatehouse_api.app import close_app, create_app
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.bus import Delivery
from gatehouse_common.db import FootageReader
from gatehouse_common.media.adopt import adopt
from gatehouse_common.messages import ChunkClosed, ChunkStored
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.storage import keys
from gatehouse_common.storage.s3 import S3Store
from gatehouse_common.storage.s3.multipart import unfinished
from gatehouse_common.timefmt import rfc3339
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import START_US, add_camera, core_at, record, rows, spool_files, work_off
from running import wait_for
from s3_server import Bucket, Swift, bucket, swift

SECOND = 1_000_000
FIRST = "recordings/cam/2024-05-17/recording_20240517_102300.mp4"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with bucket(tmp_path_factory.mktemp("s3") / "server") as made:
        yield made


@pytest.fixture
def there(server: Bucket) -> Bucket:
    return server.below(f"site-{time.time_ns()}")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Swift]:
    with swift(tmp_path / "server") as made:
        yield made


def stored(core: Core) -> list[str]:
    return [info.key for info in core.store.list(keys.RECORDINGS) if info.key.endswith(".mp4")]


def footage(app: Flask, start_us: int, end_us: int, **headers: str) -> tuple[int, bytes, str]:
    url = f"/api/v1/footage?camera=cam&from={rfc3339(start_us)}&to={rfc3339(end_us)}"
    answer = app.test_client().get(url, headers=headers)
    return answer.status_code, answer.data, answer.headers.get("ETag", "")


def put_into_spool(core: Core, films: Path, frames: int = 300) -> list[ChunkClosed]:
    add_camera(core)
    taken = record(core.data_dir, films, frames=frames, chunk_us=4 * SECOND)
    for message in taken.closed:
        core.bus.publish(message)
    return taken.closed


def test_footage_from_a_bucket_is_that_from_a_directory(there: Bucket, tmp_path: Path) -> None:
    """W-2, S1-10: chunks leave the spool for the bucket, and slices of them are the same bytes, range by range."""
    with core_at(tmp_path / "data", **there.settings()) as core, core_at(tmp_path / "local") as local:
        closed = put_into_spool(core, tmp_path)
        for message in closed:  # the same chunks, by the same ids
            (local.data_dir / message.key).parent.mkdir(parents=True, exist_ok=True)
            (local.data_dir / message.key).write_bytes((core.data_dir / message.key).read_bytes())
            local.bus.publish(message)
        add_camera(local)
        for one in (core, local):
            work_off(one)
            assert spool_files(one.data_dir) == []
            assert one.bus.dead_letters() == []
        assert len(stored(core)) == 3
        assert stored(core) == stored(local)
        assert rows(core) == rows(local)
        assert not (core.data_dir / "recordings").exists()
        assert core.store.read(keys.RECORDING_INDEX) == local.store.read(keys.RECORDING_INDEX)
        distant, near = create_app(core), create_app(local)
        for start, end in ((0, 10_000_000), (1_234_567, 9_000_001), (3_900_000, 4_100_000)):
            assert footage(distant, START_US + start, START_US + end) == footage(near, START_US + start, START_US + end)
            status, data, _ = footage(distant, START_US + start, START_US + end, Range="bytes=1000-70000")
            assert (status, data) == (206, footage(near, START_US + start, START_US + end)[1][1000:70001])
        span = f"from={rfc3339(START_US + 500_000)}&to={rfc3339(START_US + 5 * SECOND)}"
        smart = f"/api/v1/footage?camera=cam&{span}&cut=smart"
        assert distant.test_client().get(smart).data == near.test_client().get(smart).data
        close_app(distant)
        close_app(near)


def test_a_download_costs_one_look_however_many_chunks_there_are(there: Bucket, tmp_path: Path) -> None:
    with core_at(tmp_path / "data", **there.settings()) as core:
        put_into_spool(core, tmp_path)
        work_off(core)
        app = create_app(core)
        assert isinstance(core.store, S3Store)
        sent: list[str] = []
        core.store._client.meta.events.register("before-call.s3", lambda model, **_: sent.append(model.name))
        assert footage(app, START_US, START_US + 10 * SECOND)[0] == 200
        assert sent == ["HeadObject", "GetObject", "GetObject", "GetObject"]
        close_app(app)


def test_every_message_may_come_twice(there: Bucket, tmp_path: Path) -> None:
    with core_at(tmp_path / "data", **there.settings()) as core:
        closed = put_into_spool(core, tmp_path)
        spool = {message.key: (core.data_dir / message.key).read_bytes() for message in closed}
        for message in closed:
            core.bus.publish(message)
        work_off(core)
        first = rows(core)
        for key, data in spool.items():  # killed before the name in the spool was gone
            (core.data_dir / key).parent.mkdir(parents=True, exist_ok=True)
            (core.data_dir / key).write_bytes(data)
        work_off(core)
        assert rows(core) == first
        assert len(stored(core)) == 3
        assert spool_files(core.data_dir) == []
        assert core.bus.dead_letters() == []


def test_two_chunks_of_one_second_get_two_keys(there: Bucket, tmp_path: Path) -> None:
    with core_at(tmp_path / "data", **there.settings()) as core:
        add_camera(core)
        for start in (START_US, START_US + 200_000):
            core.bus.publish(record(core.data_dir, tmp_path, start_us=start).closed[0])
        work_off(core)
        assert stored(core) == [FIRST, FIRST.replace(".mp4", "_2.mp4")]


def test_a_start_that_was_refined_does_not_change_the_key(there: Bucket, tmp_path: Path) -> None:
    """What was stored before a crash is found again, though the chunk is told with another second after it."""
    with core_at(tmp_path / "data", **there.settings()) as core:
        add_camera(core)
        (closed,) = record(core.data_dir, tmp_path).closed
        segmenter = build_segmenter(core)
        segmenter.handle(Delivery(closed))
        later = 3 * SECOND
        segmenter.handle(
            Delivery(closed.model_copy(update={"start_us": closed.start_us - later, "end_us": closed.end_us - later}))
        )
        assert stored(core) == [FIRST]


def test_chunks_wait_while_the_store_is_away(own_server: Swift, tmp_path: Path) -> None:
    """S0-36: the spool keeps and serves what the store does not take; when it is back, it drains by itself."""
    there = own_server.bucket()
    with core_at(tmp_path / "data", **there.settings()) as core:
        own_server.stop()
        app = create_app(core)
        segmenter = build_segmenter(core)
        supervisor = Supervisor([build_spool(core), build_indexer(core), segmenter], core.clock)
        supervisor.start()
        closed = put_into_spool(core, tmp_path)
        wait_for("complaint", lambda: not segmenter.health()[0].ok)
        assert "the server does not answer" in segmenter.health()[0].detail
        assert len(spool_files(core.data_dir)) == 3
        wait_for("rows", lambda: len(rows(core)) == 3)
        own_server.start()
        wait_for("stored chunks", lambda: [state for _, state, _ in rows(core)] == ["stored"] * len(closed))
        assert core.bus.join(20)
        assert len(stored(core)) == 3
        wait_for("an empty spool", lambda: not spool_files(core.data_dir))
        wait_for("room", lambda: segmenter.health()[0].ok)
        assert core.bus.dead_letters() == []
        assert footage(app, START_US, START_US + 10 * SECOND)[0] == 200
        own_server.stop()
        status, data, _ = footage(app, START_US, START_US + 10 * SECOND)
        assert status == 503, "told before anything is promised"
        assert b"canary" not in data
        assert b"does not answer" in data
        assert supervisor.stop()
        close_app(app)


def test_a_chunk_is_sent_while_it_is_written(there: Bucket, tmp_path: Path) -> None:
    """When it is closed only its last part is left; killed in between, the next process goes on with it."""
    with core_at(tmp_path / "data", **there.settings()) as core:
        add_camera(core)
        assert isinstance(core.store, S3Store)
        uploads = lambda: [u.key for u in unfinished(core.store._client, core.store.place, "")]  # type: ignore[attr-defined]  # noqa: E731
        segmenter = build_segmenter(core)
        (key,) = record(core.data_dir, tmp_path, leave_open=True).keys
        _pad(core.data_dir / key, 20 << 20)
        segmenter._early.look()  # nobody waits 15 s for it here
        assert uploads() == [FIRST]
        assert stored(core) == []
    time.sleep(2)  # nobody is killed and there again within a moment
    with core_at(tmp_path / "data", **there.settings()) as core:
        assert isinstance(core.store, S3Store)
        parts: list[object] = []
        core.store._client.meta.events.register("before-call.s3.UploadPart", lambda **_: parts.append(1))
        work_off(core)
        assert stored(core) == [FIRST]
        assert len(parts) == 1
        assert list(unfinished(core.store._client, core.store.place, "")) == []
        assert spool_files(core.data_dir) == []
        assert FootageReader(core.db).all_chunks() is not None


def test_the_zone_is_set_while_a_chunk_is_sent(there: Bucket, tmp_path: Path) -> None:
    """The key is that of the zone by now, and nothing is left under the one of before."""
    with core_at(tmp_path / "data", **there.settings()) as core:
        add_camera(core)
        assert isinstance(core.store, S3Store)
        (key,) = record(core.data_dir, tmp_path, leave_open=True).keys
        _pad(core.data_dir / key, 20 << 20)
        segmenter = build_segmenter(core)
        segmenter._early.look()
        assert [u.key for u in unfinished(core.store._client, core.store.place, "")] == [FIRST]
        core.site.zone = ZoneInfo("Asia/Tokyo")
        media = adopt(core.data_dir / key, key).media
        span = {"start_us": media.start_us, "end_us": media.end_us, "origin_us": media.origin_us}
        names = {"camera": "cam", "run": media.run_id, "chunk": media.chunk_id, "key": key}
        size = (core.data_dir / key).stat().st_size
        told: list[ChunkStored] = []
        publish = core.bus.publish
        core.bus.publish = lambda one: told.append(one) if isinstance(one, ChunkStored) else publish(one)  # type: ignore[method-assign]
        segmenter.handle(Delivery(ChunkClosed(time_us=media.end_us, bytes=size, **span, **names)))
        assert [one.key for one in told] == [FIRST.replace("102300", "192300")]
        assert stored(core) == [told[0].key]
        assert list(unfinished(core.store._client, core.store.place, "")) == []


def test_a_chunk_file_may_be_fetched_from_the_store_itself(there: Bucket, tmp_path: Path) -> None:
    with core_at(tmp_path / "data", **there.settings(**{"storage.redirect": True})) as core:
        (closed, *_) = put_into_spool(core, tmp_path)
        work_off(core)
        app = create_app(core)
        answer = app.test_client().get(f"/api/v1/media/chunks/{closed.chunk}.mp4")
        assert answer.status_code == 307
        assert answer.headers["Location"].startswith(there.url.split("endpoint=")[1].split("&")[0])
        assert "no-store" in answer.headers["Cache-Control"]
        close_app(app)


def _pad(path: Path, size: int) -> None:
    """Make a chunk file longer, by a box of a type that nobody knows before its last part."""
    data = path.read_bytes()
    at = data.rindex(b"moof") - 4
    head = (size - len(data)).to_bytes(4, "big") + b"uuid" + bytes(16)
    path.write_bytes(data[:at] + head + bytes(size - len(data) - len(head)) + data[at:])
