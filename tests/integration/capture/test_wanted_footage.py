"""Footage that somebody waits for is on the disk with its last frame, however long parts are."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

from gatehouse_capture.service import build as build_capture
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.messages import ChunkOpened, FootageWanted
from gatehouse_common.runtime import Supervisor
from pipeline_kit import core_at
from running import wait_for

FPS = 10
FRAME_US = SECOND // FPS


def part_starts(file: Path) -> list[int]:
    """Return the media times at which the parts of a file begin, in microseconds, by their ``tfdt`` boxes."""
    data, found, at = file.read_bytes(), [], 0
    while (at := data.find(b"tfdt", at)) >= 0:
        wide = data[at + 4] == 1
        (ticks,) = struct.unpack_from(">Q" if wide else ">I", data, at + 8)
        found.append(ticks * SECOND // 90_000)
        at += 4
    return found


def test_the_part_ends_with_the_frame_that_is_waited_for(tmp_path: Path) -> None:
    """S2-4: told over the bus, by whoever cuts clips."""
    opened: list[ChunkOpened] = []
    settings = {"recording.part_seconds": 2, "detection.frames": "off"}
    with core_at(tmp_path / "data", **settings) as core:
        queue = core.bus.subscribe(
            "indexer", lambda d: opened.append(d.message) if isinstance(d.message, ChunkOpened) else None
        )
        url = f"synthetic:?size=320x180&fps={FPS}"
        CameraRepository(core.db).add(Camera("cam", url, created_us=core.clock.now_us()))
        supervisor = Supervisor([build_capture(core)], core.clock)
        supervisor.start()
        chunk = wait_for("a chunk", lambda: opened)[0]
        file = core.data_dir / chunk.key
        # In the middle of a part: the first one ends with the GOP, two seconds after its beginning.
        until_us = chunk.origin_us + 3 * SECOND + FRAME_US // 2
        core.bus.publish(FootageWanted(camera="cam", time_us=core.clock.now_us(), until_us=until_us))
        wait_for("more footage", lambda: len(part_starts(file)) >= 4)
        assert supervisor.stop()
        queue.close()
    lengths = [b - a for a, b in pairwise(part_starts(file))]
    assert lengths[:3] == [2 * SECOND, SECOND + FRAME_US, SECOND - FRAME_US], "with the frame that is shown then"
