"""What the api keeps of recorded media: bounded in bytes and in open files."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gatehouse_common.db import Chunk
from gatehouse_common.errors import NotFound
from gatehouse_common.footage import IndexCache
from gatehouse_common.media.adopt import read_index
from gatehouse_common.media.open_chunks import OpenChunks
from gatehouse_common.media.samples import ChunkMedia
from pipeline_kit import START_US, record


@pytest.fixture
def media(tmp_path: Path) -> ChunkMedia:
    recorded = record(tmp_path / "data", tmp_path, frames=60)
    found = read_index(tmp_path / "data" / recorded.keys[0], recorded.keys[0])
    assert found is not None
    return found


def test_a_cache_is_bounded_in_bytes_and_forgets_the_oldest(media: ChunkMedia) -> None:
    cache = IndexCache(most_bytes=10**9)
    cache.put(media)
    one = cache.size
    cache = IndexCache(most_bytes=3 * one)
    for k in range(5):
        cache.put(replace(media, chunk_id=str(k)))
        assert cache.size <= 3 * one
    assert cache.get("1", media.key, media.origin_us) is None
    assert cache.get("2", media.key, media.origin_us) is not None
    cache.put(replace(media, chunk_id="new"))
    assert cache.get("2", media.key, media.origin_us) is not None
    assert cache.get("3", media.key, media.origin_us) is None


def test_a_chunk_that_was_moved_or_dated_anew_is_not_taken_from_the_cache(media: ChunkMedia) -> None:
    cache = IndexCache(most_bytes=10**9)
    cache.put(media)
    assert cache.get(media.chunk_id, "recordings/elsewhere.mp4", media.origin_us) is None
    assert cache.get(media.chunk_id, media.key, media.origin_us + 1) is None
    size = cache.size
    cache.put(replace(media, origin_us=media.origin_us + 1))
    assert cache.size == size


def open_rows(tmp_path: Path, count: int) -> list[Chunk]:
    rows = []
    for k in range(count):
        start = START_US + k * 60_000_000
        recorded = record(tmp_path / "data", tmp_path, frames=60, start_us=start, leave_open=True)
        rows.append(
            Chunk(f"chunk-{k}", "cam", recorded.run, recorded.keys[0], "open", start, start, start, 0, recovered=False)
        )
    return rows


def test_few_files_are_held_open_however_many_chunks_are_asked_for(tmp_path: Path) -> None:
    rows = open_rows(tmp_path, 6)
    chunks = OpenChunks(tmp_path / "data", most=2)
    try:
        for row in rows + rows:
            found = chunks.media(row.key, row.origin_us)
            assert found is not None
            assert found.key == row.key
            assert chunks.held <= 2
        chunks.forget(rows[-1].key)
        assert chunks.held == 1
        with pytest.raises(NotFound):
            chunks.media("spool/cam/run/1.mp4", START_US)
    finally:
        chunks.close()
    assert chunks.held == 0


def test_many_threads_share_few_files(tmp_path: Path) -> None:
    """A file must not be closed under a reader: its number would be another file's."""
    rows = open_rows(tmp_path, 4)
    chunks = OpenChunks(tmp_path / "data", most=1)
    wrong: list[object] = []

    def ask(at: int) -> None:
        for k in range(40):
            row = rows[(at + k) % len(rows)]
            found = chunks.media(row.key, row.origin_us)
            if found is None or found.key != row.key or found.run_id != row.run:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chunks.close()
    assert wrong == []
