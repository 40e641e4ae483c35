"""P6: what a clip costs at the object store: bytes and requests, counted between Gatehouse and a real S3 server."""

from __future__ import annotations

import http.client
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.counting_proxy import CountingProxy
from bench.films import make_film
from bench.result import Result
from bench.slicing import wait_until_served
from gatehouse_api.service import build as build_api
from gatehouse_common.db import Camera, CameraRepository, FootageWriter
from gatehouse_common.media.index_blob import decode_index
from gatehouse_common.media.stored import load_index
from gatehouse_common.messages import ChunkStored
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.testing.recording import film_samples, record_samples
from gatehouse_common.timefmt import rfc3339

START_US = 1_715_904_000_000_000
SECOND = 1_000_000
CHUNK_S, CHUNKS, FILM_S = 60, 10, 20
CLIPS = {5: 30, 20: 30, 150: 10}
"""How many clips of each length in seconds."""


@dataclass
class Cost:
    """Of all clips of one length: bytes that the store sent, bytes of the answers, objects touched and requests."""

    fetched: int = 0
    answered: int = 0
    touched: int = 0
    gets: int = 0
    heads: int = 0


def run(folder: Path) -> list[Result]:
    """Store footage in a bucket, then ask for clips at random places."""
    film = make_film(folder / "film.mp4", seconds=FILM_S, audio=True)
    with server(folder / "s3") as (proxy, settings), serving(folder / "data", film, settings) as port:
        return [describe(seconds, measure(proxy, port, seconds, count), count) for seconds, count in CLIPS.items()]


@contextmanager
def server(folder: Path) -> Iterator[tuple[CountingProxy, dict[str, object]]]:
    """Yield the counter in front of a server, and the settings that lead to it."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from s3_server import SWIFT, swift  # noqa: PLC0415 - the tests' server, which needs what tests need

    if not SWIFT.exists():
        raise RuntimeError("no S3 server here; `make tools` installs one")
    with swift(folder) as made:
        bucket = made.bucket()
        proxy = CountingProxy(made.ports["proxy"])
        try:
            settings = bucket.settings()
            settings["storage_url"] = f"s3://footage?endpoint=http://127.0.0.1:{proxy.port}"
            yield proxy, settings
        finally:
            proxy.close()


@contextmanager
def serving(data: Path, film: Path, settings: dict[str, object]) -> Iterator[int]:
    """Store chunks of a film, and yield the port at which their footage is served."""
    core = Core.open(load({"data_dir": str(data), "auth.mode": "open", "api.port": 0, **settings}, environ={}))
    stop, thread = threading.Event(), None
    try:
        core.db.upgrade()
        fill(core, film)
        service = build_api(core)
        thread = threading.Thread(target=service.run, args=(stop,), daemon=True)
        thread.start()
        wait_until_served(service.port)
        yield service.port
    finally:
        stop.set()
        if thread is not None:
            thread.join(15)
        core.close()


def fill(core: Core, film: Path) -> None:
    """Record the film over and over, and put its chunks where the segmenter and the indexer would."""
    CameraRepository(core.db).add(Camera("cam", "synthetic:", created_us=START_US))
    repeat = CHUNKS * CHUNK_S // FILM_S
    heard = record_samples(
        *film_samples(film), core.data_dir, start_us=START_US, repeat=repeat, chunk_us=CHUNK_S * SECOND
    )
    for number, (spooled, start, end, size) in enumerate(heard.closed):
        blob = load_index(core.media, spooled).blob
        media = decode_index(blob, spooled)
        key = f"recordings/cam/day/recording_{number:04d}.mp4"
        core.store.put_file(core.data_dir / spooled, key)
        stored = ChunkStored(
            camera="cam",
            time_us=start,
            run=media.run_id,
            chunk=media.chunk_id,
            key=key,
            spool_key=spooled,
            start_us=start,
            end_us=end,
            origin_us=START_US,
            bytes=size,
        )
        FootageWriter(core.db).store_chunk(stored, blob)


def measure(proxy: CountingProxy, port: int, seconds: int, count: int) -> Cost:
    """Fetch clips of one length, one after the other."""
    dice, cost = random.Random(seconds), Cost()
    for _ in range(count):
        begin = dice.randrange((CHUNKS * CHUNK_S - seconds - 1) * SECOND)
        before = proxy.counted()
        cost.answered += fetch(port, START_US + begin, seconds)
        after = proxy.counted()
        cost.fetched += after.received - before.received
        cost.gets += after.requests["GET"] - before.requests["GET"]
        cost.heads += after.requests["HEAD"] - before.requests["HEAD"]
        first, last = begin // (CHUNK_S * SECOND), (begin + seconds * SECOND - 1) // (CHUNK_S * SECOND)
        cost.touched += last - first + 1
    return cost


def fetch(port: int, start_us: int, seconds: int) -> int:
    """Return the length of the answer."""
    path = f"/api/v1/footage?camera=cam&from={rfc3339(start_us)}&to={rfc3339(start_us + seconds * SECOND)}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the server answered {answer.status}: {body[:300]!r}")
    return len(body)


def describe(seconds: int, cost: Cost, count: int) -> Result:
    """Return the line of one length."""
    ratio, gets = cost.fetched / cost.answered, cost.gets / cost.touched
    on = f"H.264 1080p30 4 Mbit/s, AAC, GOP 2 s, chunks of {CHUNK_S} s in Swift by S3; {count} clips at random places"
    more: dict[str, float | str] = {"gets_per_chunk": gets, "heads_per_clip": cost.heads / count}
    met = ratio <= 1.25 and gets <= 1
    what = f"bytes fetched for a clip of {seconds} s, with {gets:.3g} GET per chunk"
    return Result(
        "P6",
        f"bytes fetched for {seconds} s of footage",
        ratio,
        "x of its own",
        "<= 1.25x; 1 GET per chunk",
        met,
        None,
        f"{what}; {on}",
        more,
    )
