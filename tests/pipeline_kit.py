"""What tests of segmenter and indexer share: a data directory, recorded films, and the two services at work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Camera, CameraRepository, FootageReader
from gatehouse_common.media.adopt import read_index
from gatehouse_common.messages import ChunkClosed
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.settings import load
from gatehouse_common.storage import keys
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import record_film
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from made_databases import made_sqlite

START_US = 1_715_941_380_000_000  # 2024-05-17T10:23:00Z, a full minute


def open_core(data: Path, **settings: object) -> Core:
    return Core.open(load({"data_dir": str(data), "auth.mode": "open", **settings}, environ={}), SystemClock())


@contextmanager
def core_at(data: Path, **settings: object) -> Iterator[Core]:
    index = data / "gatehouse.db"
    if not index.exists() and "database_url" not in settings:
        data.mkdir(parents=True, exist_ok=True)
        made_sqlite(index)
    core = open_core(data, **settings)
    core.db.upgrade()
    try:
        yield core
    finally:
        core.close()


def add_camera(core: Core, camera: str = "cam", created_us: int = START_US - 60_000_000) -> None:
    CameraRepository(core.db).add(Camera(id=camera, url="synthetic:", created_us=created_us))


def work_off(core: Core) -> None:
    """Start the spool's keeper (with its recovery), indexer and segmenter, let them do what there is, stop them."""
    supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        assert core.bus.join(20)
    finally:
        assert supervisor.stop()


@dataclass(frozen=True)
class Recorded:
    """A run in the spool, and the messages that capture would have sent of its closed chunks."""

    run: str
    keys: list[str]
    closed: list[ChunkClosed]


def record(
    data: Path,
    film_dir: Path,
    *,
    frames: int = 60,
    start_us: int = START_US,
    chunk_us: int = 600_000_000,
    camera: str = "cam",
    leave_open: bool = False,
    spec: FilmSpec | None = None,
) -> Recorded:
    """Record a film; ``spec`` says of what kind, else it has so many ``frames``."""
    spec = spec or FilmSpec(frames=frames, gop=30, width=160, height=96)
    film = film_dir / f"film-{spec.first}-{spec.frames}.mp4"
    if not film.exists():
        film_dir.mkdir(parents=True, exist_ok=True)
        make_film(film, spec)
    heard = record_film(film, data, start_us=start_us, chunk_us=chunk_us, camera=camera, leave_open=leave_open)
    closed = []
    for key, begin, end, size in heard.closed:
        media = read_index(data / key, key)
        assert media is not None
        closed.append(
            ChunkClosed(
                camera=camera,
                time_us=end,
                run=media.run_id,
                chunk=media.chunk_id,
                key=key,
                start_us=begin,
                end_us=end,
                origin_us=media.origin_us,
                bytes=size,
            )
        )
    name = keys.parse_spool(heard.chunks[0])
    assert name is not None
    return Recorded(name.run, heard.chunks, closed)


def spool_files(data: Path) -> list[str]:
    return sorted(p.relative_to(data).as_posix() for p in (data / "spool").rglob("*.mp4"))


def stored_files(data: Path) -> list[str]:
    return sorted(p.relative_to(data).as_posix() for p in (data / "recordings").rglob("*.mp4"))


def rows(core: Core) -> list[tuple[str, str, bool]]:
    return [(c.key, c.state, c.recovered) for c in FootageReader(core.db).all_chunks()]


def never() -> threading.Event:
    return threading.Event()
