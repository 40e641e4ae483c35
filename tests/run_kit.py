"""Feeding a session of capture with a film by a clock of the test's own, and finding its packets in the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gatehouse_capture.live import LiveTap
from gatehouse_capture.run_notices import Desk
from gatehouse_capture.run_session import RunSession
from gatehouse_capture.service import LONGEST_CHUNK_US
from gatehouse_capture.sources import Packet, StreamInfo
from gatehouse_common.clock import SECOND
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.init_segment import parameter_sets, parse_init
from gatehouse_common.media.parameter_sets import reorder_depth
from gatehouse_common.media.recorder import ChunkPolicy, Sample
from gatehouse_common.media.samples import VIDEO_TIMESCALE, TrackFormat
from gatehouse_common.messages import ChunkClosed, ChunkOpened, Message
from gatehouse_common.runtime import Core
from gatehouse_common.testing.clock import FakeClock
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import film_samples, scan_file
from pipeline_kit import START_US, core_at

Says = Callable[[float, int], float]
"""The time in seconds that a camera gives a packet that is sent so many seconds after the beginning, by its track."""


@dataclass
class Fed:
    """A session that a film is sent to; what it tells is in ``told``."""

    root: Path
    clock: FakeClock
    session: RunSession
    samples: list[Sample]
    formats: tuple[TrackFormat, ...]
    told: list[Message] = field(default_factory=list)
    _sent: dict[bytes, list[float]] = field(default_factory=dict)

    def seconds(self, sample: Sample) -> float:
        """When a sample is sent, in seconds after the beginning."""
        return sample.pts / self.formats[sample.track].timescale

    def send(self, sample: Sample, says: Says, *, again_s: float = 0.0, late_s: float = 0.0) -> None:
        """Send one sample, ``again_s`` after its time in the film, for films that are sent several times."""
        scale = self.formats[sample.track].timescale
        due = self.seconds(sample) + again_s
        ahead_us = START_US + round(due * SECOND) - self.clock.now_us()
        if ahead_us > 0:
            self.clock.advance(ahead_us)
        pts = round(says(due, sample.track) * scale)
        arrival_us = START_US + round((due + late_s) * SECOND)
        data = bytes(sample.data)
        self._sent.setdefault(nal_of(data), []).append(due)
        self.session.take(Packet(sample.track, pts, sample.dur, sample.sync, data, arrival_us))

    def found(self, track: int) -> list[tuple[float, float]]:
        """Return ``(when it was sent, wall time it is recorded at)`` of each packet in the files, both in seconds.

        Of packets that are alike the first sent is the first found: files are in the order in which packets came.
        """
        sent = {data: list(times) for data, times in self._sent.items()}
        origins = {m.chunk: m.origin_us for m in self.told if isinstance(m, ChunkClosed)}
        found = []
        for opened in (m for m in self.told if isinstance(m, ChunkOpened)):
            media = scan_file(self.root, opened.key, origins.get(opened.chunk, opened.origin_us))
            samples, data = media.tracks[track], (self.root / opened.key).read_bytes()
            for pts, off, size in zip(samples.pts, samples.off, samples.size, strict=True):
                wall_us = media.wall_us(int(pts), samples.format.timescale) - START_US
                found.append((sent[nal_of(data[off : off + size])].pop(0), wall_us / SECOND))
        return sorted(found)


def nal_of(data: bytes) -> bytes:
    """Return what is a packet's own: parameter sets in front of it are left out."""
    return data[-200:]


@contextmanager
def fed(
    tmp_path: Path,
    spec: FilmSpec,
    *,
    chunk_us: int = 600 * SECOND,
    chunk_bytes: Callable[[], int] | None = None,
    listen: Callable[[Core, Message], None] | None = None,
) -> Iterator[Fed]:
    """Yield a session that nothing has been sent to yet; ``listen`` gets all that it tells."""
    tmp_path.mkdir(exist_ok=True)
    init, samples = film_samples(make_film(tmp_path / "film.mp4", spec))
    formats = parse_init(init)
    sets = parameter_sets(formats[0])
    depth = reorder_depth(sets) if sets else 0
    info = StreamInfo(init, formats, sets, depth, spec.fps, "simulated")
    clock, told = FakeClock(START_US), list[Message]()
    with core_at(tmp_path / "data", broker_url="memory:", **{"detection.frames": "off"}) as core:

        def send(message: Message) -> None:
            told.append(message)
            if listen is not None:
                listen(core, message)

        policy = ChunkPolicy(chunk_us=chunk_us, fsync=FsyncPolicy(None), longest_us=LONGEST_CHUNK_US)
        tap = LiveTap(core.live, clock, "cam", SECOND)
        desk = Desk("cam", core.data_dir, policy, clock, send, tap, chunk_bytes=chunk_bytes)
        session = RunSession(desk, info, None, [])
        scales = [VIDEO_TIMESCALE, *(f.timescale for f in formats[1:])]
        samples.sort(key=lambda s: s.pts / scales[s.track]) if not spec.bframes else None
        yield Fed(core.data_dir, clock, session, samples, formats, told)
