"""P7: how long after the last read of a plate, and the time that a clip goes on for then, the clip can be played.

A hundred reads come at once, over cameras that are all being recorded in real time by the same process. The clock runs
from the moment of the reads plus the time after them, on the wall: waiting for the open part's end is in the figure.
"""

from __future__ import annotations

import os
import resource
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.films import make_film
from bench.result import Result
from gatehouse.composition import Gatehouse
from gatehouse.roster import CameraArgument
from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.db import FootageReader
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ClipStored, PlateSeen, ReadFields, VisitFields
from gatehouse_common.settings import load

EVENTS = 100
POST_US = 15 * SECOND
WARM_UP_US = 7 * SECOND
START_S = 120.0
LIMIT_S = 0.6
SETTINGS = {"detection.frames": "off", "log.level": "error", "api.port": "0"}


@dataclass(frozen=True, slots=True)
class Site:
    """What is recorded meanwhile: so many cameras, of such a film."""

    cameras: int
    size: str
    fps: int
    kbit: int


SITES = (Site(100, "640x360", 15, 500), Site(25, "1920x1080", 30, 4000))


@dataclass
class Told:
    """When each event's clip was in its row and readable; seconds on the monotonic clock."""

    gatehouse: Gatehouse
    at_s: dict[str, float] = field(default_factory=dict)
    bytes: int = 0
    clips: int = 0
    all: threading.Event = field(default_factory=threading.Event)

    def hear(self, delivery: Delivery) -> None:
        """Note a clip; the message comes once its row is committed."""
        message = delivery.message
        if not isinstance(message, ClipStored):
            return
        store = self.gatehouse.core.store
        if not message.key or len(store.read(message.key, 0, 4096)) < 4096:
            raise RuntimeError(f"clip {message.clip} cannot be read")
        now = time.time()
        self.clips += 1
        self.bytes += message.bytes
        self.at_s.update(dict.fromkeys(message.events, now))
        if len(self.at_s) == EVENTS:
            self.all.set()


def run(folder: Path) -> list[Result]:
    """Measure each site."""
    wanted = [int(n) for n in os.environ.get("GATEHOUSE_BENCH_CAMERAS", "100,25").split(",")]
    return [measure(folder / f"site{site.cameras}", site) for site in SITES if site.cameras in wanted]


def measure(folder: Path, site: Site) -> Result:
    """Record, let the reads come, and wait for the clips.

    Raises:
        RuntimeError: the clips do not come.
    """
    folder.mkdir()
    film = make_film(folder / "film.mp4", size=site.size, fps=site.fps, seconds=60, kbit=site.kbit)
    cameras = [CameraArgument(f"cam{k}", f"file://{film}?loop=1") for k in range(site.cameras)]
    gatehouse = Gatehouse(load({"data_dir": str(folder / "data"), **SETTINGS}, environ={}), cameras)
    gatehouse.start()
    try:
        wait_for_footage(gatehouse, site.cameras)
        told = Told(gatehouse)
        gatehouse.core.bus.subscribe_transient([ClipStored], told.hear, maxlen=EVENTS)
        at_us = gatehouse.core.clock.now_us()
        for k in range(EVENTS):
            gatehouse.core.bus.publish(read(f"cam{k % site.cameras}", at_us))
        before = cpu_s()
        if not told.all.wait(POST_US / SECOND + 30):
            raise RuntimeError(f"only {len(told.at_s)} of {EVENTS} events have a clip")
        spent = cpu_s() - before
    finally:
        gatehouse.stop()
    late = sorted(at - (at_us + POST_US) / SECOND for at in told.at_s.values())
    p95 = late[int(len(late) * 0.95) - 1]
    on = (
        f"H.264 {site.size} {site.fps} fps {site.kbit} kbit/s, {site.cameras} cameras recorded in real time, "
        f"{EVENTS} reads at once: {told.clips} clips of 20 s, {told.bytes / 1e6:.0f} MB; parts of 0.5 s, SQLite, disk"
    )
    more = {"median_s": statistics.median(late), "max_s": late[-1], "cpu_s": spent, "clips": float(told.clips)}
    what = f"last read + post time until the clip plays, p95, {told.clips} clips"
    return Result("P7", what, p95, "s", f"<= {LIMIT_S} s", p95 <= LIMIT_S, None, on, {**more})


def wait_for_footage(gatehouse: Gatehouse, cameras: int) -> None:
    """Return once there is more of each camera than a clip needs from before its event.

    Raises:
        RuntimeError: some camera is not recorded.
    """
    reader, until = FootageReader(gatehouse.core.db), time.monotonic() + START_S
    while time.monotonic() < until:
        since_us = gatehouse.core.clock.now_us() - WARM_UP_US
        begun = {chunk.camera for chunk in reader.open_chunks() if chunk.start_us < since_us}
        if len(begun) == cameras:
            return
        time.sleep(0.5)
    raise RuntimeError(f"only {len(begun)} of {cameras} cameras are recorded")


def read(camera: str, at_us: int) -> PlateSeen:
    """Return a read of a plate of its own."""
    fields = ReadFields(
        id=new_id(),
        time_us=at_us,
        run=new_id(),
        pts=0,
        text="AB123CD",
        confidence=0.9,
        characters=[0.9] * 7,
        quad=((0.0, 0.0), (60.0, 0.0), (60.0, 20.0), (0.0, 20.0)),
        picture_width=1920,
        picture_height=1080,
        area=(0, 0, 1920, 1080),
    )
    visit = VisitFields(
        event=new_id(),
        start_us=at_us,
        end_us=at_us,
        text="AB123CD",
        confidence=0.9,
        characters=[1.0] * 7,
        reads=1,
        best=fields,
    )
    return PlateSeen(camera=camera, time_us=at_us, read=fields, threshold=0.5, visit=visit)


def cpu_s() -> float:
    """Return CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
