"""A file of which some bytes cannot be read any more is damaged, and damages nothing else (S2-43)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.adopt import adopt
from gatehouse_common.media.chunk_file import FileReader
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import Heard, film_samples, recorder_of


def test_a_sector_that_cannot_be_read_is_told_as_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init, samples = film_samples(make_film(tmp_path / "film.mp4", FilmSpec(frames=60, gop=15, width=160, height=96)))
    heard = Heard()
    recorder = recorder_of(init, tmp_path, heard, start_us=0, policy=ChunkPolicy())
    for sample in samples:
        recorder.add(sample)
    recorder.close()
    path = tmp_path / heard.chunks[0]
    bad, read = path.stat().st_size // 2, os.pread

    def failing(fd: int, length: int, offset: int) -> bytes:
        if offset <= bad < offset + length:
            raise OSError(errno.EIO, "Input/output error")
        return read(fd, length, offset)

    monkeypatch.setattr(os, "pread", failing)
    reader = FileReader(path)
    assert len(reader.pread(0, 16)) == 16
    with pytest.raises(DataLoss, match=path.name):
        reader.pread(bad - 4, 16)
    reader.close()
    with pytest.raises(DataLoss):
        adopt(path, heard.chunks[0])
