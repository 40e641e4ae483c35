"""P12: the timeline of 16 cameras over 30 days as the web page asks for it, with five gaps a day in each camera."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from sqlalchemy import text

from bench.result import Result
from gatehouse_api.app import close_app, create_app
from gatehouse_common.clock import HOUR, SECOND, SystemClock
from gatehouse_common.db import Camera, CameraRepository, Database
from gatehouse_common.db.models import GapRow
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.testing.chunk_rows import seed_chunks

CAMERAS = [f"camera-{n:02}" for n in range(16)]
DAYS = 30
CHUNK_US = 600 * SECOND
BETWEEN_GAPS = 29
"""Chunks, so that there are five gaps a day."""
GAP_US = 6 * SECOND
PLACES = 1500
"""Of the page's window."""
TIMES = 15
START_US = 1_715_040_000 * SECOND


def run(folder: Path) -> list[Result]:
    """Measure the answer for all cameras, told exactly and as coarsely as a screen is."""
    core = Core.open(load({"data_dir": str(folder), "auth.mode": "open"}, environ={}), SystemClock())
    core.db.upgrade()
    try:
        fill(core.db)
        app = create_app(core)
        try:
            end_us = START_US + DAYS * 24 * HOUR
            whole = f"/api/v1/timeline?from={START_US / SECOND}&to={end_us / SECOND}"
            resolution = DAYS * 86_400 / PLACES
            coarse = ask(app.test_client(), f"{whole}&resolution={resolution}")
            exact = ask(app.test_client(), whole)
        finally:
            close_app(app)
    finally:
        core.close()
    on = f"SQLite, {DAYS * 144} chunks and {DAYS * 144 // BETWEEN_GAPS} gaps of each camera"
    what = "timeline of 16 cameras x 30 days, "
    return [
        Result("P12", what + "1500 places", coarse, "ms", "<= 300 ms", coarse <= 300, on=on),
        Result("P12", what + "exact", exact, "ms", "<= 300 ms", exact <= 300, on=on),
    ]


def ask(client: object, url: str) -> float:
    """Return the median time of an answer, milliseconds."""
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        answer = client.get(url)  # type: ignore[attr-defined]
        taken.append((time.perf_counter() - begun) * 1000)
        if answer.status_code != 200 or len(answer.get_json()["items"]) != len(CAMERAS):
            raise RuntimeError(f"the timeline answered {answer.status_code}")
    return statistics.median(taken)


def fill(db: Database) -> None:
    """Make an index in which every twenty-ninth chunk ends too early, and a gap says why."""
    cameras = CameraRepository(db)
    for camera in CAMERAS:
        cameras.add(Camera(id=camera, url="synthetic:", created_us=START_US))
    seed_chunks(db, CAMERAS, DAYS * 144, start_us=START_US, chunk_us=CHUNK_US)
    ends = [START_US + k * CHUNK_US for k in range(BETWEEN_GAPS, DAYS * 144, BETWEEN_GAPS)]
    rows = [
        {"camera": camera, "start_us": end - GAP_US, "end_us": end, "cause": "camera_offline", "detail": "", "run": run}
        for camera in CAMERAS
        for run in [new_id()]
        for end in ends
    ]
    shorten = text("UPDATE chunks SET end_us = end_us - :gap WHERE end_us = :end")
    with db.begin() as connection:
        connection.execute(shorten, [{"gap": GAP_US, "end": end} for end in ends])
        connection.execute(GapRow.metadata.tables[GapRow.__tablename__].insert(), rows)
