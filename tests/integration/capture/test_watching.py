"""What a camera's stream shows to detectors: everything that moves, and hardly anything else is decoded (S2-1, P9)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gatehouse_capture.watching.area import Area
from gatehouse_capture.watching.options import WatchOptions
from gatehouse_common.messages import FrameSampled
from gatehouse_common.testing.crossings import Crossing, PlaceSpec, make_place
from watch_kit import decoded, film_pictures, full_range, pixels, watch_film

SECOND = 90_000
FPS = 15
IDLE_S = 21
"""Something crosses after so long, from between two keyframes to between two others."""
CROSSING = Crossing(first=IDLE_S * FPS + 5, frames=2 * FPS)


def film_of(folder: Path, **more: object) -> Path:
    spec = PlaceSpec(**{"crossings": (CROSSING,), "frames": 27 * FPS, "fps": FPS, "gop": 4 * FPS, **more})  # type: ignore[arg-type]
    return made(folder, spec)


_films: dict[PlaceSpec, Path] = {}


def made(folder: Path, spec: PlaceSpec) -> Path:
    if spec not in _films:
        _films[spec] = make_place(folder / f"{len(_films)}.mp4", spec)
    return _films[spec]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    _films.clear()
    return tmp_path_factory.mktemp("films")


def frame_of(message: FrameSampled) -> int:
    return round(message.pts * FPS / SECOND)


def covers(regions: list[FrameSampled], crossing: Crossing, width: int) -> list[str]:
    """What of a crossing is not shown: each fifth of a second of it needs a region that holds what is seen."""
    missing = []
    shown = {frame_of(m): [] for m in regions}
    for message in regions:
        shown[frame_of(message)].append(message)
    frames = sorted(shown)
    wide = round(crossing.width * width)
    first, last = crossing.first, crossing.first + crossing.frames - 1
    inside = [f for f in frames if first <= f <= last]
    # It counts as there when a twentieth of the picture's width of it is seen.
    visible = next(f for f in range(first, last) if (crossing.left(f, width) or 0) + wide >= width // 20)
    if not inside or inside[0] > visible + FPS // 5:
        missing.append(f"seen first in frame {inside[:1]}, there since {visible}")
    gone = next(f for f in range(last, first, -1) if (crossing.left(f, width) or 0) <= width - width // 20)
    if not inside or inside[-1] < gone - FPS // 5:
        missing.append(f"seen last in frame {inside[-1:]}, there until {gone}")
    missing += [f"nothing from {a} to {b}" for a, b in pairwise(inside) if b - a > FPS // 5 + 1]
    for frame in inside:
        left = crossing.left(frame, width)
        assert left is not None
        begin, end = max(0, left), min(width, left + wide)
        if end - begin >= width // 20 and not any(m.x <= begin and m.x + m.width >= end for m in shown[frame]):
            missing.append(f"frame {frame}: {begin}..{end} is not within {[(m.x, m.width) for m in shown[frame]]}")
    return missing


@pytest.mark.parametrize(
    "kind",
    [
        {"gop": 4 * FPS},
        {"gop": 10 * FPS},
        {"gop": 4 * FPS, "bframes": 3},
        {"gop": 4 * FPS, "codec": "hevc"},
        {"gop": 4 * FPS, "codec": "hevc", "bframes": 3},
        {"gop": 2 * FPS, "noise": 4.0},
    ],
    ids=["gop-4s", "gop-10s", "b-frames", "h265", "h265-open-gop", "noisy"],
)
def test_what_crosses_between_keyframes_is_shown_from_its_first_frame(
    folder: Path, kind: dict[str, object], request: pytest.FixtureRequest
) -> None:
    film = film_of(folder, **kind)
    camera = request.node.callspec.id
    seen = watch_film(film, camera)
    assert covers(seen.regions(), CROSSING, 640) == []
    times = [frame_of(m) for m in seen.regions()]
    assert min(times) >= CROSSING.first - 1, "nothing moves before"
    assert max(times) <= CROSSING.first + CROSSING.frames + FPS, "nor long after"
    assert frame_of(seen.wholes()[0]) == 0
    assert decoded(camera, "follow") < 12 * FPS
    assert decoded(camera, "look") <= 27 * FPS / int(str(kind["gop"])) + 1
    assert len({m.pts for m in seen.regions()}) <= 14, "five pictures a second at most"


def test_a_stream_of_keyframes_alone_is_looked_at_once_a_second(folder: Path) -> None:
    film = film_of(folder, codec="mjpeg", gop=1)
    seen = watch_film(film, "intra")
    assert covers(seen.regions(), CROSSING, 640) == []
    assert decoded("intra", "look") <= 27
    assert decoded("intra", "follow") <= 7 * 16


def test_a_steady_rate_filled_with_noise_hides_nothing(folder: Path) -> None:
    """Sizes tell nothing then; each keyframe is looked at, and where they are too far apart, everything."""
    for gop in (2, 5):
        film = film_of(folder, gop=gop * FPS, noise=4.0, bit_rate=1_000_000)
        seen = watch_film(film, f"steady-{gop}")
        assert covers(seen.regions(), CROSSING, 640) == []
    assert decoded("steady-2", "follow") < 12 * FPS


def test_nothing_but_keyframes_is_decoded_while_nothing_moves(folder: Path) -> None:
    """P9"""
    film = film_of(folder, crossings=(), frames=40 * FPS, gop=2 * FPS)
    seen = watch_film(film, "idle")
    assert decoded("idle", "follow") == 0
    assert decoded("idle", "look") <= 5
    assert [frame_of(m) for m, _ in seen.pictures] == [0]


def test_a_region_is_what_the_picture_shows_there_at_that_time(folder: Path) -> None:
    film = film_of(folder)
    seen = watch_film(film, "exact")
    wanted = {m.pts: [] for m, _ in seen.pictures}
    for message, body in seen.pictures:
        wanted[message.pts].append((message, body))
    before: np.ndarray | None = None
    compared = 0
    for pts, frame in film_pictures(film):
        truth = full_range(frame).astype(int)
        for message, body in wanted.get(pts, ()):
            own = pixels(body).astype(int)
            assert own.shape == (message.height, message.width)
            assert message.time_us == 1_715_941_380_000_000 + pts * 100 // 9
            assert (message.picture_width, message.picture_height) == (640, 360)
            there = np.s_[message.y : message.y + message.height, message.x : message.x + message.width]
            assert np.abs(own - truth[there]).mean() < 2.5
            if (
                not message.whole
                and before is not None
                and CROSSING.first < frame_of(message) < CROSSING.first + 2 * FPS - 3
            ):
                assert np.abs(own - before[there]).mean() > 5, "the frame before is another"
                compared += 1
        before = truth
    assert compared >= 8


def test_what_stops_is_shown_at_rest_and_then_the_whole(folder: Path) -> None:
    stopping = Crossing(first=10 * FPS + 5, frames=2 * FPS, stops=11 * FPS + 5)
    film = film_of(folder, crossings=(stopping,), frames=20 * FPS, gop=2 * FPS)
    seen = watch_film(film, "stops")
    left = stopping.left(19 * FPS, 640)
    assert left is not None
    resting = [m for m in seen.regions() if frame_of(m) > 11 * FPS + 8]
    assert resting, "at rest"
    assert all(m.x <= left and m.x + m.width >= left + 96 for m in resting)
    assert len({m.pts for m in resting}) <= 2, "once, and not for as long as it stands there"
    wholes = [frame_of(m) for m in seen.wholes()]
    assert len(wholes) == 2
    assert wholes[0] == 0
    assert 11 * FPS + 5 < wholes[1] <= 16 * FPS
    assert all(frame_of(m) < 15 * FPS for m in seen.regions())


LOWER_HALF = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize("how", ["mask", "zone"])
def test_what_is_not_to_be_looked_at_is_neither_noticed_nor_shown(folder: Path, how: str) -> None:
    above = Crossing(first=22 * FPS, frames=2 * FPS, y=0.1, width=0.2)
    below = Crossing(first=10 * FPS + 5, frames=2 * FPS, y=0.6, width=0.2)
    film = film_of(folder, crossings=(above, below), gop=2 * FPS)
    hidden = Area(masks=(LOWER_HALF,)) if how == "mask" else Area(zones=(((0, 0), (1, 0), (1, 0.5), (0, 0.5)),))
    seen = watch_film(film, f"area-{how}", WatchOptions("activity", area=hidden))
    assert covers(seen.regions(), above, 640) == []
    assert all(frame_of(m) >= 22 * FPS - 1 for m in seen.regions())
    grey = 0
    for message, body in seen.pictures:
        rows = pixels(body)[max(0, 180 - message.y) + 8 :]
        if rows.size:
            assert np.abs(rows.astype(int) - 128).max() <= 4
            grey += 1
        if message.whole:
            assert pixels(body)[:170].std() > 10
    assert grey


def test_most_of_the_picture_is_sent_whole(folder: Path) -> None:
    lorry = Crossing(first=10 * FPS + 5, frames=3 * FPS, y=0.0, width=1.9)
    film = film_of(folder, crossings=(lorry,), frames=20 * FPS, gop=2 * FPS)
    seen = watch_film(film, "lorry")
    between = [m for m in seen.wholes() if lorry.first + FPS // 2 < frame_of(m) < lorry.first + 5 * FPS // 2]
    assert len(between) >= 6


@pytest.mark.parametrize("mode", ["off", "keyframes"])
def test_what_is_not_asked_for_is_not_decoded(folder: Path, mode: str) -> None:
    film = film_of(folder, gop=2 * FPS)
    seen = watch_film(film, f"mode-{mode}", WatchOptions(mode))  # type: ignore[arg-type]
    assert decoded(f"mode-{mode}", "follow") == 0
    assert [frame_of(m) for m, _ in seen.pictures] == ([] if mode == "off" else list(range(0, 27 * FPS, 2 * FPS)))
