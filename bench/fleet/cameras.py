"""Virtual cameras: real samples, of a real film, go through capture's own sessions, a frame a second of their time.

What a camera costs where it is read and written is P1's; here it is to be cheap, so a film of one small picture a
second is sent. Files, runs, messages and their times are what capture makes of it. Nothing is decoded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatehouse_capture.live import LiveTap
from gatehouse_capture.run_notices import Desk
from gatehouse_capture.run_session import RunSession
from gatehouse_capture.sources import Packet, StreamInfo
from gatehouse_capture.watching.turns import Turns
from gatehouse_common.clock import SECOND
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.init_segment import parameter_sets, parse_init
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.messages import CameraState, CameraStatus, GapCause, GopWritten, Interruption, Message
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import film_samples

from .scale import GOP_S, STATUS_S

FPS = 1
CONNECTIONS_S = 100
_TICKS = 90_000 // FPS


@dataclass(frozen=True, slots=True)
class Emitted:
    """Footage of a camera that is in its file: microseconds UTC, and when on the monotonic clock, seconds."""

    camera: str
    start_us: int
    end_us: int
    at_s: float


@dataclass
class Sent:
    """What the cameras have sent so far."""

    parts: int = 0
    connected: bool = False
    """Whether every camera has sent its first frame."""
    late_s: float = 0.0
    """How far behind its time a frame was taken, at the worst: the machine cannot keep up."""
    turned: bool = False
    """Whether cameras have begun to end a chunk, all at once, and to begin another."""
    cpu_s: float = 0.0
    """What the cameras themselves took of a processor: reading, writing, making messages."""
    part: Emitted | None = None
    gop: Emitted | None = None
    new_part: threading.Event = field(default_factory=threading.Event)
    """Set when there is another part, for whoever has cleared it."""
    new_gop: threading.Event = field(default_factory=threading.Event)
    footage: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of each camera: from the first frame to where its last one ends."""


class Fleet:
    """So many cameras in one thread, each a frame a second of its time, spread evenly over the second.

    Args:
        core: where they record.
        film: as :func:`film_of` makes it.
        cameras: their ids.
        send_of: returns what takes the messages of the camera of such a number.
        chunk_us: length of a chunk.
    """

    def __init__(
        self,
        core: Core,
        film: Path,
        cameras: Sequence[str],
        send_of: Callable[[int], Callable[[Message], None]],
        chunk_us: int,
    ) -> None:
        init, samples = film_samples(film)
        formats = parse_init(init)
        info = StreamInfo(init, formats, parameter_sets(formats[0]), 0, float(FPS), "virtual")
        policy = ChunkPolicy(chunk_us=chunk_us, fsync=FsyncPolicy(None))
        turns, gap = Turns(1), [Interruption(cause=GapCause.SERVICE_DOWN, since_us=None)]
        self.sent, self._chunk_us = Sent(), chunk_us
        self._cameras, self._clock = cameras, core.clock
        self._samples = [(s.sync, bytes(s.data)) for s in samples]
        self._send = [self._noting(send_of(k)) for k in range(len(cameras))]
        self._sessions = [
            RunSession(
                Desk(
                    camera,
                    core.data_dir,
                    policy,
                    core.clock,
                    self._send[k],
                    LiveTap(core.live, core.clock, camera, SECOND, turns),
                ),
                info,
                None,
                gap,
            )
            for k, camera in enumerate(cameras)
        ]

    def run(self, start_us: int, seconds: int, slower: float) -> None:
        """Send so many seconds of footage that begins at a wall time, then end every run.

        Args:
            start_us: wall time of the first frame, microseconds UTC, as the cameras have it: in the past.
            seconds: of footage.
            slower: how many seconds of this machine a second of theirs takes. They connect more slowly, a hundred
                a second: not all of a site are switched on at one moment.
        """
        thread = threading.Thread(target=self._run, args=(start_us, seconds, slower), name="cameras")
        thread.start()
        thread.join()

    def _run(self, start_us: int, seconds: int, slower: float) -> None:
        count, begun = len(self._cameras), time.monotonic()
        connecting = max(slower, count / CONNECTIONS_S)
        for turn in range(seconds * FPS):
            for k in range(count):
                share = k / count
                due = connecting * share if turn == 0 else connecting + slower * (turn - 1 + share) / FPS
                behind_s = time.monotonic() - begun - due
                if behind_s < 0:
                    time.sleep(-behind_s)
                self.sent.late_s = max(self.sent.late_s, behind_s)
                at_us = start_us + round((turn + share) * SECOND / FPS)
                self.sent.turned = at_us // self._chunk_us > start_us // self._chunk_us
                if turn % (STATUS_S * FPS) == 0:
                    self._report(k, at_us)
                self._take(k, turn, at_us)
            self.sent.connected = True
        for session in self._sessions:
            session.end(GapCause.SERVICE_DOWN)
        for camera, session in zip(self._cameras, self._sessions, strict=True):
            first_us, _ = self.sent.footage[camera]
            self.sent.footage[camera] = first_us, session.end_us or first_us
        self.sent.cpu_s = time.thread_time()

    def _take(self, k: int, turn: int, due_us: int) -> None:
        session, camera = self._sessions[k], self._cameras[k]
        before = session.end_us if turn else due_us
        sync, data = self._samples[turn % len(self._samples)]
        session.take(Packet(0, turn * _TICKS, 0, sync, data, due_us))
        after = session.end_us
        if turn == 0:
            self.sent.footage[camera] = due_us, due_us
        elif before is not None and after is not None and after > before:
            self.sent.parts += 1
            self.sent.part = Emitted(camera, before, after, time.monotonic())
            self.sent.new_part.set()

    def _noting(self, send: Callable[[Message], None]) -> Callable[[Message], None]:
        def noted(message: Message) -> None:
            send(message)
            if isinstance(message, GopWritten):
                self.sent.gop = Emitted(message.camera, message.start_us, message.end_us, time.monotonic())
                self.sent.new_gop.set()

        return noted

    def _report(self, k: int, now_us: int) -> None:
        self._send[k](
            CameraStatus(
                camera=self._cameras[k],
                time_us=now_us,
                state=CameraState.RECORDING,
                since_us=now_us,
                width=160,
                height=96,
                fps=float(FPS),
                codec="avc1.42c00b",
                backend="virtual",
            )
        )


def film_of(path: Path) -> Path:
    """Make what all of them send, again and again: a GOP of H.264."""
    return make_film(path, FilmSpec(frames=GOP_S * FPS, gop=GOP_S * FPS, fps=FPS, width=160, height=96))
