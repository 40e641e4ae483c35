"""What of a camera's pictures goes to detectors: what moves, what has come to rest, and the whole now and then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import av
import numpy as np
import structlog

from gatehouse_common.errors import GatehouseError
from gatehouse_common.media.pictures import encode_region
from gatehouse_common.media.samples import VIDEO_TIMESCALE
from gatehouse_common.messages import FrameSampled, Message
from gatehouse_common.observability.metrics import WATCH_SHED

from .backlog import Run
from .options import WatchOptions
from .regions import Mask, Region, groups, regions, whole
from .scene import Scene, Small, grid_of, small_grey

log = structlog.get_logger(__name__)

Publish = Callable[[Message, bytes], None]
"""Publishes a transient message with its body."""

_QUALITY = 90
_ANALYSED_FPS = 10
"""Motion is looked for so often at least: where it begins is then known to a tenth of a second."""
_KEYFRAME_STEP = VIDEO_TIMESCALE // 2
_AT_REST = VIDEO_TIMESCALE * 6 // 10


@dataclass(slots=True)
class _Track:
    """A region in which something moved, and when it last did."""

    region: Region
    moved: int


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a run since it was last still, in ticks; -1: nothing yet.

    Attributes:
        run: the run.
        seen: time of the newest picture that was followed.
        moved: time of the newest in which something moved.
    """

    run: Run | None
    seen: int = -1
    moved: int = -1


class Analyst:
    """Looks at the pictures of one camera and publishes ``frame.sampled``; a ``PictureListener``.

    Args:
        camera: the camera.
        publish: the bus.
        options: how it is watched; may be set to others at any time.
        behind: tells how many ticks decoding is behind.
    """

    def __init__(self, camera: str, publish: Publish, options: WatchOptions, behind: Callable[[], int] = int) -> None:
        self._camera, self._publish, self.options, self._behind = camera, publish, options, behind
        self._looked = options
        self._run: Run | None = None
        self._scene = Scene()
        self._tracks: list[_Track] = []
        self._last: tuple[av.VideoFrame, int] | None = None
        self._begin(None)

    def _begin(self, run: Run | None) -> None:
        self._run = run
        self._scene, self._tracks, self._last = Scene(), [], None
        self._newest = self._next_analysed = self._next_due = self._next_sent = -1
        self._owes_whole = True
        self.found = Found(run)

    @property
    def sends_next_look(self) -> bool:
        """Whether the next keyframe goes out whole: the first of a run, and that after something moved."""
        return self._owes_whole or self.options.frames == "keyframes" or self.options is not self._looked

    def begin_run(self, run: Run) -> None:
        """A run begins."""
        self._begin(run)

    def look(self, frame: av.VideoFrame, pts: int) -> bool:
        """Look at a keyframe alone; return whether something has changed since nothing moved."""
        options = self._follow_options()
        if options.frames == "off" or self._run is None:
            return False
        if options.frames == "keyframes":
            self._send_whole(frame, pts)
            return False
        visible = self._visible()
        small = self._small(frame)
        changed = bool(groups(self._scene.changed(small, visible)))
        if self._owes_whole:
            self._send_whole(frame, pts)
        if changed:
            self._owes_whole = True  # should nothing be seen to move, what has changed is there all the same
        else:
            self._scene.adapt(small)
        return changed

    def picture(self, frame: av.VideoFrame, pts: int) -> None:
        """Take the next picture that is followed; one that is not newer than the last was looked at before."""
        options = self._follow_options()
        self.found = replace(self.found, seen=max(self.found.seen, pts))
        if options.frames == "off" or self._run is None or pts <= self._newest:
            return
        if options.frames == "keyframes":
            if frame.key_frame and pts >= self._next_sent:
                self._next_sent = pts + _KEYFRAME_STEP
                self._send_whole(frame, pts)
            return
        self._last = frame, pts
        if pts < self._next_analysed and pts < self._next_due:
            return
        self._newest = pts
        self._next_analysed = _after(self._next_analysed, pts, max(options.fps, _ANALYSED_FPS))
        if not self._scene.known:
            self._scene.settle(self._small(frame))
            self._send_whole(frame, pts)
            return
        self._analyse(frame, pts, options)

    def pass_over(self, pts: int) -> None:
        """Take it that nothing moves in a picture that cannot be decoded: else it would be followed without end."""
        self.found = replace(self.found, seen=max(self.found.seen, pts))

    def rest(self) -> None:
        """Nothing moves any more: what has come to rest is shown once more, and is part of the scene from now on."""
        last, self._last = self._last, None
        if last is None or self.options.frames != "activity":
            return
        frame, pts = last
        small = self._small(frame)
        self._show_resting(frame, pts, self._scene.changed(small, self._visible()), before=pts + 1)
        if self.found.moved < 0:
            self._scene.adapt(small)  # what differed without moving is noise
        self._scene.settle(small)
        self._tracks = []
        self._owes_whole = self._owes_whole or self.found.moved >= 0
        self.found = replace(self.found, moved=-1)

    def _analyse(self, frame: av.VideoFrame, pts: int, options: WatchOptions) -> None:
        small, visible = self._small(frame), self._visible()
        moving, changed = self._scene.moving(small, visible), self._scene.changed(small, visible)
        found = regions(moving | changed, moving, frame.width, frame.height)
        if found:
            self.found = replace(self.found, moved=pts)
            self._follow_tracks(found, pts)
            self._send_moving(frame, pts, found, options)
        self._show_resting(frame, pts, changed, before=pts - _AT_REST)

    def _send_moving(self, frame: av.VideoFrame, pts: int, found: list[Region], options: WatchOptions) -> None:
        """Send what moves, as often as detectors want it; when decoding is behind, less often, and that is counted."""
        if pts < self._next_due:
            return
        self._next_due = _after(self._next_due, pts, options.fps)
        if pts < self._next_sent:
            WATCH_SHED.labels(self._camera, "slower").inc()
            return
        behind = self._behind()
        slower = 4 if behind > 3 * VIDEO_TIMESCALE else 2 if behind > VIDEO_TIMESCALE else 0
        self._next_sent = pts + round(slower * 0.9 * VIDEO_TIMESCALE / options.fps)
        for region in found:
            self._send(frame, pts, region)

    def _follow_tracks(self, found: list[Region], pts: int) -> None:
        kept = [track for track in self._tracks if not any(track.region.touches(one) for one in found)]
        self._tracks = [*kept, *(_Track(one, pts) for one in found)]

    def _show_resting(self, frame: av.VideoFrame, pts: int, changed: Mask, *, before: int) -> None:
        """Send each region in which something is that has not moved since ``before``, once."""
        for track in [track for track in self._tracks if track.moved < before]:
            self._tracks.remove(track)
            rows, columns = changed.shape
            one, across, down = track.region, columns / frame.width, rows / frame.height
            there = changed[int(one.y * down) : int(one.bottom * down), int(one.x * across) : int(one.right * across)]
            if groups(there):
                self._send(frame, pts, one)

    def _follow_options(self) -> WatchOptions:
        """Return how to watch now. Other masks are another scene: it is made anew by the next picture."""
        if self.options is not self._looked:
            self._looked = self.options
            self._scene, self._tracks, self._owes_whole = Scene(), [], True
        return self._looked

    def _small(self, frame: av.VideoFrame) -> Small:
        width, height = self._size(frame)
        return small_grey(frame, width, height)

    def _size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Return width and height of the camera's pictures: keyframes may be decoded smaller than they are."""
        format_ = self._run.format if self._run is not None else None
        return (format_.width, format_.height) if format_ and format_.width else (frame.width, frame.height)

    def _visible(self) -> Mask:
        format_ = self._run.format if self._run is not None else None
        columns, rows = grid_of(format_.width, format_.height) if format_ else (8, 8)
        return self._looked.area.visible(columns, rows)

    def _send_whole(self, frame: av.VideoFrame, pts: int) -> None:
        self._owes_whole = False
        self._send(frame, pts, whole(frame.width, frame.height))

    def _send(self, frame: av.VideoFrame, pts: int, region: Region) -> None:
        if self._run is None:
            return
        x, y, width, height = region.x, region.y, region.width, region.height
        visible = None
        if not self._looked.area.everything:
            halves = self._looked.area.visible(frame.width // 2, frame.height // 2)
            visible = halves[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2]
            if not np.any(visible):
                return
        message = FrameSampled(
            camera=self._camera,
            time_us=self._run.wall(pts),
            run=self._run.id,
            pts=pts,
            x=x,
            y=y,
            width=width,
            height=height,
            picture_width=frame.width,
            picture_height=frame.height,
            whole=region == whole(frame.width, frame.height),
        )
        try:
            jpeg = encode_region(frame, x, y, width, height, quality=_QUALITY, visible=visible)
            self._publish(message, jpeg)
        except GatehouseError as error:
            log.warning("a picture does not reach the detectors", camera=self._camera, reason=error.message)


def _after(due: int, pts: int, fps: float) -> int:
    """Return when the next picture is due after one that was due at ``due`` and came at ``pts``: the rate is kept."""
    step = round(VIDEO_TIMESCALE / fps)
    return max(due + step, pts + step // 2)
