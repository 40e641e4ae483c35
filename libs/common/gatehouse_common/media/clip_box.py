"""The ``uuid`` box at the end of a clip: what its row says, so that an index can be made anew from the file alone.

14496-12 clause 11.1, as the boxes of chunk files (``run_box.py``): players skip it.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass

from gatehouse_common.errors import DataLoss, InvalidInput
from gatehouse_common.ids import parse_slug

from .boxes import Buffer, box
from .json_box import UNREADABLE_JSON, a_time
from .scan import SizedReader
from .uuid_box import find_uuid_box

CLIP_TYPE = uuid.UUID("6e5c1f0e-7a2b-4c1d-9b43-6761746504aa").bytes


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a clip is; times are microseconds UTC.

    Attributes:
        clip: its id.
        camera: whose.
        events: ids of the plate events in it, in the order in which they began.
        start_us: of its first frame.
        end_us: of the end of its last frame.
        wanted_start_us: where it should have begun.
        wanted_end_us: where it should have ended.
        first_us: the first qualifying read that it is for.
        last_us: the last.
        previous: id of the clip that it goes on from; None: none.
        created_us: when it was planned.
    """

    clip: str
    camera: str
    events: tuple[str, ...]
    start_us: int
    end_us: int
    wanted_start_us: int
    wanted_end_us: int
    first_us: int
    last_us: int
    previous: str | None
    created_us: int


def build_clip_box(info: ClipInfo) -> bytes:
    """Return the box."""
    return box(b"uuid", CLIP_TYPE, json.dumps(asdict(info), separators=(",", ":")).encode())


def read_clip_box(reader: SizedReader) -> ClipInfo | None:
    """Return what the clip box of a film says, None if it has none.

    Raises:
        DataLoss: it is damaged.
    """
    found = find_uuid_box(reader, CLIP_TYPE)
    return None if found is None else _parse(found)


def _parse(payload: Buffer) -> ClipInfo:
    try:
        fields = json.loads(bytes(payload))
        return ClipInfo(
            clip=str(fields["clip"]),
            camera=parse_slug(str(fields["camera"])),
            events=tuple(str(event) for event in fields["events"]),
            start_us=a_time(fields["start_us"]),
            end_us=a_time(fields["end_us"]),
            wanted_start_us=a_time(fields["wanted_start_us"]),
            wanted_end_us=a_time(fields["wanted_end_us"]),
            first_us=a_time(fields["first_us"]),
            last_us=a_time(fields["last_us"]),
            previous=None if fields["previous"] is None else str(fields["previous"]),
            created_us=a_time(fields["created_us"]),
        )
    except (InvalidInput, *UNREADABLE_JSON) as error:
        raise DataLoss(f"the clip box is damaged: {error}") from error
