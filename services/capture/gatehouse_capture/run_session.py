"""One connection to a camera: its packets become runs, each with an origin, and go to a recorder."""

from __future__ import annotations

import base64
import statistics
from collections import deque
from collections.abc import Sequence

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import InvalidInput, SourceUnavailable
from gatehouse_common.ids import new_id
from gatehouse_common.media.recorder import RunRecorder, Sample
from gatehouse_common.media.reorder import MOST_REORDERED
from gatehouse_common.media.run_box import RunInfo
from gatehouse_common.media.samples import VIDEO_TIMESCALE
from gatehouse_common.messages import GapCause, Interruption, RunEnded, RunStarted
from gatehouse_common.observability.metrics import CAPTURE_SOUND_JUMPS, CAPTURE_UNDECODABLE
from gatehouse_common.storage import keys

from .continuity import Continuity, SoundContinuity
from .origin import Origin
from .parameters import ParameterWatch
from .run_notices import Desk, RunNotices
from .sources import Packet, StreamInfo

log = structlog.get_logger(__name__)

_STALL_US = SECOND
_TOLD_AGAIN_US = 60 * SECOND
"""Sound whose time jumps with every packet is told of once in so long; each jump is counted."""
_NO_KEYFRAME_US = 30 * SECOND


class RunSession:
    """Turns the packets of one connection into runs.

    A run begins with a keyframe at media time 0. A new one begins, at a keyframe and without losing a frame,
    when codec parameters change, or when wall and media time have parted.

    Args:
        desk: what it works with.
        info: what the source sends.
        floor_us: where the camera's recording ended before.
        interruptions: why there is a gap before the first run.
    """

    def __init__(
        self, desk: Desk, info: StreamInfo, floor_us: int | None, interruptions: Sequence[Interruption]
    ) -> None:
        self._desk, self._info = desk, info
        self._floor = floor_us
        self._interruptions = list(interruptions)
        self._recorder: RunRecorder | None = None
        self._notices: RunNotices | None = None
        self._run = ""
        self._recorded = False
        self._origin = Origin()
        self._zero = 0
        self._keyframe = 0
        self._times = Continuity(live=info.live)
        self._sound = SoundContinuity(self._times, live=info.live)
        self._leading = 0
        """How many pictures have led the run's first keyframe; ``_trailed``: whether one has come that follows it."""
        self._trailed = False
        self._sound_told_us: int | None = None
        self._sound_lost = False
        self._restart: GapCause | None = None
        self._intervals: deque[int] = deque(maxlen=30)
        self._waiting_since: int | None = None
        self._parameters = ParameterWatch(info)
        self.frames = 0

    @property
    def clock_offset_us(self) -> int | None:
        """The camera's clock minus ours, where it tells."""
        return self._origin.clock_offset_us

    @property
    def recorded(self) -> bool:
        """Whether a run has been begun in a file, so that what interrupted recording before it is told."""
        return self._recorded or (self._notices is not None and self._notices.told)

    @property
    def end_us(self) -> int | None:
        """Where recording ends so far, None before the first run."""
        return self._recorder.end_us if self._recorder else self._floor

    def take(self, packet: Packet) -> None:
        """Take the next packet.

        Raises:
            SourceUnavailable: the camera has sent no keyframe for too long, or sends noise.
            InvalidInput: a film has none for so long; read again, it would be the same.
            ResourceExhausted: the disk is full.
        """
        if packet.track:
            self._take_sound(packet)
            return
        self.frames += 1
        pts = self._continuous(packet)
        if packet.sync and self._changed_parameters(packet):
            self._restart = GapCause.DROPPED
        if self._recorder is None or (packet.sync and self._restart):
            if not packet.sync:
                CAPTURE_UNDECODABLE.labels(self._desk.camera).inc()
                self._wait_for_keyframe(packet.arrival_us)
                return
            self._begin(pts, packet)
        ticks = pts - self._zero
        if ticks < 0:  # leads the run's first keyframe: refers to pictures that are not there
            self._leading += 1
            CAPTURE_UNDECODABLE.labels(self._desk.camera).inc()
            return
        self._require_room(ticks, packet)
        self._trailed = ticks > 0 or self._trailed
        self._follow(ticks, packet)
        if packet.jpeg is not None:
            self._desk.live.picture(packet.jpeg, ticks)
        recorder = self._recorder
        if recorder is not None:
            recorder.add(Sample(0, ticks, packet.dur, packet.sync, packet.data))

    def end(self, cause: GapCause) -> None:
        """End the run, if there is one: everything received is written."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        self._desk.live.end_run()
        try:
            recorder.close()
        except Exception:
            recorder.abandon()
            raise
        finally:
            self._floor = recorder.end_us
            self._tell_end(recorder.end_us, cause)

    def abandon(self, cause: GapCause) -> None:
        """End the run after an error of the file system."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self._desk.live.end_run()
            recorder.abandon()
            self._floor = recorder.end_us
            self._tell_end(recorder.end_us, cause)

    def _tell_end(self, end_us: int, cause: GapCause) -> None:
        if self._notices is None or not self._notices.told:
            return  # not a byte of it could be written: there was no run
        self._recorded = True
        self._desk.send(RunEnded(camera=self._desk.camera, time_us=end_us, run=self._run, end_us=end_us, cause=cause))

    def _take_sound(self, packet: Packet) -> None:
        recorder = self._recorder
        if recorder is None or len(self._info.formats) < 2:
            return
        scale, jumps = self._info.formats[1].timescale, self._sound.jumps
        said, dur = (ticks * VIDEO_TIMESCALE // scale for ticks in (packet.pts, packet.dur))
        at = self._sound.place(said, dur, packet.arrival_us)
        if self._sound.jumps != jumps:
            self._tell_sound_jumped(packet.arrival_us)
        if at is None:
            return
        pts = packet.pts + (self._sound.shift - self._zero) * scale // VIDEO_TIMESCALE
        taken = recorder.add(Sample(1, pts, packet.dur, True, packet.data))
        if not taken and pts >= 0 and not self._sound_lost:  # what leads the run's first picture is none of it
            self._sound_lost = True
            log.warning("sound is left out that has no place beside the pictures", camera=self._desk.camera)

    def _tell_sound_jumped(self, now_us: int) -> None:
        CAPTURE_SOUND_JUMPS.labels(self._desk.camera).inc()
        if self._sound_told_us is None or abs(now_us - self._sound_told_us) > _TOLD_AGAIN_US:
            self._sound_told_us = now_us
            log.warning("the time of the camera's sound jumped", camera=self._desk.camera)

    def _continuous(self, packet: Packet) -> int:
        """Return the packet's time; a jump that arrival does not share is taken out, until a new run begins."""
        times, arrival_us = self._times, packet.arrival_us
        pts = packet.pts + times.shift
        jumped = times.jump(pts, arrival_us)
        if not jumped and times.newest is not None and self._stepped_back(pts, packet):
            jumped = pts - times.newest[0]
        if jumped:
            pts = times.expected(arrival_us, VIDEO_TIMESCALE // 100)
            change = pts - packet.pts - times.shift
            times.shift += change
            self._sound.follow(change, jumped, arrival_us)
            self._restart = GapCause.CLOCK_STEP
            log.warning("the camera's time jumped", camera=self._desk.camera, seconds=jumped / VIDEO_TIMESCALE)
        before = times.newest
        if times.note(pts, arrival_us) and before is not None:
            self._tell_stall(before[0], pts)
        return pts

    def _stepped_back(self, pts: int, packet: Packet) -> bool:
        """Whether a picture is of a time that the order of pictures does not explain. A film's times are believed.

        Before its run there are those alone that lead the run's first keyframe. They come right behind it, and the
        others of its GOP after them. Within the run, decoders can hold so many that are shown before another.
        """
        if self._recorder is None or not self._info.live:
            return False
        if pts >= self._zero:
            return self._times.behind >= MOST_REORDERED
        return packet.sync or self._trailed or self._leading >= MOST_REORDERED

    def _tell_stall(self, newest: int, pts: int) -> None:
        """A pause inside a run is a gap: frames were dropped on the way, or the camera hung."""
        if self._recorder is None or self._notices is None:
            return
        pause = pts - newest
        before = self._intervals.copy() if pause * SECOND > _STALL_US * VIDEO_TIMESCALE else None
        self._intervals.append(pause)
        if before is None:
            return
        usual = statistics.median(before) if before else VIDEO_TIMESCALE
        if pause > 5 * usual:
            start = self._recorder.wall_us(newest - self._zero + int(usual))
            end = self._recorder.wall_us(pts - self._zero)
            self._notices.paused(start, end, "no frames came for a while")

    def _changed_parameters(self, keyframe: Packet) -> bool:
        """Put the parameter sets in front of a keyframe; return whether it needs another init segment."""
        keyframe.data, changed = self._parameters.follow(keyframe.data)
        if changed:
            self._info = self._parameters.info
            if self._recorder is not None:
                video = self._info.formats[0]
                size = f"{video.width}x{video.height}"
                log.warning("the camera changed its parameters; a new run begins", camera=self._desk.camera, size=size)
        return changed

    def _wait_for_keyframe(self, now_us: int) -> None:
        if self._waiting_since is None:
            self._waiting_since = now_us
        elif now_us - self._waiting_since > _NO_KEYFRAME_US:
            raise SourceUnavailable("the camera sends no keyframe")

    def _require_room(self, ticks: int, packet: Packet) -> None:
        """End the connection if its chunk has to end and no keyframe comes to end it at: a new one begins with one.

        A keyframe that has just come may still wait to be put in order: the chunk ends at it.
        """
        if packet.sync:
            self._keyframe = ticks
        if self._recorder is None or ticks < self._recorder.full_dts:
            return
        seconds = (ticks - self._keyframe) // VIDEO_TIMESCALE
        if seconds * SECOND >= _NO_KEYFRAME_US:
            reason = f"the camera sends no keyframe: the last came {seconds} s ago"
            raise InvalidInput(reason) if self._info.backend == "file" else SourceUnavailable(reason)

    def _begin(self, pts: int, packet: Packet) -> None:
        cause, self._restart = self._restart, None
        if self._recorder is not None and cause is not None:
            self.end(cause)
            self._interruptions = [Interruption(cause=cause, since_us=None)]
        self._zero = pts
        self._keyframe = 0
        self._leading, self._trailed = 0, False
        self._origin = Origin(self._floor)
        origin_us = self._origin.see(0, packet.arrival_us, packet.sender_us).origin_us
        self._run = new_id()
        camera = self._desk.camera
        video = self._info.formats[0]
        causes = tuple((i.cause.value, i.since_us) for i in self._interruptions)
        run = self._run
        started = RunStarted(
            camera=camera,
            time_us=origin_us,
            run=run,
            origin_us=origin_us,
            start_us=origin_us,
            init=base64.b64encode(self._info.init),
            width=video.width,
            height=video.height,
            fps=self._info.fps,
            video_codec=video.codec_string,
            audio_codec=self._info.formats[1].codec_string if len(self._info.formats) > 1 else None,
            interruptions=self._interruptions,
            spool_url=self._desk.address,
            epoch=self._desk.epoch(),
        )
        self._notices = RunNotices(self._desk, started)
        self._recorder = RunRecorder(
            root=self._desk.root,
            key_of=lambda start_us: keys.spool(camera, run, start_us),
            info=RunInfo(camera, run, "", origin_us, causes),
            init=self._info.init,
            formats=self._info.formats,
            depth=self._info.depth,
            policy=self._desk.policy,
            clock=self._desk.clock,
            listener=self._notices,
            chunk_us=self._desk.chunk_us,
            wanted_us=self._desk.wanted_us,
            chunk_bytes=self._desk.chunk_bytes,
        )
        self._desk.live.begin_run(run, video, self._recorder.wall_us)
        self._interruptions = []

    def _follow(self, ticks: int, packet: Packet) -> None:
        if not self._info.live:
            return  # a film read faster than it plays: its frames are where they would have been
        judged = self._origin.see(ticks * SECOND // VIDEO_TIMESCALE, packet.arrival_us, packet.sender_us)
        if judged.refined and self._recorder is not None and self._notices is not None:
            self._recorder.origin_us = self._notices.origin_us = judged.origin_us
        if judged.stepped and self._restart is None:
            self._restart = GapCause.CLOCK_STEP
            log.warning("wall and media time have parted; a new run begins", camera=self._desk.camera)
