"""Ranges and conditions as RFC 9110 sections 13 and 14 have them, on a file of literal bytes."""

from __future__ import annotations

import pytest
from flask import Flask, Response

from gatehouse_api.delivery import deliver
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.footage import ChunkReader
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile
from gatehouse_common.storage import MediaReader, Spools
from gatehouse_common.storage.local import LocalStore

DATA = bytes(range(256)) * 4
FILE = VirtualFile((DATA[:300], DATA[300:700], DATA[700:]))
SIZE, TAG = len(DATA), f'"{FILE.etag()}"'


@pytest.fixture
def reader(tmp_path) -> ChunkReader:
    store = LocalStore(tmp_path)

    def locate(_chunk: str) -> str:
        raise NotFound("no such chunk")

    return ChunkReader(MediaReader(Spools(store), store), locate)


def ask(reader: ChunkReader, method: str = "GET", file: VirtualFile = FILE, **headers: str) -> Response:
    with Flask(__name__).test_request_context("/", method=method, headers=headers):
        answer = deliver(file, reader, sealed=True, name='käme"ra\r\n.mp4')
        answer.direct_passthrough = False
        answer.get_data()
        return answer


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, SIZE),
        ("bytes=299-300", 299, 301),
        ("bytes= 5 - 9", 5, 10),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=1000-99999999999999999999", 1000, SIZE),
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=-99999999999999999999", 0, SIZE),
    ],
)
def test_a_range_gives_its_bytes(reader: ChunkReader, text: str, start: int, end: int) -> None:
    answer = ask(reader, Range=text)
    assert answer.status_code == 206
    assert answer.get_data() == DATA[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.content_length == end - start


@pytest.mark.parametrize("text", [f"bytes={SIZE}-", "bytes=99999999999999999999-", "bytes=-0"])
def test_a_range_outside_the_file_is_416_with_its_size(reader: ChunkReader, text: str) -> None:
    answer = ask(reader, Range=text)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "text", ["", "bytes=", "bytes=-", "bytes=5-2", "lines=1-2", "bytes=0-1,4-5", "bytes=x-y", "bytes=1-2" + " " * 200]
)
def test_what_is_no_single_range_gives_the_whole(reader: ChunkReader, text: str) -> None:
    answer = ask(reader, Range=text)
    assert answer.status_code == 200
    assert answer.get_data() == DATA


def test_if_range_asks_for_the_same_state_of_the_file(reader: ChunkReader) -> None:
    part = {"Range": "bytes=1-2"}
    assert ask(reader, **part, **{"If-Range": TAG}).status_code == 206
    for other in ('"other"', f"W/{TAG}", TAG.strip('"'), "Sat, 21 Nov 2026 00:00:00 GMT"):
        assert ask(reader, **part, **{"If-Range": other}).status_code == 200


def test_a_client_that_has_it_is_told_so(reader: ChunkReader) -> None:
    for known in (TAG, f'"a", {TAG}', f"W/{TAG}", "*"):
        answer = ask(reader, **{"If-None-Match": known, "Range": "bytes=0-1"})
        assert answer.status_code == 304
        assert answer.headers["ETag"] == TAG
        assert answer.get_data() == b""
    assert ask(reader, **{"If-None-Match": '"other"'}).status_code == 200


def test_head_tells_all_and_sends_nothing(reader: ChunkReader) -> None:
    answer = ask(reader, "HEAD")
    assert answer.content_length == SIZE
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert ask(reader, "HEAD", Range="bytes=1-2").status_code == 206


def test_a_name_is_given_in_both_forms_and_breaks_no_header(reader: ChunkReader) -> None:
    """RFC 6266, RFC 8187."""
    text = ask(reader).headers["Content-Disposition"]
    assert "filename*=UTF-8''k%C3%A4me%22ra" in text
    assert "\r" not in text
    assert "\n" not in text


def test_missing_bytes_are_told_before_any_is_sent(reader: ChunkReader, tmp_path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "short.mp4").write_bytes(b"x" * 10)
    file = VirtualFile((b"head", ObjectRange("recordings/short.mp4", 0, 20, "chunk")))
    assert ask(reader, file=file, Range="bytes=0-9").status_code == 206
    with pytest.raises(DataLoss, match=r"short\.mp4"):
        ask(reader, file=file)
