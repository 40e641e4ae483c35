"""Watching a camera: what of its stream is decoded, and when. Lives in the recorder's thread and never waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.samples import VIDEO_TIMESCALE, TrackFormat

from .analyst import Analyst, Publish
from .backlog import Backlog, Run
from .decode import SharedDecode
from .held import HeldGops
from .listeners import PictureListener
from .options import WatchOptions
from .sizes import SizeWatch
from .turns import Turns

HOLD = VIDEO_TIMESCALE * 3 // 2
"""Ticks that something is followed for after it moved last."""
_STEP = VIDEO_TIMESCALE * 19 // 10
"""Ticks between two keyframes that are looked at, at least: half as many where every picture is one."""
_TRUSTING_STEP = 20 * VIDEO_TIMESCALE
"""The same while sizes would tell: keyframes are costly, and show then only what came without moving."""
_KEYFRAMES_STEP = VIDEO_TIMESCALE // 2
_BEFORE = VIDEO_TIMESCALE * 7 // 10
"""Sizes tell of something some pictures after it came: if a keyframe is newer than that, the GOP before counts too."""
_KEPT, _KEPT_TRUSTING, _KEPT_PENDING = 6 * VIDEO_TIMESCALE, 2 * _BEFORE, 12 * VIDEO_TIMESCALE
_LONG_GOP = VIDEO_TIMESCALE * 22 // 10
"""Where keyframes are farther apart, cars come and go between two of them."""
_INTRA_STEP = VIDEO_TIMESCALE // 15 * 9 // 10
"""Where every picture is a keyframe not all have to be decoded: so many are enough for all who look."""


@dataclass(slots=True)
class _Following:
    """Pictures are decoded one after the other.

    Attributes:
        start: decode time of the first.
        until: decode time before which following does not end.
        told_by_size: whether it was begun for what sizes told.
    """

    start: int
    until: int
    told_by_size: bool


class CameraWatch:
    """Decides what is decoded of a camera.

    While nothing moves, keyframes alone are, now and then. What moves is told by the sizes of the pictures, or seen in
    a keyframe; then everything is decoded from the keyframe before it began, so that nothing of it is missed, until it
    has been still for a while. Where sizes tell nothing, as with encoders that fill a constant rate with noise, and
    keyframes are too far apart to show everything, all is decoded as long as nobody else has to wait for that.

    Args:
        camera: the camera.
        turns: who decodes.
        publish: the bus.
        options: how it is watched.
        listeners: who else looks at what is decoded.
    """

    def __init__(
        self,
        camera: str,
        turns: Turns,
        publish: Publish,
        options: WatchOptions,
        listeners: Sequence[PictureListener] = (),
    ) -> None:
        self._turns, self._options = turns, options
        self._backlog = Backlog(camera, lambda: self._options.fps)
        self._analyst = Analyst(camera, publish, options, lambda: self._backlog.behind)
        self._decode = SharedDecode(camera, self._backlog, self._analyst, listeners)
        self._held = HeldGops()
        self._begin(None)

    def _begin(self, run: Run | None) -> None:
        self._run = run
        self._held.clear()
        self._sizes = SizeWatch(run.format.width * run.format.height if run is not None else 0)
        self._following: _Following | None = None
        self._intra = self._was_sync = self._blind = False
        self._key = self._gop = 0
        self._next_look = self._next_intra = 0
        self._still_until = self._looked = self._pending = -1

    def configure(self, options: WatchOptions) -> None:
        """Watch by other options from now on. May be called from any thread."""
        if options != self._options:
            self._options = self._analyst.options = options

    def begin_run(self, run: str, format_: TrackFormat, wall: Callable[[int], int]) -> None:
        """A run begins: what follows is decoded by ``format_``, and ``wall`` gives wall times of its ticks."""
        begun = Run(run, format_, wall)
        self._begin(begun)
        self._backlog.begin(begun)

    def end_run(self) -> None:
        """The run has ended; what waits of it is decoded all the same."""
        following = self._following
        self._begin(None)
        if following is not None:
            self._backlog.rest()
            self._turns.wake(self._decode)

    def close(self) -> None:
        """Decode nothing more."""
        self._turns.forget(self._decode)

    def sample(self, sample: TimedSample, *, shown: bool) -> None:
        """Take the next video sample; ``shown``: somebody looks at all pictures now."""
        run = self._run
        if run is None:
            return
        self._intra, self._was_sync = self._was_sync and sample.sync, sample.sync
        if sample.sync:
            self._gop, self._key = sample.dts - self._key, sample.dts
        self._held.add(sample)
        asked = self._notice(run, sample) if self._options.frames == "activity" else None
        self._decode.urgent = shown or not self._blind
        following = self._following
        if following is None:
            if asked is not None or shown:
                self._start(asked or _Following(sample.dts, sample.dts, told_by_size=False))
            elif sample.sync and sample.dts >= self._next_look and self._options.frames != "off":
                self._look(sample)
        elif not shown and self._is_over(run, following):
            self._stop(following, sample.dts)
        else:
            self._more(sample)
        self._forget(sample.dts)

    def _notice(self, run: Run, sample: TimedSample) -> _Following | None:
        """Return from when to follow, if something moves: as a keyframe has shown, or as sizes tell."""
        found = self._analyst.found
        moving = self._following is not None and found.run is run and found.moved > found.seen - HOLD // 2 >= 0
        told = self._sizes.take(
            sample.dts, sample.dts + sample.cts, len(sample.data), sync=sample.sync, learn=not moving
        )
        changed = self._changed(run)
        self._blind = max(self._gop, sample.dts - self._key) > _LONG_GOP and not moving and not self._sizes.trusted
        if self._following is not None:
            return None  # now the pictures themselves tell
        if changed is not None:
            return _Following(changed, sample.dts, told_by_size=False)
        if told:
            return _Following(sample.dts - _BEFORE, sample.dts, told_by_size=True)
        return _Following(sample.dts, sample.dts, told_by_size=False) if self._blind else None

    def _changed(self, run: Run) -> int | None:
        """Return since when something has been moving, by what the keyframe showed that was looked at last."""
        answer = self._decode.answer
        if answer is None or answer[0] is not run or answer[1] <= self._looked:
            return None
        self._looked = answer[1]
        if self._pending <= self._looked:
            self._pending = -1
        if answer[2]:
            return self._still_until if self._still_until >= 0 else self._looked
        self._still_until = self._looked
        return None

    def _look(self, sample: TimedSample) -> None:
        if self._options.frames == "keyframes":
            step = _KEYFRAMES_STEP
        elif self._intra:
            step = _STEP // 2
        else:
            step = _TRUSTING_STEP if self._sizes.trusted else _STEP
        self._next_look, self._pending = sample.dts + step, sample.dts
        self._backlog.look(sample)
        self._turns.wake(self._decode)

    def _start(self, following: _Following) -> None:
        samples = self._held.since(following.start)
        if not samples:
            return  # its GOP was not kept, so the next keyframe tells
        if self._intra:
            samples = [sample for sample in samples if self._is_due(sample)] or samples[-1:]
        following.start = samples[0].dts
        self._following = following
        self._backlog.follow(samples)
        self._turns.wake(self._decode)

    def _more(self, sample: TimedSample) -> None:
        if self._intra and not self._is_due(sample):
            return
        self._backlog.more(sample)
        self._turns.wake(self._decode)

    def _is_due(self, sample: TimedSample) -> bool:
        if sample.dts < self._next_intra:
            return False
        self._next_intra = sample.dts + _INTRA_STEP
        return True

    def _is_over(self, run: Run, following: _Following) -> bool:
        """Return whether nobody has to follow any longer: it has been still for a while, and that has been seen."""
        if self._options.frames != "activity":
            return True
        if self._blind:
            return False
        found = self._analyst.found
        return found.run is run and found.seen >= max(found.moved, following.until) + HOLD

    def _stop(self, following: _Following, now: int) -> None:
        if following.told_by_size:
            if self._analyst.found.moved >= following.start:
                self._sizes.confirm()
            else:
                self._sizes.false_alarm()
        self._following = None
        self._still_until, self._next_look = now, 0
        self._backlog.rest()
        self._turns.wake(self._decode)

    def _forget(self, now: int) -> None:
        """Let go of GOPs in which nothing moved."""
        floor = now
        if self._following is None and self._options.frames == "activity":
            if self._pending >= 0:
                floor = now - _KEPT_PENDING
            else:
                floor = max(self._still_until, now - (_KEPT_TRUSTING if self._sizes.trusted else _KEPT))
        self._held.let_go(floor)
