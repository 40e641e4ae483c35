"""S7: what a chunk costs at an S3 server: requests while it is stored, indexed and at last deleted, counted."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench.counting_proxy import CountingProxy
from bench.films import make_film
from bench.object_reads import server
from bench.result import Result
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Camera, CameraRepository, FootageWriter
from gatehouse_common.media.init_segment import parse_init
from gatehouse_common.messages import RunStarted
from gatehouse_common.observability import logs
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.settings import load
from gatehouse_common.storage import keys
from gatehouse_common.testing.recording import film_samples, record_samples
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.once import sweep_once
from gatehouse_segmenter.service import build as build_segmenter

CHUNKS, FILM_S = 4, 20
_AGO_US = 200 * HOUR
_WORK_S = 120
_CHUNK_S = 100


@dataclass(frozen=True, slots=True)
class Requests:
    """Of one chunk: its megabytes, the parts that it is sent in, and requests by method.

    Attributes:
        mbytes: of 10^6.
        stored: requests until its row was in the index.
        deleted: requests until it was gone.
    """

    mbytes: float
    stored: dict[str, float]
    deleted: dict[str, float]


def run(folder: Path) -> list[Result]:
    """Return what a chunk costs at an S3 server.

    Raises:
        RuntimeError: there is none here.
    """
    logs.set_up("error", "json", None)
    requests = measure(folder / "bucket", _CHUNK_S)
    on = f"H.264 1080p30 4 Mbit/s, chunks of {requests.mbytes:.0f} MB, Swift by S3; stored, indexed, freed"
    more: dict[str, float | str] = {**requests.stored, **{f"to delete it, {m}": n for m, n in requests.deleted.items()}}
    value = sum(requests.stored.values())
    return [Result("S7", "S3 requests to store and index a chunk", value, "requests", "told", True, None, on, more)]


def measure(folder: Path, chunk_s: int) -> Requests:
    """Record chunks of 4 Mbit/s to a spool, let them be stored in a bucket and indexed, then deleted for their age.

    Raises:
        RuntimeError: there is no S3 server here, or the work was left undone.
    """
    folder.mkdir(parents=True)
    film = make_film(folder / "film.mp4", seconds=FILM_S)
    with server(folder / "s3") as (proxy, settings):
        values = {"data_dir": str(folder / "data"), "auth.mode": "open", "detection.frames": "off", **settings}
        core = Core.open(load(values, config=None, environ={}))
        try:
            return _measure(core, proxy, film, chunk_s)
        finally:
            core.close()


def _measure(core: Core, proxy: CountingProxy, film: Path, chunk_s: int) -> Requests:
    core.db.upgrade()
    chunk_us = chunk_s * SECOND
    start_us = (core.clock.now_us() - _AGO_US) // chunk_us * chunk_us
    CameraRepository(core.db).add(Camera("cam", "synthetic:", created_us=start_us))
    repeat = CHUNKS * chunk_s // FILM_S
    init, samples = film_samples(film)
    heard = record_samples(init, samples, core.data_dir, start_us=start_us, repeat=repeat, chunk_us=chunk_us)
    _tell_of_run(core, heard.chunks[0], init, start_us)
    count, size = len(heard.closed), sum(one[3] for one in heard.closed)
    before = proxy.counted().requests
    work = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], core.clock)
    work.start()
    try:
        if not core.bus.join(_WORK_S):
            raise RuntimeError("chunks are not stored")
    finally:
        work.stop()
    stored = proxy.counted().requests
    freed, trouble = sweep_once(core, threading.Event(), force=True)
    if trouble or freed.objects != count:
        raise RuntimeError(f"{freed.objects} of {count} chunks were deleted: {trouble}")
    gone = proxy.counted().requests
    return Requests(size / count / 1e6, _each(stored, before, count), _each(gone, stored, count))


def _tell_of_run(core: Core, spool_key: str, init: bytes, start_us: int) -> None:
    """Tell the index of the run, as the message does that is always sent; else it would be read from the bucket."""
    name = keys.parse_spool(spool_key)
    assert name is not None
    video = parse_init(init)[0]
    started = RunStarted(
        camera="cam",
        time_us=start_us,
        run=name.run,
        origin_us=start_us,
        start_us=start_us,
        init=base64.b64encode(init),
        width=video.width,
        height=video.height,
        fps=0.0,
        video_codec=video.codec_string,
    )
    FootageWriter(core.db).start_run(started)


def _each(after: Counter[str], before: Counter[str], count: int) -> dict[str, float]:
    return {method: round((n - before[method]) / count, 2) for method, n in after.items() if n > before[method]}
