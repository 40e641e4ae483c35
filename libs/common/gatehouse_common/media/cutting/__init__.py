"""Recordings of browsers, cut at keyframes into files of about equal length: packets copied, none lost, none twice.

It is done by a process of its own (``python -m gatehouse_common.media.cutting``), for anybody may have sent the
recording: whoever starts it limits what it may take.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gatehouse_common.errors import DataLoss


@dataclass(frozen=True, slots=True)
class CutFile:
    """A file that was cut.

    Attributes:
        name: in the folder that was asked for.
        start_us: where it begins in the recording, microseconds since that begins.
        end_us: where the next begins, or its last picture ends.
        frames: how many pictures are in it.
    """

    name: str
    start_us: int
    end_us: int
    frames: int


@dataclass(frozen=True, slots=True)
class CutRecording:
    """What a recording was cut into.

    Attributes:
        container: of its files, ``mp4`` or ``webm``.
        width: of its pictures, pixels; 0: there are none.
        height: of its pictures, pixels.
        broken_off: it ends in the midst of something: its tail was lost.
        left: what of it is in none of the files, for people; empty: all of it is.
        files: in order, each going on where the one before it ends.
    """

    container: str
    width: int
    height: int
    broken_off: bool
    left: str
    files: tuple[CutFile, ...]


def parse_cut(text: str) -> CutRecording:
    """Return what the process said in its last line.

    Raises:
        DataLoss: it said nothing that can be read.
    """
    try:
        told: dict[str, Any] = json.loads(text.strip().rpartition("\n")[2])
        return CutRecording(**{**told, "files": tuple(CutFile(**one) for one in told["files"])})
    except (ValueError, TypeError, KeyError) as error:
        raise DataLoss("what cut it said nothing") from error
