"""Watching a film as a camera is watched, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from gatehouse_capture.sources.jpeg import JpegDecoder
from gatehouse_capture.watching.listeners import PictureListener
from gatehouse_capture.watching.options import WatchOptions
from gatehouse_capture.watching.turns import Turns
from gatehouse_capture.watching.watch import CameraWatch
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.init_segment import parameter_sets, parse_init
from gatehouse_common.media.parameter_sets import reorder_depth
from gatehouse_common.media.reorder import Reorderer
from gatehouse_common.media.samples import TrackFormat
from gatehouse_common.messages import FrameSampled, Message
from gatehouse_common.observability.metrics import WATCH_DECODED, WATCH_SHED
from gatehouse_common.testing.film import luma
from gatehouse_common.testing.recording import film_samples

START_US = 1_715_941_380_000_000


def timed_samples(film: Path) -> tuple[TrackFormat, list[TimedSample]]:
    """The samples of a film as a recorder hands them on."""
    init, samples = film_samples(film)
    format_ = parse_init(init)[0]
    sets = parameter_sets(format_)
    order: Reorderer = Reorderer(reorder_depth(sets) if sets else 1)
    video = [s for s in samples if s.track == 0]
    timed = [pair for s in video for pair in order.push(s.pts, s)] + list(order.flush())
    ends = [*(dts for dts, _ in timed[1:]), timed[-1][0] + 3000]
    return format_, [
        TimedSample(dts, s.pts - dts, end - dts, s.sync, s.data) for (dts, s), end in zip(timed, ends, strict=True)
    ]


@dataclass
class Seen:
    """What detectors got."""

    pictures: list[tuple[FrameSampled, bytes]] = field(default_factory=list)

    def take(self, message: Message, body: bytes) -> None:
        assert isinstance(message, FrameSampled)
        self.pictures.append((message, body))

    def regions(self) -> list[FrameSampled]:
        return [m for m, _ in self.pictures if not m.whole]

    def wholes(self) -> list[FrameSampled]:
        return [m for m, _ in self.pictures if m.whole]


def counted(metric: object, camera: str, label: str) -> float:
    return metric.labels(camera, label)._value.get()  # type: ignore[attr-defined]


def decoded(camera: str, kind: str) -> float:
    return counted(WATCH_DECODED, camera, kind)


def shed(camera: str, reason: str) -> float:
    return counted(WATCH_SHED, camera, reason)


def settle(turns: Turns, timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not turns.idle:
        assert time.monotonic() < deadline, "decoding does not end"
        time.sleep(0.0005)


def watch_film(
    film: Path,
    camera: str,
    options: WatchOptions | None = None,
    *,
    listeners: Sequence[PictureListener] = (),
    shown: range | None = None,
) -> Seen:
    """Watch a film by turns: each sample is worked off before the next comes, as if decoding took no time.

    ``shown``: the samples while which somebody looks at all pictures.
    """
    seen, turns = Seen(), Turns(1)
    watch = CameraWatch(camera, turns, seen.take, options or WatchOptions("activity"), listeners)
    format_, samples = timed_samples(film)
    watch.begin_run("run", format_, lambda ticks: START_US + ticks * 100 // 9)
    try:
        for number, sample in enumerate(samples):
            watch.sample(sample, shown=shown is not None and number in shown)
            settle(turns)
        watch.end_run()
        settle(turns)
    finally:
        turns.close()
    return seen


def film_pictures(film: Path) -> Iterator[tuple[int, av.VideoFrame]]:
    """Each frame of a film with its time in ticks since the first."""
    with av.open(str(film)) as container:
        first = None
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            ticks = round(frame.pts * frame.time_base * 90_000)
            first = ticks if first is None else first
            yield ticks - first, frame


def pixels(jpeg: bytes) -> NDArray[np.uint8]:
    frame = JpegDecoder().decode(jpeg)
    assert frame is not None
    return luma(frame)


def full_range(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Luma as a JPEG has it."""
    return luma(frame.reformat(format="yuvj420p"))
