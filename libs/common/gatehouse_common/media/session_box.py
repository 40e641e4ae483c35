"""What stands at the end of a file of a recorder session: what its row says, so that an index can be made anew.

In an MP4 it is a ``uuid`` box (14496-12 clause 11.1), as the boxes of chunk files (``run_box.py``), in a WebM a Void
element: players skip both.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import asdict, dataclass

from gatehouse_common.errors import DataLoss, InvalidInput
from gatehouse_common.ids import parse_slug

from .boxes import Buffer, box
from .ebml import MAGIC, find_void, void_element
from .json_box import UNREADABLE_JSON, a_time
from .scan import SizedReader
from .uuid_box import find_uuid_box

SESSION_TYPE = uuid.UUID("6e5c1f0e-7a2b-4c1d-9b43-6761746505aa").bytes
_MOST_NUMBER = 2**31 - 1
_SHA256 = re.compile("[0-9a-f]{64}")
_HEAD_BYTES = 24
"""Of the box before its payload: size, type and kind."""
_READ_BYTES = 4 << 20
_LONGEST_NAME, _LONGEST_DETAIL, _LONGEST_S = 255, 1000, 86_400 * 366


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a file of a session is; times are microseconds UTC.

    Attributes:
        session: number of its session.
        session_id: its id.
        began_us: when the session began.
        total_seconds: how long it was to be.
        chunk_seconds: length of its files.
        viewing: id of the viewing that was recorded; None: somebody asked by name.
        number: of the file.
        id: of the file.
        position: 1, 2, 3 in the session.
        user_name: who recorded.
        camera: whose footage; empty: it was recorded in a browser.
        name: what the file is called; empty: after its time and number.
        wanted_start_us: where it should have begun.
        wanted_end_us: where it should have ended.
        start_us: of its first frame.
        end_us: of the end of its last frame.
        sha256: of all that is before the box, hexadecimal; empty: an older version did not say.
        width: of its pictures, pixels; 0: there are none, or the movie box tells.
        height: of its pictures, pixels.
        frames: that are shown.
        detail: what is wrong with it, for people; empty: nothing.
        user: number of who recorded; 0: an older version did not say.
        user_id: its id; empty: likewise. A name may be another's later.
    """

    session: int
    session_id: str
    began_us: int
    total_seconds: int
    chunk_seconds: int
    viewing: str | None
    number: int
    id: str
    position: int
    user_name: str
    camera: str
    name: str
    wanted_start_us: int
    wanted_end_us: int
    start_us: int
    end_us: int
    sha256: str = ""
    width: int = 0
    height: int = 0
    frames: int = 0
    detail: str = ""
    user: int = 0
    user_id: str = ""


def build_session_box(info: SessionInfo) -> bytes:
    """Return the box."""
    return box(b"uuid", SESSION_TYPE, _told(info))


def build_session_element(info: SessionInfo) -> bytes:
    """Return the same for a WebM."""
    return void_element(SESSION_TYPE + _told(info))


def is_webm(reader: SizedReader) -> bool:
    """Return whether a file begins as a WebM does."""
    return reader.pread(0, len(MAGIC)) == MAGIC


def read_session_box(reader: SizedReader) -> SessionInfo | None:
    """Return what a film says of its session, None if it says nothing.

    Raises:
        DataLoss: it is damaged.
    """
    found = find_void(reader, SESSION_TYPE) if is_webm(reader) else find_uuid_box(reader, SESSION_TYPE)
    return None if found is None else _parse(found)


def _told(info: SessionInfo) -> bytes:
    return json.dumps(asdict(info), separators=(",", ":")).encode()


def _parse(payload: Buffer) -> SessionInfo:
    try:
        told = json.loads(bytes(payload))
        return SessionInfo(
            session=_number(told["session"]),
            session_id=str(uuid.UUID(told["session_id"])),
            began_us=a_time(told["began_us"]),
            total_seconds=_number(told["total_seconds"], _LONGEST_S),
            chunk_seconds=_number(told["chunk_seconds"], _LONGEST_S),
            viewing=None if told["viewing"] is None else str(uuid.UUID(told["viewing"])),
            number=_number(told["number"]),
            id=str(uuid.UUID(told["id"])),
            position=_number(told["position"]),
            user_name=str(told["user_name"])[:_LONGEST_NAME],
            camera=parse_slug(str(told["camera"])) if told["camera"] else "",
            name=str(told["name"])[:64],
            wanted_start_us=a_time(told["wanted_start_us"]),
            wanted_end_us=a_time(told["wanted_end_us"]),
            start_us=a_time(told["start_us"]),
            end_us=a_time(told["end_us"]),
            sha256=_digest(told.get("sha256", "")),
            width=_count(told.get("width", 0)),
            height=_count(told.get("height", 0)),
            frames=_count(told.get("frames", 0)),
            detail=str(told.get("detail", ""))[:_LONGEST_DETAIL],
            user=_count(told.get("user", 0)),
            user_id=str(uuid.UUID(told["user_id"])) if told.get("user_id") else "",
        )
    except (InvalidInput, *UNREADABLE_JSON) as error:
        raise DataLoss(f"the session box is damaged: {error}") from error


def is_as_written(reader: SizedReader) -> bool:
    """Return whether all that is before the session box has the digest that it says; true where it says none.

    Raises:
        DataLoss: the box is damaged.
    """
    webm = is_webm(reader)
    found = find_void(reader, SESSION_TYPE) if webm else find_uuid_box(reader, SESSION_TYPE)
    said = "" if found is None else _parse(found).sha256
    if found is None or not said:
        return True
    length = len(void_element(SESSION_TYPE + found)) if webm else _HEAD_BYTES + len(found)
    end, digest = reader.size() - length, hashlib.sha256()
    for at in range(0, end, _READ_BYTES):
        digest.update(reader.pread(at, min(_READ_BYTES, end - at)))
    return digest.hexdigest() == said


def _digest(value: object) -> str:
    if not isinstance(value, str) or (value and _SHA256.fullmatch(value) is None):
        raise ValueError(f"{str(value)[:20]!r} is no digest")
    return value


def _count(value: object) -> int:
    return 0 if value == 0 else _number(value)


def _number(value: object, most: int = _MOST_NUMBER) -> int:
    if not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{str(value)[:20]!r} is no number from 1 to {most}")
    return value
