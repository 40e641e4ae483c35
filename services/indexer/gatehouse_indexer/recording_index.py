"""``recordings/recording_index.json``: the index as a file that other programs read, and can be read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from gatehouse_common.db import Chunk
from gatehouse_common.errors import InvalidInput
from gatehouse_common.storage import keys
from gatehouse_common.timefmt import compact, parse, rfc3339


def render_index(chunks: Iterable[Chunk], tz: ZoneInfo) -> bytes:
    """Return the index of stored chunks as JSON.

    ``{file: {"file_path", "start_time", "end_time", "file_size", "created_at"}}``; ``file`` is the key below
    ``recordings/``, times are ``YYYYMMDD_HHMMSS`` in ``tz``, ``created_at`` is RFC 3339.
    """
    entries = {
        chunk.key.removeprefix(keys.RECORDINGS): {
            "file_path": chunk.key,
            "start_time": compact(chunk.start_us, tz),
            "end_time": compact(chunk.end_us, tz),
            "file_size": chunk.bytes,
            "created_at": rfc3339(chunk.end_us, tz),
        }
        for chunk in chunks
        if chunk.state == "stored"
    }
    return json.dumps(entries, indent=1, sort_keys=True).encode()


def parse_index(data: bytes, tz: ZoneInfo) -> Mapping[str, tuple[int, int]]:
    """Return ``{file: (start_us, end_us)}`` of such an index.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        found = json.loads(data)
        return {
            str(file): (
                parse(entry["start_time"], tz, "start_time"),
                parse(entry["end_time"], tz, "end_time", fold=1),
            )
            for file, entry in found.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"this is not a recording index: {error}") from error
