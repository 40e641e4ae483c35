"""R5: how fast recorded footage is held to its digests, beside `sha256sum` of the same files."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench.films import make_film
from bench.result import Result
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Camera, CameraRepository, FootageReader, FootageWriter
from gatehouse_common.integrity import Part, verify_recordings
from gatehouse_common.intervals import Interval
from gatehouse_common.media.adopt import read_index
from gatehouse_common.media.stored import load_index
from gatehouse_common.messages import ChunkStored
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.testing.recording import film_samples, record_samples

START_US = 1_715_904_000_000_000
SECOND = 1_000_000
CHUNK_S = 600
CHUNKS = 3
FILM_S = 20
ROUNDS = 3
TARGET = 200.0


def run(folder: Path) -> list[Result]:
    """Record half an hour, store it, and verify it from memory and from the disk."""
    core = Core.open(load({"data_dir": str(folder / "data")}, environ={}), SystemClock())
    core.db.upgrade()
    try:
        files = store_half_an_hour(core, make_film(folder / "film.mp4", seconds=FILM_S, audio=True))
        size = sum(f.stat().st_size for f in files)
        report = verify_recordings(core, Part(), lambda _bytes: None)
        if report.damages or report.bytes != size:
            raise RuntimeError(f"what was just recorded is not as recorded: {report.damages[:1]}")
        ours = best(lambda: verify_recordings(core, Part(), lambda _bytes: None))
        theirs = best(lambda: subprocess.run(["sha256sum", *map(str, files)], check=True, stdout=subprocess.DEVNULL))
    finally:
        core.close()
    megabytes = size / 1e6
    on = f"H.264 1080p30 4 Mbit/s, AAC, GOP 2 s; {CHUNKS} chunks of 10 min, {megabytes:.0f} MB, in the page cache"
    figure, reference = megabytes / ours, megabytes / theirs
    return [Result("R5", "verify MB/s", figure, "MB/s", ">= 200", figure >= TARGET, reference, on, more_is_better=True)]


def store_half_an_hour(core: Core, film: Path) -> list[Path]:
    """Record chunks of one run into the store, with their rows; return their files."""
    CameraRepository(core.db).add(Camera("cam", "synthetic:", created_us=START_US))
    heard = record_samples(
        *film_samples(film),
        core.data_dir,
        start_us=START_US,
        chunk_us=CHUNK_S * SECOND,
        repeat=CHUNKS * CHUNK_S // FILM_S,
    )
    files: list[Path] = []
    for number, (key, start_us, end_us, size) in enumerate(heard.closed):
        media = read_index(core.data_dir / key, key)
        if media is None:
            raise RuntimeError(f"{key} has no index")
        target = f"recordings/cam/day/recording_{number:04d}.mp4"
        core.store.put_file(core.data_dir / key, target, move=True)
        stored = ChunkStored(
            camera="cam",
            time_us=start_us,
            run=media.run_id,
            chunk=media.chunk_id,
            key=target,
            spool_key=key,
            start_us=start_us,
            end_us=end_us,
            origin_us=media.origin_us,
            bytes=size,
        )
        FootageWriter(core.db).store_chunk(stored, load_index(core.store, target).blob)
        files.append(core.data_dir / target)
    span = Interval(heard.closed[0][1], heard.closed[-1][2])
    if len(FootageReader(core.db).find_chunks("cam", span.start, span.end)) != len(files):
        raise RuntimeError("not all chunks are in the index")
    return files


def best(call: Callable[[], object]) -> float:
    """Return the seconds of the quickest of a few rounds."""
    took: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return min(took)
