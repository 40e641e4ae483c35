"""One camera: connect, record, and when it breaks say so and connect again."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from gatehouse_common.camera_url import CameraUrl, parse_url
from gatehouse_common.clock import SECOND
from gatehouse_common.errors import GatehouseError, InvalidInput, ResourceExhausted, SourceUnavailable
from gatehouse_common.messages import CameraState, CameraStatus, GapCause, GapRecorded, Interruption
from gatehouse_common.observability import metrics
from gatehouse_common.observability.camera_secrets import register_camera_url
from gatehouse_common.observability.secrets import mask

from .run_notices import Desk
from .run_session import RunSession
from .shortfall import Shortfall
from .sources import Source, StreamInfo, open_source

log = structlog.get_logger(__name__)

_EAGER_US = 60 * SECOND
"""For the first minute of an outage a camera is tried about twice a second, then less and less often."""
_EAGER_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_GRACE_S = 0.5
"""A source that notices by itself that nothing comes says so within this."""
_HURRY_US = 2 * SECOND
"""When everything ends, so long may it take until a picture comes."""
_TOLD_AFTER_US = 5 * SECOND + SECOND // 2
"""A disk that has not taken what came last for so long is an alarm; cards often take three seconds."""
_LOST_AFTER_US = 15 * SECOND
"""For about so long the buffers on the way bear it; cameras then throw away what they cannot send."""
_REPORT_US = 30 * SECOND
_TOLD_SHARE = 0.02
"""A change of how much is dropped that is told at once."""
_OF_THE_CAMERA = (
    metrics.CAPTURE_UP,
    metrics.CAPTURE_FPS,
    metrics.CAPTURE_EXPECTED_FPS,
    metrics.CAPTURE_LAST_FRAME,
    metrics.CAPTURE_CLOCK_OFFSET,
    metrics.KEYFRAME_INTERVAL,
)
"""What is told of a camera by whoever records it, and by nobody who did."""
_MOST_CAUSES = 64
"""Of one outage: the first, and the last ones."""
_STANDS_STILL = "the disk does not answer: what the camera sends cannot be written"


@dataclass(frozen=True, slots=True)
class Timing:
    """When a camera counts as silent, in seconds."""

    idle_s: float


class CameraWorker:
    """Records one camera in a thread of its own, until it is stopped.

    Args:
        url: the camera's URL.
        desk: what its sessions work with.
        timing: when it counts as silent.
        floor_us: tells where its recording ended before.
        interruptions: why it was not recorded since then.
    """

    def __init__(
        self,
        url: str,
        desk: Desk,
        timing: Timing,
        floor_us: Callable[[], int | None],
        interruptions: Sequence[Interruption],
    ) -> None:
        register_camera_url(url)
        self.id = desk.camera
        self.url = url
        self._desk, self._timing, self._floor = desk, timing, floor_us
        self._stop = threading.Event()
        self._stop_cause = GapCause.SERVICE_DOWN
        self._thread = threading.Thread(target=self.run, name=f"camera-{desk.camera}", daemon=True)
        self._interruptions = list(interruptions)
        self._source: Source | None = None
        self._end_us: int | None = None
        self._outage_since_us = desk.clock.monotonic_us()
        self._last_frame_us = 0
        self._reading = False
        self._handed_us: int | None = None
        """When what came last was handed to the disk; None: it has been taken."""
        self._telling = threading.RLock()
        self._counted = (0, 0)
        self._shortfall = Shortfall(0.0)
        now = desk.clock.now_us()
        self._status = CameraStatus(camera=desk.camera, time_us=now, state=CameraState.STARTING, since_us=now)
        self._expected_until_us = desk.clock.monotonic_us()
        metrics.RECORDING_EXPECTED.labels(desk.camera).set(1)
        metrics.RECORDING_ACTIVE.labels(desk.camera).set(0)

    @property
    def status(self) -> CameraStatus:
        """What it last told."""
        return self._status

    def start(self) -> None:
        """Start recording."""
        self._thread.start()

    def stop(self, cause: GapCause) -> None:
        """Tell it to stop; ``cause`` is that of the gap that begins then."""
        with self._telling:
            if not self._stop.is_set():
                self._count_expected()
        self._stop_cause = cause
        self._stop.set()
        source = self._source
        if source is not None:
            source.interrupt()

    def watch(self, *, hurry: bool = False) -> None:
        """Cut off a connection that is kept up without a picture: reports of the sender keep its reads from ending.

        And say so when the disk does not take what the camera sends: its own thread stands in a write then, and cannot.
        Called every half second or so; the seconds in which the camera should be recorded are counted here too.

        Args:
            hurry: everything ends, so that nobody waits for a picture for as long as one may take.
        """
        with self._telling:
            if not self._stop.is_set():
                self._count_expected()
            if self._stands_still() and self._status.detail != _STANDS_STILL:
                metrics.RECORDING_ACTIVE.labels(self.id).set(0)
                log.error("camera is not recorded", camera=self.id, cause="storage_full", reason=_STANDS_STILL)
                self._tell(CameraState.RECONNECTING, GapCause.STORAGE_FULL, _STANDS_STILL)
        source, handed = self._source, self._handed_us
        silent_us = self._desk.clock.monotonic_us() - self._last_frame_us
        patience_us = min(_HURRY_US, self._patience_us) if hurry else self._patience_us
        if source is not None and self._reading and handed is None and silent_us > patience_us:
            source.give_up()

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; return whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def interruptions(self) -> list[Interruption]:
        """What has kept it from being recorded since its last frame: nothing while it is."""
        if self._stands_still():
            return [Interruption(cause=GapCause.STORAGE_FULL, since_us=None)]
        recording = self._source is not None and self._status.state is CameraState.RECORDING
        return [] if recording else list(self._interruptions)

    @property
    def _patience_us(self) -> int:
        """How long it may take until the next picture."""
        return round((self._timing.idle_s + _GRACE_S) * SECOND)

    @property
    def _is_film(self) -> bool:
        """Whether it is a file, of which nothing is lost while nobody reads it."""
        return self.url.startswith("file:")

    def _stands_still(self) -> bool:
        """Return whether the disk has not taken what came last for so long that somebody should know."""
        handed = self._handed_us
        return handed is not None and self._desk.clock.monotonic_us() - handed > _TOLD_AFTER_US

    @property
    def end_us(self) -> int | None:
        """Wall time at which its recording ends so far, None before it began."""
        return self._end_us

    def run(self) -> None:
        """Record until stopped; every failure is told, and tried again after a pause."""
        self._end_us = self._floor()
        pause = _EAGER_PAUSE_S
        while not self._stop.is_set():
            if self._waits_for_room():
                continue
            try:
                self.run_once(parse_url(self.url))
            except InvalidInput as error:
                self._tell(CameraState.FAILED, GapCause.CAMERA_OFFLINE, error.message)
                self._stop.wait()
            except ResourceExhausted as error:
                self._broken(GapCause.STORAGE_FULL, error.message)
            except GatehouseError as error:
                self._broken(GapCause.CAMERA_OFFLINE, error.message)
            except Exception as error:  # a fault of ours in reading one camera must not end it for ever
                log.exception("camera failed", camera=self.id)
                self._broken(GapCause.CAMERA_OFFLINE, f"unexpected {type(error).__name__}")
            else:
                if not self._stop.is_set():
                    metrics.RECORDING_EXPECTED.labels(self.id).set(0)
                    metrics.RECORDING_ACTIVE.labels(self.id).set(0)
                    self._tell(CameraState.ENDED, GapCause.DISABLED, "the film has ended")
                    self._stop.wait()
            out_for = self._desk.clock.monotonic_us() - self._outage_since_us
            pause = _EAGER_PAUSE_S if out_for < _EAGER_US else min(pause * 1.5, _LONGEST_PAUSE_S)
            self._desk.clock.wait(self._stop, pause * random.uniform(0.75, 1.0))  # noqa: S311 - jitter
        metrics.RECORDING_EXPECTED.labels(self.id).set(0)
        metrics.RECORDING_ACTIVE.labels(self.id).set(0)
        for gauge in _OF_THE_CAMERA:
            gauge.remove(self.id)
        if self._stop_cause is GapCause.DISABLED:
            self._tell_outage()

    def _tell_outage(self) -> None:
        """Tell of the outage in which a camera is switched off: what follows is nobody's fault, what came before was.

        Nobody would tell it otherwise, if the camera is never recorded again.
        """
        at, now = self._end_us, self._desk.clock.now_us()
        causes = self.interruptions
        for n, one in enumerate(causes):
            if at is None:
                return
            end = (causes[n + 1].since_us if n + 1 < len(causes) else now) or at
            end = min(max(end, at), now)
            if end > at:
                gap = GapRecorded(camera=self.id, time_us=at, start_us=at, end_us=end, cause=one.cause)
                self._desk.send(gap)
            at = end

    def run_once(self, url: CameraUrl) -> None:
        """Connect and record until the camera fails, ends, or is stopped.

        Raises:
            GatehouseError: it failed; all that came is written.
        """
        self._source = source = open_source(url, self._desk.clock, self._timing.idle_s)
        session: RunSession | None = None
        refused = ""
        try:
            info = source.open()
            self._last_frame_us = self._desk.clock.monotonic_us()
            self._reading = True
            session = RunSession(self._desk, info, self._end_us, self._interruptions)
            refused = self._record(source, session, info)
        except (SourceUnavailable, InvalidInput):
            if session is not None and not self._stop.is_set():
                self._write(partial(session.end, GapCause.CAMERA_OFFLINE))
                raise
            if session is None:
                raise
        except GatehouseError as error:
            if session is None:
                raise
            # Not the camera: the file system does not take what it sends. For the ledger that is one cause.
            metrics.STORAGE_WRITE_ERRORS.labels("spool").inc()
            self._write(partial(session.abandon, GapCause.STORAGE_FULL))
            raise ResourceExhausted(error.message) from error
        finally:
            self._reading = False
            self._source = None
            source.close()
            if session is not None:
                self._finish(session)
        if refused:
            raise ResourceExhausted(refused)

    def _record(self, source: Source, session: RunSession, info: StreamInfo) -> str:
        """Record until it ends or is stopped; return why it must not go on, empty if it may."""
        for packet in source.packets():
            if self._stop.is_set():
                break
            refused = self._desk.refused() or self._write(partial(session.take, packet))
            if refused:
                self._write(partial(session.end, GapCause.STORAGE_FULL))
                return refused
            if packet.track == 0:
                self._seen(session, info)
            else:
                self._require_pictures()
        return ""

    def _write(self, what: Callable[[], None]) -> str:
        """Do what may have to wait for the disk; return why recording must not go on, empty if it may.

        A disk that is slow now and then is waited for, as the buffers between here and the camera do. A camera that
        has waited for longer has thrown away what it could not send: a new connection begins with whole pictures. A
        film loses nothing, however long it waits.
        """
        self._handed_us = handed = self._desk.clock.monotonic_us()
        try:
            what()
        finally:
            self._handed_us = None
        waited_us = self._desk.clock.monotonic_us() - handed
        self._last_frame_us += waited_us  # the camera was not silent then: nobody listened
        if waited_us <= _LOST_AFTER_US or self._is_film:
            return ""
        return f"the disk did not answer for {waited_us / SECOND:.0f} s"

    def _waits_for_room(self) -> bool:
        """Wait a moment if there is no room for the camera; return whether that is so."""
        refused = self._desk.refused()
        if refused:
            self._broken(GapCause.STORAGE_FULL, refused)
            self._desk.clock.wait(self._stop, _EAGER_PAUSE_S)
        return bool(refused)

    def _count_expected(self) -> None:
        """Count the time since this was called last, if the camera should have been recorded in it."""
        now = self._desk.clock.monotonic_us()
        elapsed_us, self._expected_until_us = now - self._expected_until_us, now
        if self._status.state is not CameraState.ENDED:
            metrics.RECORDING_EXPECTED_SECONDS.labels(self.id).inc(elapsed_us / SECOND)

    def _finish(self, session: RunSession) -> None:
        try:
            cause = self._stop_cause if self._stop.is_set() else GapCause.CAMERA_OFFLINE
            self._write(partial(session.end, cause))
        finally:
            self._end_us = session.end_us or self._end_us
            if session.recorded:
                self._interruptions = []

    def _require_pictures(self) -> None:
        """A camera that goes on with sound alone is as silent as one that sends nothing."""
        if self._desk.clock.monotonic_us() - self._last_frame_us > self._timing.idle_s * SECOND:
            raise SourceUnavailable(f"no picture for {self._timing.idle_s:g} s")

    def _seen(self, session: RunSession, info: StreamInfo) -> None:
        """Keep what a frame tells for people: state, rate, metrics."""
        now = self._desk.clock.monotonic_us()
        self._last_frame_us = now
        if self._status.state is not CameraState.RECORDING:
            self._outage_since_us = now
            self._counted = (session.frames, now)
            self._shortfall = Shortfall(info.asked_fps)
            metrics.CAPTURE_EXPECTED_FPS.labels(self.id).set(info.asked_fps)
            metrics.CAPTURE_UP.labels(self.id).set(1)
            metrics.RECORDING_ACTIVE.labels(self.id).set(1)
            video = info.formats[0]
            self._tell(
                CameraState.RECORDING,
                None,
                "",
                width=video.width,
                height=video.height,
                fps=info.fps,
                asked_fps=info.asked_fps,
                dropped=0.0,
                dropped_frames=0,
                codec=video.codec_string,
                fallback=info.fallback,
                backend=info.backend,
            )
        frames, since = self._counted
        if now - since >= 2 * SECOND:
            fps = (session.frames - frames) * SECOND / (now - since)
            metrics.CAPTURE_FRAMES.labels(self.id).inc(session.frames - frames)
            metrics.CAPTURE_FPS.labels(self.id).set(fps)
            metrics.CAPTURE_LAST_FRAME.labels(self.id).set(self._desk.clock.now_us() / SECOND)
            if session.clock_offset_us is not None:
                metrics.CAPTURE_CLOCK_OFFSET.labels(self.id).set(session.clock_offset_us / SECOND)
            self._counted = (session.frames, now)
            metrics.CAPTURE_DROPPED.labels(self.id).inc(self._shortfall.note(session.frames - frames, now - since))
            changed = abs(fps - self._status.fps) > 0.1 * max(self._status.fps, 1)
            changed |= abs(self._shortfall.share - self._status.dropped) > _TOLD_SHARE
            if changed or abs(self._desk.clock.now_us() - self._status.time_us) > _REPORT_US:
                missed = {"dropped": round(self._shortfall.share, 4), "dropped_frames": self._shortfall.dropped_frames}
                self._tell(CameraState.RECORDING, None, "", fps=round(fps, 2), **missed)

    def _broken(self, cause: GapCause, reason: str) -> None:
        if self._stop.is_set():
            return
        reason = mask(reason)
        metrics.CAPTURE_UP.labels(self.id).set(0)
        metrics.CAPTURE_FPS.labels(self.id).set(0)
        metrics.RECORDING_ACTIVE.labels(self.id).set(0)
        known = self._interruptions[-1].cause if self._interruptions else None
        if known is not cause:
            since = self._desk.clock.now_us() if self._interruptions else None
            self._interruptions = [*self._interruptions, Interruption(cause=cause, since_us=since)]
            del self._interruptions[1 : max(1, len(self._interruptions) - _MOST_CAUSES)]
            self._outage_since_us = self._desk.clock.monotonic_us()
            metrics.CAPTURE_RECONNECTS.labels(self.id, cause.value).inc()
        if self._status.detail != reason or self._status.cause is not cause:
            log.warning("camera is not recorded", camera=self.id, cause=cause.value, reason=reason)
            self._tell(CameraState.RECONNECTING, cause, reason)

    def _tell(self, state: CameraState, cause: GapCause | None, detail: str, **more: object) -> None:
        """Publish a new status; what ``more`` does not say stays as it was while the state does."""
        with self._telling:
            now = self._desk.clock.now_us()
            same = state is self._status.state
            since = self._status.since_us if same else now
            known = self._status if same or state is CameraState.RECORDING else replace_rate(self._status)
            self._status = known.model_copy(
                update={"state": state, "cause": cause, "detail": detail, "since_us": since, "time_us": now, **more}
                | {"epoch": self._desk.epoch()}
            )
            self._desk.send(self._status)
        if not same:
            log.info("camera state", camera=self.id, state=state.value, cause=cause.value if cause else None)


def replace_rate(status: CameraStatus) -> CameraStatus:
    """Return ``status`` without its frame rate: nothing comes."""
    return status.model_copy(update={"fps": 0.0, "dropped": 0.0})
