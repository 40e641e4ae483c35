"""A file of which some bytes cannot be read any more is damaged, and damages nothing else (S2-43)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bad_sectors import SECTOR, BadSectors
from gatehouse_common.errors import DataLoss
from gatehouse_common.media.chunk_file import FileReader
from gatehouse_common.media.gops import seal_scanned
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.media.unread import Patched
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import Heard, film_samples, record_film, recorder_of


def test_a_sector_that_cannot_be_read_is_told_as_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init, samples = film_samples(make_film(tmp_path / "film.mp4", FilmSpec(frames=60, gop=15, width=160, height=96)))
    heard = Heard()
    recorder = recorder_of(init, tmp_path, heard, start_us=0, policy=ChunkPolicy())
    for sample in samples:
        recorder.add(sample)
    recorder.close()
    path = tmp_path / heard.chunks[0]
    bad = path.stat().st_size // 2
    BadSectors(monkeypatch).put(path, [bad])
    reader = FileReader(path)
    assert len(reader.pread(0, 16)) == 16
    assert len(reader.pread(path.stat().st_size - 4, 16)) == 4
    for begin in (bad, bad - SECTOR):
        with pytest.raises(DataLoss, match=path.name):
            reader.pread(begin, SECTOR + 16)
    whole = Patched(reader, "x")
    data = whole.pread(0, whole.size())
    reader.close()
    first = bad - bad % SECTOR
    assert whole.unread == [(first, first + SECTOR)]
    written = path.read_bytes()
    assert data == written[:first] + bytes(SECTOR) + written[first + SECTOR :]


def test_a_disk_that_gives_nothing_back_is_asked_a_few_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gone"
    path.write_bytes(bytes(200 << 20))
    sectors = BadSectors(monkeypatch)
    sectors.put(path, range(0, 200 << 20, SECTOR))
    reader = FileReader(path)
    source = Patched(reader, "x")
    for at in range(0, source.size(), 1 << 20):
        assert not any(source.pread(at, 1 << 20))
    reader.close()
    assert source.unread_bytes == 200 << 20
    assert sectors.met < 700


@pytest.mark.parametrize("bad_kib", [4, 100, 188, 316, 572, 1500])
def test_what_is_readable_behind_much_that_is_not_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad_kib: int
) -> None:
    path, at = tmp_path / "file", 40 << 10
    written = bytes(range(1, 251)) * (4 << 20 >> 8)
    path.write_bytes(written)
    sectors = BadSectors(monkeypatch)
    sectors.put(path, range(at, at + (bad_kib << 10), SECTOR))
    reader = FileReader(path)
    source = Patched(reader, "x")
    data = b"".join(source.pread(k, 1 << 20) for k in range(0, source.size(), 1 << 20))
    reader.close()
    assert source.unread == [(at, at + (bad_kib << 10))]
    assert data == written[:at] + bytes(bad_kib << 10) + written[at + (bad_kib << 10) :]
    assert sectors.met < 60 + bad_kib // 30


def test_bytes_that_are_not_there_get_no_digest(tmp_path: Path) -> None:
    """A digest of fewer would say for ever that they are what was recorded."""
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=60, gop=15, width=160, height=96))
    (key,) = record_film(film, tmp_path, start_us=0, leave_open=True).chunks
    reader = FileReader(tmp_path / key)
    scanner = ChunkScanner(reader, key)
    scanner.update()
    with (tmp_path / key).open("r+b") as file:
        file.truncate(scanner.end_of_parts - 10)
    with pytest.raises(DataLoss, match="10 bytes before"):
        seal_scanned(reader, scanner)
    reader.close()
