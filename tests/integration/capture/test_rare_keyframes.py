"""Cameras that send keyframes rarely, or one alone: what they send is in the index while it comes, and stays there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path

import pytest

from gatehouse_capture import run_notices
from gatehouse_capture.service import LONGEST_CHUNK_US
from gatehouse_capture.service import build as build_capture
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CameraRepository, FootageReader
from gatehouse_common.db.models import MAX_CHUNK_US
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.messages import ChunkClosed, ChunkOpened, GapCause, GopWritten, Message, RunEnded, RunStarted
from gatehouse_common.observability.metrics import KEYFRAME_INTERVAL
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import scan_file
from gatehouse_indexer.handlers import Handlers
from gatehouse_indexer.service import build as build_indexer
from log_kit import logged
from pipeline_kit import add_camera, core_at
from run_kit import Fed, fed
from running import wait_for

SPEC = FilmSpec(frames=20, gop=20, fps=1, width=160, height=96)
TOLD_S = 15


def play(film: Fed, seconds: int, gop_s: int, *, from_s: int = 0) -> int:
    """Send a picture a second, a keyframe every ``gop_s``; return how many were taken, to the end or an error."""
    key, *others = film.samples
    for n in range(seconds):
        sample = key if n % gop_s == 0 else others[n % len(others)]
        film.send(sample, lambda due, _track: due, again_s=from_s + n - film.seconds(sample))
    return seconds


def spans_us(film: Fed) -> list[int]:
    return [m.end_us - m.start_us for m in film.told if isinstance(m, ChunkClosed)]


def in_files(film: Fed) -> int:
    return sum(len(scan_file(film.root, m.key).video) for m in film.told if isinstance(m, ChunkOpened))


class Index:
    """Takes what capture tells as the indexer does; what it refuses would be a dead letter."""

    def __init__(self) -> None:
        self._handle: Callable[[Message], None] | None = None
        self.ends: list[int] = []

    def __call__(self, core: Core, message: Message) -> None:
        if self._handle is None:
            add_camera(core, "cam")
            self._handle = Handlers(core, lambda: None).handle
        if isinstance(message, RunStarted | RunEnded | ChunkOpened | GopWritten | ChunkClosed):
            self._handle(message)
        if isinstance(message, GopWritten | ChunkClosed):
            self.ends += [c.end_us for c in FootageReader(core.db).all_chunks()][-1:]


def test_a_camera_with_one_keyframe_is_connected_anew_before_its_chunk_is_longer_than_the_index_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = logged(monkeypatch, run_notices).entries
    index = Index()
    with fed(tmp_path, SPEC, listen=index) as film:
        with pytest.raises(SourceUnavailable, match="sends no keyframe: the last came 3530 s ago"):
            play(film, 4000, gop_s=10_000)
        film.session.end(GapCause.CAMERA_OFFLINE)
        (span,) = spans_us(film)
        assert span == LONGEST_CHUNK_US < MAX_CHUNK_US
        assert in_files(film) == span // SECOND
        gops = [m for m in film.told if isinstance(m, GopWritten)]
    # What is there is known of while it comes, each part once.
    assert [m.keyframe_length > 0 for m in gops] == [True] + [False] * (len(gops) - 1)
    assert all(a.end_us == b.start_us and a.offset + a.length == b.offset for a, b in pairwise(gops))
    assert sum(m.frames for m in gops) == span // SECOND
    assert max(b - a for a, b in pairwise(index.ends)) <= TOLD_S * SECOND + SECOND
    assert [e["event"] for e in entries] == ["the camera sends keyframes rarely"]
    assert KEYFRAME_INTERVAL.labels("cam")._value.get() == span // SECOND


@pytest.mark.parametrize(("chunk_s", "gop_s"), [(3500, 100), (3500, 600), (600, 1200), (600, 3000), (3500, 4)])
def test_chunks_end_at_the_last_keyframe_that_leaves_room_for_another_gop(
    tmp_path: Path, chunk_s: int, gop_s: int
) -> None:
    """Nothing is lost for that, and nobody is connected to anew."""
    seconds = 3 * 3600
    with fed(tmp_path, SPEC, chunk_us=chunk_s * SECOND, listen=Index()) as film:
        assert play(film, seconds, gop_s) == seconds
        film.session.end(GapCause.SERVICE_DOWN)
        assert max(spans_us(film)) <= LONGEST_CHUNK_US
        assert in_files(film) == seconds
        assert sum(isinstance(m, RunStarted) for m in film.told) == 1
        if gop_s == 4:
            assert max(spans_us(film)) == chunk_s * SECOND, "as it is set, where keyframes come as they should"


def test_a_file_that_grows_too_large_without_a_keyframe_is_ended_too(tmp_path: Path) -> None:
    """What is being written cannot be freed: on a small disk an hour is too much."""
    sizes = count(20_000, 0)
    with fed(tmp_path, SPEC, chunk_bytes=lambda: next(sizes)) as film:
        with pytest.raises(SourceUnavailable, match="sends no keyframe"):
            play(film, 3000, gop_s=10_000)
        film.session.end(GapCause.CAMERA_OFFLINE)
        (size,) = [m.bytes for m in film.told if isinstance(m, ChunkClosed)]
        assert 40_000 < size < 60_000
    with fed(tmp_path / "often", SPEC, chunk_bytes=lambda: 20_000) as film:
        assert play(film, 600, gop_s=20) == 600


@pytest.mark.slow
def test_a_film_without_keyframes_is_told_to_be_one_and_not_played_again_and_again(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=3700, gop=5000, fps=1, width=64, height=64))
    with core_at(tmp_path / "data", **{"detection.frames": "off"}) as core:
        cameras = CameraRepository(core.db)
        cameras.add(Camera(id="film", url=f"file://{film}?pace=fast", created_us=core.clock.now_us()))
        supervisor = Supervisor([build_spool(core), build_indexer(core), build_capture(core)], core.clock)
        supervisor.start()
        wait_for("the film's end", lambda: cameras.get("film").state == "failed", 60)
        assert "sends no keyframe" in str(cameras.get("film").state_detail)
        assert supervisor.stop()
        (chunk,) = FootageReader(core.db).all_chunks()
        assert LONGEST_CHUNK_US <= chunk.end_us - chunk.start_us < MAX_CHUNK_US
