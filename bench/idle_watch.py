"""P9: what it costs to watch a camera for plates while nothing moves, and whether anything that moves is missed.

Two places are filmed: one as cameras with a variable rate send it, with the slight noise of a good sensor by day, and
one in which an encoder fills a steady 4 Mbit/s with the noise of a night, so that sizes of pictures tell nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from prometheus_client import REGISTRY

from bench.result import Result
from gatehouse_capture.watching.options import WatchOptions
from gatehouse_capture.watching.scene import small_grey
from gatehouse_capture.watching.turns import Turns
from gatehouse_capture.watching.watch import CameraWatch
from gatehouse_common.media.decode import make_decoder, packet_of
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.init_segment import parse_init
from gatehouse_common.media.samples import TrackFormat
from gatehouse_common.messages import FrameSampled, Message
from gatehouse_common.testing.crossings import Crossing, PlaceSpec, make_place
from gatehouse_common.testing.recording import film_samples

FPS = 30
WIDTH, HEIGHT = 1920, 1080
WARM_UP_S, IDLE_S, CROSSINGS, EVERY_S = 12, 60, 8, 6.7
DETECT_FPS = 5
CARS = tuple(
    Crossing(
        first=round((IDLE_S + 2 + k * EVERY_S) * FPS),
        frames=2 * FPS,
        y=0.2 + 0.07 * k,
        width=0.1 + 0.02 * (k % 4),
        contrast=25 + 10 * (k % 3),
    )
    for k in range(CROSSINGS)
)
FRAMES = CARS[-1].first + 5 * FPS
PLACES = {
    "slight noise, variable rate": PlaceSpec(CARS, frames=FRAMES, noise=2.0, width=WIDTH, height=HEIGHT),
    "noise, steady 4 Mbit/s": PlaceSpec(
        CARS, frames=FRAMES, noise=5.0, bit_rate=4_000_000, width=WIDTH, height=HEIGHT, preset="superfast"
    ),
}


@dataclass
class Watched:
    """CPU seconds by film second, and when pictures of what moves came."""

    cpu_s: float
    shown: set[int]
    looks: float


def run(folder: Path) -> list[Result]:
    """Watch both places, and decode every frame of them as the reference."""
    results = []
    for name, spec in PLACES.items():
        format_, samples = samples_of(make_place(folder / f"{spec.bit_rate}.mp4", spec))
        seconds = IDLE_S - WARM_UP_S
        reference = decode_all(format_, samples[WARM_UP_S * FPS : IDLE_S * FPS]) / seconds
        ours = watch(format_, samples, f"bench-{spec.bit_rate}")
        own = ours.cpu_s / seconds
        missed = [car for car in CARS if not is_covered(car, ours.shown)]
        size = sum(len(s.data) for s in samples) * 8 / (FRAMES / FPS) / 1e6
        on = f"H.264 1080p30, {size:.2g} Mbit/s, GOP 2 s, {seconds} s in which nothing moves"
        results += [
            Result(
                "P9",
                f"CPU of watching an idle camera, {name}",
                own * 100,
                "% of a core",
                "<= 1/20",
                own * 20 <= reference,
                reference * 100,
                on,
                {"keyframes_looked_at": ours.looks},
            ),
            Result(
                "P9",
                f"moving cars missed, {name}",
                float(len(missed)),
                "cars",
                "0",
                not missed,
                on=f"{len(CARS)} cars crossing in 2 s, 10 to 16 % of the picture's width",
            ),
        ]
    return results


def samples_of(film: Path) -> tuple[TrackFormat, list[TimedSample]]:
    """Return how a film is decoded, and its samples as the recorder hands them on."""
    init, samples = film_samples(film)
    step = 90_000 // FPS
    return parse_init(init)[0], [TimedSample(s.pts, 0, step, s.sync, s.data) for s in samples if s.track == 0]


def decode_all(format_: TrackFormat, samples: list[TimedSample]) -> float:
    """Return CPU seconds of decoding every frame, and looking for motion in small at the detect rate."""
    decoder, before = make_decoder(format_), None
    began = time.process_time()
    for number, sample in enumerate(samples):
        packet = packet_of(sample.data)
        packet.pts, packet.time_base = sample.dts, Fraction(1, 90_000)
        for frame in decoder.decode(packet):
            if number % (FPS // DETECT_FPS) == 0:
                small = small_grey(frame, WIDTH, HEIGHT)
                _ = before is not None and np.count_nonzero(np.abs(small - before) > 10)
                before = small
    return time.process_time() - began


def watch(format_: TrackFormat, samples: list[TimedSample], camera: str) -> Watched:
    """Watch the samples one by one, decoding keeping up; CPU is that of the idle part, the recorder's included."""
    shown: set[int] = set()

    def take(message: Message, _body: bytes) -> None:
        if isinstance(message, FrameSampled) and not message.whole:
            shown.add(round(message.pts * FPS / 90_000))

    turns = Turns(1)
    watching = CameraWatch(camera, turns, take, WatchOptions("activity", float(DETECT_FPS)))
    watching.begin_run("run", format_, lambda ticks: ticks)
    cpu = 0.0
    for number, sample in enumerate(samples):
        began = time.process_time()
        watching.sample(sample, shown=False)
        while not turns.idle:
            time.sleep(0.002)
        if WARM_UP_S * FPS <= number < IDLE_S * FPS:
            cpu += time.process_time() - began
    watching.end_run()
    while not turns.idle:
        time.sleep(0.002)
    turns.close()
    looks = REGISTRY.get_sample_value("gatehouse_watch_pictures_decoded_total", {"camera": camera, "kind": "look"})
    return Watched(cpu, shown, looks or 0.0)


def is_covered(car: Crossing, shown: set[int]) -> bool:
    """Return whether a car was shown within 0.2 s of its coming, to 0.2 s of its going, and all the time between.

    It has come when a twentieth of the picture's width of it is seen.
    """
    wide = round(car.width * WIDTH)
    there = [
        frame
        for frame in range(car.first, car.first + car.frames)
        if min(WIDTH, (car.left(frame, WIDTH) or 0) + wide) - max(0, car.left(frame, WIDTH) or 0) >= WIDTH // 20
    ]
    step = FPS // DETECT_FPS
    return all(any(near in shown for near in range(frame - step, frame + step + 1)) for frame in there)
