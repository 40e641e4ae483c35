"""A download that is under way while the chunk that was open is stored, and its name in the spool goes."""

from __future__ import annotations

from pathlib import Path

from gatehouse_api.app import close_app, create_app
from gatehouse_common.db import FootageReader, FootageWriter
from gatehouse_common.media.chunk_file import FileReader
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.messages import ChunkOpened
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.timefmt import rfc3339
from pipeline_kit import START_US, add_camera, core_at, record, spool_files, stored_files, work_off

SECOND = 1_000_000


def open_chunk(core: Core, data: Path, films: Path) -> str:
    """Record two closed chunks and an open one, and let the index know of the open one; return its id."""
    add_camera(core)
    recorded = record(data, films, frames=300, chunk_us=4 * SECOND, leave_open=True)
    key = recorded.keys[-1]
    reader = FileReader(data / key)
    scanner = ChunkScanner(reader, key)
    scanner.update()
    reader.close()
    assert scanner.info is not None
    start = scanner.media().start_us
    FootageWriter(core.db).open_chunk(
        ChunkOpened(
            camera="cam",
            time_us=start,
            run=recorded.run,
            chunk=scanner.info.chunk,
            key=key,
            start_us=start,
            origin_us=scanner.info.origin_us,
        )
    )
    return scanner.info.chunk


def test_a_download_goes_on_when_its_chunk_is_stored_meanwhile(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with core_at(data) as core:
        chunk = open_chunk(core, data, tmp_path)
        app = create_app(core)
        client = app.test_client()
        url = f"/api/v1/footage?camera=cam&from={rfc3339(START_US + 8 * SECOND)}&to={rfc3339(START_US + 60 * SECOND)}"
        whole = client.get(url)
        under_way = client.get(url, buffered=False)
        pieces = iter(under_way.response)
        got = next(pieces)  # the head of the file; not a byte of the chunk has been read
        before = FootageReader(core.db).chunk(chunk)
        assert before.state == "open"
        work_off(core)
        after = FootageReader(core.db).chunk(chunk)
        assert after.state == "stored"
        assert after.key in stored_files(data)
        assert spool_files(data) == []
        got += b"".join(pieces)
        under_way.close()
        assert got == whole.data
        assert frame_numbers(got)[0][0] == 240
        # What was open is now sealed: the same range has the same bytes and the same tag.
        end = whole.headers["X-Footage-End"]
        again = client.get(f"/api/v1/footage?camera=cam&from={rfc3339(START_US + 8 * SECOND)}&to={end}")
        assert "immutable" in again.headers["Cache-Control"]
        close_app(app)
