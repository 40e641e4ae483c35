"""What describes a medium is read only where it says what an index could have said: anybody may have written it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import DataLoss
from gatehouse_common.ids import new_id
from gatehouse_common.intake import read_description
from gatehouse_common.storage import keys
from media_rows import T

ABOUT = keys.media_description("uploads/ada.1/3/")
GOOD: dict[str, Any] = {
    "version": 1,
    "media": {
        "number": 3,
        "id": new_id(),
        "owner_name": "ada",
        "kind": "upload",
        "name": "film",
        "state": "ready",
        "type": "video/webm",
        "bytes": 5,
        "digest": "",
        "created_us": T,
    },
    "owner": {"number": 1, "id": new_id(), "name": "ada"},
    "files": [
        {"kind": "original", "variant": "", "name": "original.webm", "type": "video/webm", "bytes": 5, "made_us": T}
    ],
}


def changed(path: str, value: Any) -> bytes:
    told = json.loads(json.dumps(GOOD))
    at = told
    *way, last = path.split(".")
    for name in way:
        at = at[int(name)] if name.isdigit() else at[name]
    at[int(last) if last.isdigit() else last] = value
    return json.dumps(told).encode()


def test_what_is_as_it_should_be_is_read() -> None:
    known = read_description(ABOUT, json.dumps(GOOD).encode())
    assert (known.media.folder, known.media.owner) == ("uploads/ada.1/3/", 1)
    assert [file.key for file in known.files] == ["uploads/ada.1/3/original.webm"]
    assert known.media.lasted_us is None
    lasted = read_description(ABOUT, changed("media.lasted_us", SECOND))
    assert lasted.media.lasted_us == SECOND


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 2),
        ("media.number", 4),
        ("media.number", "3"),
        ("media.number", 3.0),
        ("media.number", True),
        ("media.id", "../../x"),
        ("media.state", "deleted"),
        ("media.state", "trashed"),
        ("media.trashed_us", T),
        ("media.kind", "session"),
        ("media.created_us", 0),
        ("media.created_us", -5),
        ("media.created_us", 10**30),
        ("media.created_us", 10**18),
        ("media.start_us", -(2**62)),
        ("media.ready_us", 2**61),
        ("owner.created_us", 10**18),
        ("media.bytes", -1),
        ("media.digest", "00"),
        ("media.digest", "0" * 63 + "G"),
        ("media.fps", float("nan")),
        ("media.name", "n" * 256),
        ("media.name", None),
        ("media.session", 0),
        ("media.session", 2**31),
        ("owner.id", "ada"),
        ("owner.number", -1),
        ("files", []),
        ("files", None),
        ("files", [GOOD["files"][0]] * 2),
        ("files.0.name", "../4/original.webm"),
        ("files.0.name", "/etc/passwd"),
        ("files.0.name", "a\\b"),
        ("files.0.name", ".."),
        ("files.0.name", ".hidden"),
        ("files.0.name", "about.json"),
        ("files.0.name", "a\x00b"),
        ("files.0.bytes", -1),
        ("files.0.facts", {"x": float("inf")}),
        ("files.0.facts", []),
        ("files.0.kind", "x" * 21),
        ("media", None),
        ("owner", []),
    ],
)
def test_what_no_index_could_have_said_is_refused(path: str, value: object) -> None:
    with pytest.raises(DataLoss):
        read_description(ABOUT, changed(path, value))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"version": 1}', b'"\\ud800"', b"1" * 9000),
        json.dumps(GOOD).encode() + b" " * (256 << 10),
    ],
)
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(DataLoss):
        read_description(ABOUT, data)


@pytest.mark.parametrize(
    "key",
    [
        "uploads/ada.1/4/about.json",
        "uploads/ada.1/3/more/about.json",
        "uploads/ada.1/03/about.json",
        "uploads/ada.1/2147483647/about.json",
        "uploads/Ada.1/3/about.json",
        "uploads/ada/3/about.json",
        "recordings/ada.1/3/about.json",
        "uploads/ada.1/3/other.json",
    ],
)
def test_it_counts_only_where_it_would_have_been_written(key: str) -> None:
    with pytest.raises(DataLoss):
        read_description(key, json.dumps(GOOD).encode())
