"""R4: whole days of a camera against an oracle that knows every frame: clocks that are set, that drift, and DST days.

Nothing is waited for: a clock that the test owns goes through 27 hours in seconds, and what capture writes and tells
goes to the indexer as it would.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fault_rig import Finding, tell
from gatehouse_capture.live import LiveTap
from gatehouse_capture.run_notices import Desk
from gatehouse_capture.run_session import RunSession
from gatehouse_capture.sources import Packet, StreamInfo
from gatehouse_common.clock import SECOND
from gatehouse_common.db import CameraRepository, Chunk, CoverageReader, FootageReader, TimelineReader
from gatehouse_common.intervals import Interval
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.init_segment import parameter_sets, parse_init
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.messages import GapCause, GopWritten, Interruption, Message
from gatehouse_common.runtime import Core
from gatehouse_common.testing.clock import FakeClock
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import film_samples, scan_file
from gatehouse_common.timefmt import from_datetime
from gatehouse_indexer.handlers import Handlers
from pipeline_kit import add_camera, core_at

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600 * SECOND
FRAME_US = 2 * SECOND
GOP = 5
HOURS = 27
LATE_US = 150_000
BY_US = 2_200_000
"""So far from the clock a frame may be dated: a run held to the end of the last one, twice a step, and its delay."""

NOTICED_US = 30 * SECOND
"""A step is known of when a window has passed, and a new run begins with the keyframe after that."""

Steps = dict[int, int]
"""When the host's clock is set, in microseconds since the beginning, and by how much."""


def day_of(moment: int) -> date:
    return datetime.fromtimestamp(moment / SECOND, BERLIN).date()


def midnight(day: date) -> int:
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=BERLIN))


@dataclass
class Oracle:
    """What was really sent: for each keyframe, what the host's clock showed when it was there.

    Right after the clock is set that is two times: what it would have shown counts too until the step can be known of.
    """

    shown_us: list[tuple[int, int]] = field(default_factory=list)
    frames: int = 0


@dataclass
class Told:
    """What capture told, in its order; only what changes the index goes on to it, for speed."""

    handle: Callable[[Message], None]
    gops: list[GopWritten] = field(default_factory=list)
    origin: tuple[str, int] = ("", 0)

    def send(self, message: Message) -> None:
        if isinstance(message, GopWritten):
            self.gops.append(message)
            if self.origin == (message.run, message.origin_us):
                return
            self.origin = message.run, message.origin_us
        self.handle(message)


def record_days(core: Core, film: Path, start_us: int, steps: Steps, ppm: int) -> tuple[Oracle, Told]:
    """Let a camera send a frame each two seconds for ``HOURS``, by a clock of its own."""
    init, samples = film_samples(film)
    formats = parse_init(init)
    info = StreamInfo(init, formats, parameter_sets(formats[0]), 0, 0.5, "simulated")
    clock, oracle, chance = FakeClock(start_us), Oracle(), random.Random(ppm)
    told = Told(Handlers(core, lambda: None).handle)
    tap = LiveTap(core.live, clock, "gate", SECOND)
    policy = ChunkPolicy(part_us=SECOND // 2, chunk_us=600 * SECOND, fsync=FsyncPolicy(None))
    desk = Desk("gate", core.data_dir, policy, clock, told.send, tap)
    session = RunSession(desk, info, None, [Interruption(cause=GapCause.SERVICE_DOWN, since_us=None)])
    due, late, noticed = sorted(steps.items()), 0, 0
    for n in range(HOURS * HOUR // FRAME_US):
        if due and n * FRAME_US >= due[0][0]:
            late, noticed = due.pop(0)[1], n + NOTICED_US // FRAME_US
            clock.step(late)
        sample = samples[n % GOP]
        media_us = n * FRAME_US + n * FRAME_US * ppm // 1_000_000
        arrival_us = clock.now_us() + chance.randrange(LATE_US)
        if sample.sync:
            oracle.shown_us.append((clock.now_us(), clock.now_us() - (late if n < noticed else 0)))
        oracle.frames += 1
        session.take(Packet(0, media_us * 9 // 100, 0, sample.sync, bytes(sample.data), arrival_us))
        clock.advance(FRAME_US)
    session.end(GapCause.SERVICE_DOWN)
    return oracle, told


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = FilmSpec(frames=GOP, gop=GOP, fps=1, width=160, height=96)
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", spec)


def overlapping_us(chunks: list[Chunk]) -> int:
    """Microseconds that are in two chunks, by start."""
    return sum(max(0, a.end_us - b.start_us) for a, b in pairwise(chunks))


FORTH_AND_BACK = {6 * HOUR: HOUR, 16 * HOUR: -HOUR}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("day", "hours", "steps", "ppm"),
    [
        (date(2024, 3, 31), 23, {}, 500),
        (date(2024, 10, 27), 25, {}, -500),
        (date(2024, 10, 27), 25, FORTH_AND_BACK, 0),
    ],
    ids=["spring-fast", "autumn-slow", "autumn-set"],
)
def test_whole_days(tmp_path: Path, film: Path, day: date, hours: int, steps: Steps, ppm: int) -> None:
    """R4: no frame lost, none dated far from what the clock showed, no instant twice but those it showed twice."""
    start_us = midnight(day) - HOUR
    with core_at(tmp_path / "data", timezone="Europe/Berlin", broker_url="memory:") as core:
        add_camera(core, "gate", created_us=start_us)
        oracle, told = record_days(core, film, start_us, steps, ppm)

        assert sum(gop.frames for gop in told.gops) == oracle.frames
        assert len(told.gops) == len(oracle.shown_us)
        off = [
            min(abs(gop.start_us - shown) for shown in both)
            for gop, both in zip(told.gops, oracle.shown_us, strict=True)
        ]
        assert max(off) < BY_US

        chunks = sorted(FootageReader(core.db).all_chunks(), key=lambda c: (c.start_us, c.end_us))
        in_files = sum(len(scan_file(core.data_dir, c.key).video) for c in chunks)
        assert in_files == oracle.frames
        back_us = -sum(by for by in steps.values() if by < 0)
        # A fast camera sends more media than there is time for: that much comes again, a second at most each time.
        more_us = HOURS * HOUR * max(ppm, 0) // 1_000_000 + (BY_US if back_us or ppm > 0 else 0)
        assert overlapping_us(chunks) <= back_us + more_us
        seconds = [a.end_us - b.start_us for a, b in pairwise(chunks) if a.end_us > b.start_us]
        assert back_us or max(seconds, default=0) < 2 * SECOND

        known, now_us = CameraRepository(core.db).get("gate"), told.gops[-1].end_us
        ends = midnight(day + timedelta(days=1))
        assert ends - midnight(day) == hours * HOUR
        found = CoverageReader(core.db).coverage(known, Interval(midnight(day), ends), now_us)
        assert found.span == Interval(midnight(day), ends)
        assert found.recorded_us + sum(found.gaps_us.values()) == hours * HOUR
        forth_us = sum(by for by in steps.values() if by > 0)
        assert abs(found.gaps_us.get("clock_step", 0) - forth_us) < max(BY_US, hours * HOUR * abs(ppm) // 1_000_000 * 2)
        assert set(found.gaps_us) <= {"clock_step"}
        (shown,) = [d for d in TimelineReader(core.db).days("gate", start_us, now_us, BERLIN) if d.date == day]
        assert abs(shown.recorded_us - found.recorded_us) < SECOND
        clock = f"set {', '.join(f'{by / HOUR:+.0f} h' for by in steps.values())}" if steps else f"{ppm:+d} ppm"
        twice = overlapping_us(chunks) / SECOND
        tell(
            Finding(
                "R4",
                f"{HOURS} simulated hours around a day of {hours} h, the clock {clock}",
                f"{in_files} frames, 0 lost, 0 twice, the day is {hours} h; {twice:.1f} s have two dates, at most "
                f"{max(seconds, default=0) / SECOND:.1f} s at once, and are counted once",
                "0 frames lost, 0 overlaps, day views right",
                met=twice == 0,
            )
        )
