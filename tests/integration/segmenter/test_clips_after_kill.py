"""The whole of it, killed again and again while clips are planned and cut."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from clip_kit import clips_of, read_at, shown
from gatehouse_common.clock import SECOND
from gatehouse_common.db import FootageReader
from gatehouse_common.footage import Library
from gatehouse_common.ids import new_id
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from pipeline_kit import core_at
from running import Running, wait_for

SETTINGS = {
    "GATEHOUSE_CLIPS__PRE_SECONDS": "2",
    "GATEHOUSE_CLIPS__POST_SECONDS": "1.5",
    "GATEHOUSE_CLIPS__MAX_SECONDS": "2.25",
    "GATEHOUSE_RECORDING__CHUNK_SECONDS": "3",
}
ROUNDS = 4


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_clip_is_made_once_however_often_all_is_killed(tmp_path: Path) -> None:
    """S2-6, S2-43: no plan lost, no clip twice, no file that is no clip; each shows what was recorded, to the frame."""
    data, log = tmp_path / "data", tmp_path / "log"
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=900, fps=15, gop=15, width=160, height=96))
    camera = f"cam=file://{film}?loop=1"
    events: list[str] = []
    rng = random.Random(5)
    for _ in range(ROUNDS):
        with Running(data, "--camera", camera, log=log, **SETTINGS) as process:
            process.ready(120)
            process.recording("cam", timeout=60)
            time.sleep(rng.uniform(1.0, 4.0))
            process.kill()
        with core_at(data) as core:  # what a detector tells comes while all is away, and waits in the journal
            end_us = FootageReader(core.db).last_end_us("cam")
            assert end_us is not None
            events.append(new_id())
            core.bus.publish(read_at(end_us - SECOND // 3, events[-1]))
    with Running(data, "--camera", camera, log=log, **SETTINGS) as process:
        process.ready(120)
        wait_for("all clips", lambda: _all_made(data, events), 120)
        process.stop()
    with core_at(data) as core:
        clips = clips_of(core)
        assert {clip.state for clip in clips} == {"stored"}
        assert {event for clip in clips for event in clip.events} == set(events)
        files = sorted(p.relative_to(data).as_posix() for p in (data / "videos").rglob("*.mp4"))
        assert files == sorted(clip.key for clip in clips)
        for event in events:
            mine = [clip for clip in clips if event in clip.events]
            recorded = _recorded(core, mine[0].start_us, mine[-1].end_us)
            assert [n for clip in mine for n in shown(core, clip)] == recorded
        assert core.bus.dead_letters() == []


def _all_made(data: Path, events: list[str]) -> bool:
    with core_at(data, broker_url="memory:") as core:
        clips = clips_of(core)
        told = {event for clip in clips for event in clip.events}
        return told == set(events) and all(clip.state != "planned" for clip in clips)


def _recorded(core: Core, start_us: int, end_us: int) -> list[int]:
    """The numbers of the frames that were recorded in a range."""
    library = Library(core)
    try:
        cut = slice_footage(library.find("cam", start_us, end_us).media, start_us, end_us)
        return [n for n, _ in frame_numbers(b"".join(cut.file.read(core.media)))]
    finally:
        library.close()
