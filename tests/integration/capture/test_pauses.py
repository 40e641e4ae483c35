"""What is counted as recorded while a camera hangs every now and then."""

from __future__ import annotations

from pathlib import Path

from gatehouse_capture.live import LiveTap
from gatehouse_capture.run_notices import Desk
from gatehouse_capture.run_session import RunSession
from gatehouse_capture.sources import Packet, StreamInfo
from gatehouse_common.clock import SECOND
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.init_segment import parameter_sets, parse_init
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.messages import GapCause, GapRecorded, Message
from gatehouse_common.observability.metrics import RECORDING_RECORDED_SECONDS
from gatehouse_common.testing.clock import FakeClock
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import film_samples
from pipeline_kit import core_at

FPS = 10
FRAME_US = SECOND // FPS
FRAMES = 150
HANGS = {n for n in range(FRAMES) if n % 25 == 24}
"""In the middle of a part, and of a GOP."""
HANGS_US = 9 * SECOND


def test_seconds_without_a_picture_are_not_counted_as_recorded(tmp_path: Path) -> None:
    """S1-17: by the counters the coverage is what it is in the ledger, also of a camera that hangs again and again."""
    init, samples = film_samples(make_film(tmp_path / "f.mp4", FilmSpec(frames=FRAMES, gop=FPS, fps=FPS, width=160)))
    formats = parse_init(init)
    info = StreamInfo(init, formats, parameter_sets(formats[0]), 0, FPS, "simulated")
    clock, told = FakeClock(), list[Message]()
    counter = RECORDING_RECORDED_SECONDS.labels("pausing")
    before = counter._value.get()
    with core_at(tmp_path / "data", broker_url="memory:") as core:
        policy = ChunkPolicy(part_us=SECOND // 2, chunk_us=600 * SECOND, fsync=FsyncPolicy(None))
        tap = LiveTap(core.live, clock, "pausing", SECOND)
        session = RunSession(Desk("pausing", core.data_dir, policy, clock, told.append, tap), info, None, [])
        began = clock.monotonic_us()
        for n, sample in enumerate(samples):
            pts = (clock.monotonic_us() - began) * 9 // 100
            session.take(Packet(0, pts, 0, sample.sync, bytes(sample.data), clock.now_us()))
            clock.advance(FRAME_US + (HANGS_US if n in HANGS and n < FRAMES - 1 else 0))
        session.end(GapCause.SERVICE_DOWN)
    gaps = [m.end_us - m.start_us for m in told if isinstance(m, GapRecorded)]
    assert len(gaps) == len(HANGS) - 1, "one at each pause; the last frame is followed by none"
    recorded_s = counter._value.get() - before
    assert abs(recorded_s - FRAMES / FPS) < 0.2, recorded_s
    assert abs(recorded_s + sum(gaps) / SECOND - (clock.monotonic_us() - began) / SECOND) < 0.2
