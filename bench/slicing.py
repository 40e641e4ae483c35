"""P3: 20 s and 10 min of footage out of a day over HTTP, beside ffmpeg's concat with inpoint and outpoint."""

from __future__ import annotations

import http.client
import os
import random
import resource
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.films import make_film
from bench.result import Result
from gatehouse_api.service import build as build_api
from gatehouse_common.db import Camera, CameraRepository, FootageWriter
from gatehouse_common.ids import new_id
from gatehouse_common.media.index_blob import decode_index, encode_index
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.stored import load_index
from gatehouse_common.messages import ChunkStored
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.testing.recording import film_samples, record_samples
from gatehouse_common.timefmt import rfc3339

START_US = 1_715_904_000_000_000
CHUNK_S = 600
CHUNKS = int(os.environ.get("GATEHOUSE_BENCH_CHUNKS", "144"))
FILM_S = 20


@dataclass(frozen=True, slots=True)
class Timed:
    """Medians over the ranges: milliseconds to the first byte, and of CPU."""

    first_ms: float
    p95_ms: float
    cpu_ms: float


def run(folder: Path) -> list[Result]:
    """Make a day of footage, then ask both for the same random ranges."""
    data = folder / "data"
    core = Core.open(load({"data_dir": str(data), "auth.mode": "open", "api.port": 0}, environ={}))
    core.db.upgrade()
    key = make_day(core, make_film(folder / "film.mp4", seconds=FILM_S, audio=True))
    service = build_api(core)
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,), daemon=True)
    thread.start()
    parts = split_for_ffmpeg(core.data_dir / key, folder / "segments")
    try:
        wait_until_served(service.port)
        return [
            line for seconds, count in ((20, 60), (600, 12)) for line in compare(service.port, parts, seconds, count)
        ]
    finally:
        stop.set()
        thread.join(15)
        core.close()


def make_day(core: Core, film: Path) -> str:
    """Record one chunk of 600 s, and index a day of chunks that are further names of it; return the first's key.

    Each is a run of its own, so the index holds what a day of ten-minute chunks holds.
    """
    heard = record_samples(*film_samples(film), core.data_dir, start_us=START_US, repeat=CHUNK_S // FILM_S)
    source = core.data_dir / heard.closed[0][0]
    CameraRepository(core.db).add(Camera("cam", "synthetic:", created_us=START_US))
    blob = load_index(core.media, heard.closed[0][0]).blob
    media = decode_index(blob, "")
    first = ""
    for k in range(CHUNKS):
        start = START_US + k * CHUNK_S * 1_000_000
        key = f"recordings/cam/day/recording_{k:04d}.mp4"
        core.store.put_file(source, key)
        first = first or key
        chunk, run = new_id(), new_id()
        mine = ChunkMedia(chunk, key, run, start, media.tracks, media.parts, media.indexed_bytes, media.init_bytes)
        stored = ChunkStored(
            camera="cam",
            time_us=start,
            run=run,
            chunk=chunk,
            key=key,
            spool_key=heard.closed[0][0],
            start_us=start,
            end_us=start + CHUNK_S * 1_000_000,
            origin_us=start,
            bytes=source.stat().st_size,
        )
        FootageWriter(core.db).store_chunk(stored, encode_index(mine))
    return first


def split_for_ffmpeg(chunk: Path, folder: Path) -> Path:
    """Make the reference's own storage of the same footage: files of ten seconds."""
    folder.mkdir()
    command = ["ffmpeg", "-v", "error", "-i", str(chunk), "-c", "copy", "-f", "segment", "-segment_time", "10"]
    subprocess.run([*command, "-reset_timestamps", "1", str(folder / "%03d.mp4")], check=True)
    return folder


def wait_until_served(port: int) -> None:
    """Wait for the server's first answer."""
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/livez")
            connection.getresponse().read()
            connection.close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not answer")


def compare(port: int, parts: Path, seconds: int, count: int) -> list[Result]:
    """Return the lines for one length of range."""
    rng = random.Random(seconds)
    length = CHUNKS * CHUNK_S
    starts = [rng.uniform(0, length - seconds - 1) for _ in range(count)]
    ours = measure([lambda s=s: over_http(port, s, seconds) for s in starts])
    most = min(count, 20 if seconds < 100 else 4)
    theirs = measure(
        [lambda s=s: by_ffmpeg(parts, s % (CHUNK_S - min(seconds, 590)), min(seconds, 590)) for s in starts[:most]]
    )
    on = f"H.264 1080p30 4 Mbit/s, AAC, GOP 2 s; {CHUNKS} chunks of 10 min; {count} random ranges, all read"
    return [
        Result(
            "P3",
            f"{seconds} s of footage: first byte over HTTP, median",
            ours.first_ms,
            "ms",
            "<= 5 ms and <= 1/25",
            ours.first_ms <= 5 and ours.first_ms <= theirs.first_ms / 25,
            theirs.first_ms,
            on,
            {"p95_ms": ours.p95_ms},
        ),
        Result(
            "P3",
            f"{seconds} s of footage: CPU, client included",
            ours.cpu_ms,
            "ms",
            "<= 1/15",
            ours.cpu_ms <= theirs.cpu_ms / 15,
            theirs.cpu_ms,
            on,
        ),
    ]


def measure(calls: list) -> Timed:  # type: ignore[type-arg]
    """Run calls that return milliseconds to their first byte; the first warms up and is not counted."""
    calls[0]()
    before = cpu_s()
    firsts = sorted(call() for call in calls[1:])
    spent = (cpu_s() - before) * 1000 / len(firsts)
    return Timed(statistics.median(firsts), firsts[int(len(firsts) * 0.95)], spent)


def cpu_s() -> float:
    """Return CPU seconds of this process and its ended children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(r.ru_utime + r.ru_stime for r in both)


def over_http(port: int, start: float, seconds: int) -> float:
    """Fetch a range; return milliseconds to the first byte of its body."""
    begin = START_US + round(start * 1e6)
    path = f"/api/v1/footage?camera=cam&from={rfc3339(begin)}&to={rfc3339(begin + seconds * 1_000_000)}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read(1)
    first = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise RuntimeError(f"the server answered {answer.status}")
    buffer = bytearray(1 << 20)
    while answer.readinto(buffer):
        pass
    connection.close()
    return first


def by_ffmpeg(parts: Path, start: float, seconds: int) -> float:
    """Do what recorders of this field do for a clip; return milliseconds to its first byte."""
    listing = parts / "list.txt"
    lines = []
    for k in range(int(start // 10), int(-(-(start + seconds) // 10))):
        lines.append(f"file '{parts / f'{k % 60:03d}.mp4'}'")
        if k * 10 < start:
            lines.append(f"inpoint {start - k * 10:.3f}")
        if (k + 1) * 10 > start + seconds:
            lines.append(f"outpoint {start + seconds - k * 10:.3f}")
    listing.write_text("\n".join(lines))
    command = ["ffmpeg", "-v", "error", "-f", "concat", "-safe", "0", "-i", str(listing), "-c", "copy"]
    command += ["-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "pipe:"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("ffmpeg has no output")
        process.stdout.read(1)
        first = (time.perf_counter() - began) * 1000
        while process.stdout.read(1 << 20):
            pass
    return first
