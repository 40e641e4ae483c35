"""The keeper of the spool: what it remembers of what waits, and what it takes for closed."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.errors import Conflict, DataLoss, Unavailable
from gatehouse_common.ids import new_id
from gatehouse_common.media.adopt import adopt, read_index
from gatehouse_common.media.recorder import ChunkPolicy, RunRecorder, Sample
from gatehouse_common.messages import ChunkClosed
from gatehouse_common.storage import keys
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from gatehouse_common.testing.recording import Heard, film_samples, recorder_of
from pipeline_kit import START_US, core_at, record

WAITING = 400
MOST_PER_FILE = 2_000


def test_of_what_waits_for_a_store_that_is_away_only_a_little_is_kept(tmp_path: Path) -> None:
    """R2: an outage of days leaves thousands of chunks in the spool; their samples must not fill the memory."""
    with core_at(tmp_path / "data") as core:
        keeper = build_spool(core)
        taken = record(core.data_dir, tmp_path, spec=FilmSpec(frames=600, gop=30, width=64, height=48))
        whole = core.data_dir / taken.keys[0]
        keeper.look()
        for n in range(WAITING):
            other = core.data_dir / keys.spool("cam", new_id(), START_US + n)
            other.parent.mkdir(parents=True)
            os.link(whole, other)
        tracemalloc.start()
        try:
            keeper.look()
            kept, _ = tracemalloc.get_traced_memory()
            keeper.look()
            again, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < WAITING * MOST_PER_FILE
        assert again < WAITING * MOST_PER_FILE


def opened(root: Path, film: Path, start_us: int) -> tuple[RunRecorder, list[Sample], str]:
    """Begin a run of a film; return its recorder, the samples of its second half, and the open file's key."""
    init, samples = film_samples(make_film(film, FilmSpec(frames=120, gop=30, width=64, height=48)))
    heard = Heard()
    recorder = recorder_of(init, root, heard, start_us=start_us, policy=ChunkPolicy(), run=new_id())
    for sample in samples[:75]:
        recorder.add(sample)
    return recorder, samples[75:], heard.chunks[0]


def test_what_is_recorded_after_the_clock_was_set_back_is_not_taken_for_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is older than that of the file before; it is neither told, nor made whole, nor freed."""
    monkeypatch.setattr("gatehouse_capture.spool_keeper._REMIND_US", 0)
    with core_at(tmp_path / "data") as core:
        keeper = build_spool(core)
        before = record(core.data_dir, tmp_path)
        recorder, rest, key = opened(core.data_dir, tmp_path / "film.mp4", START_US - 3_600_000_000)
        path = core.data_dir / key
        keeper.look()
        assert core.bus.depth("segmenter") == 1, "the closed one alone"
        written = path.read_bytes()
        with pytest.raises(Unavailable, match="is being written"):
            adopt(path, key)
        core.store.put_bytes("recordings/cam/twin.mp4", written)
        with pytest.raises(Conflict, match="is being written"):
            keeper.release("recordings/cam/twin.mp4", key)
        with pytest.raises(Conflict, match="is being written"):
            keeper.let_go(new_id(), key)
        assert path.read_bytes() == written
        for sample in rest:
            recorder.add(sample)
        recorder.close()
        assert [n for n, _ in frame_numbers(path)] == list(range(120))
        with pytest.raises(DataLoss, match="the store has"):
            keeper.release("recordings/cam/twin.mp4", key)
        assert path.exists()
        assert (core.data_dir / before.keys[0]).exists()


def test_a_file_that_was_given_up_is_looked_at_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen once of a file without an index is not told of it for ever."""
    monkeypatch.setattr("gatehouse_capture.spool_keeper._REMIND_US", 0)
    with core_at(tmp_path / "data") as core:
        keeper = build_spool(core)
        taken = record(core.data_dir, tmp_path, frames=120)
        path = core.data_dir / taken.keys[0]
        whole = path.read_bytes()
        media = read_index(path, taken.keys[0])
        assert media is not None
        with path.open("r+b") as file:
            file.truncate(int(media.parts.off[3]))
        told: list[ChunkClosed] = []
        monkeypatch.setattr(core.bus, "publish", told.append)
        keeper.look()
        path.write_bytes(whole)
        keeper.look()
        assert [one.end_us - START_US for one in told] == [1_500_000, 4_000_000]


def test_an_object_without_the_index_that_a_recovery_added_is_all_of_a_chunk(tmp_path: Path) -> None:
    """Of a file that was sent to a distant store without its index the footage is there, so the spool is freed."""
    with core_at(tmp_path / "data") as core:
        keeper = build_spool(core)
        (key,) = record(core.data_dir, tmp_path).keys
        path = core.data_dir / key
        media = read_index(path, key)
        assert media is not None
        core.store.put_bytes("recordings/cam/twin.mp4", path.read_bytes()[: media.indexed_bytes])
        keeper.release("recordings/cam/twin.mp4", key)
        assert not path.exists()
