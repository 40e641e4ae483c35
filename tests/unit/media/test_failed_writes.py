"""A file system that fails while a run is recorded: what is in the file is whole, once, and in order."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.adopt import adopt
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.recorder import ChunkPolicy, RunRecorder, Sample
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from gatehouse_common.testing.recording import Heard, film_samples, recorder_of


def feed(recorder: RunRecorder, samples: list[Sample]) -> None:
    for sample in samples:
        recorder.add(sample)


def fails(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("call", ["fdatasync", "writev"])
@pytest.mark.parametrize("also_truncate", [False, True])
def test_nothing_is_written_twice_or_without_what_it_refers_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, also_truncate: bool
) -> None:
    init, samples = film_samples(make_film(tmp_path / "film.mp4", FilmSpec(frames=240, gop=60, width=160, height=96)))
    recorder = recorder_of(init, tmp_path, Heard(), start_us=0, policy=ChunkPolicy(fsync=FsyncPolicy(0)))

    feed(recorder, samples[:100])  # to the middle of a GOP
    monkeypatch.setattr(os, call, fails)
    if also_truncate:
        monkeypatch.setattr(os, "ftruncate", fails)
    with pytest.raises(DataLoss):
        feed(recorder, samples[100:130])
    monkeypatch.undo()  # the disk is well again, too late for this run
    recorder.close()
    (path,) = (tmp_path / "spool").rglob("*.mp4")
    adopted = adopt(path, path.relative_to(tmp_path).as_posix())
    numbers = [n for n, _ in frame_numbers(path)]
    assert numbers == list(range(len(numbers)))
    assert 90 <= len(numbers) <= 120
    assert len(adopted.media.video) == len(numbers)
