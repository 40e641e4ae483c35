"""What the form of the recording page says: who records which camera, for how long, in files of which length."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gatehouse_common.accounts import Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import RecorderSession
from gatehouse_common.errors import InvalidInput

from .auth.caller import caller
from .context import context
from .forms import text
from .recorder_desk import LEAST_CHUNK_S, LEAST_TOTAL_S, MOST_CHUNK_S, MOST_TOTAL_S

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class RecordForm:
    """The fields of the form as they were written.

    Attributes:
        name: of whoever records.
        camera: its slug.
        total: minutes.
        chunk: minutes.
    """

    name: str
    camera: str
    total: str
    chunk: str

    def lengths(self) -> tuple[int, int]:
        """Return how long the session and its files are, seconds.

        Raises:
            InvalidInput: they are no numbers, or too short or too long.
        """
        total = _seconds(self.total, "total", "the recording", LEAST_TOTAL_S, MOST_TOTAL_S)
        chunk = _seconds(self.chunk, "chunk", "a file", LEAST_CHUNK_S, MOST_CHUNK_S)
        if chunk > total:
            raise InvalidInput("a file cannot be longer than the recording.", "chunk")
        return total, chunk


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is.

    Attributes:
        elapsed_s: seconds since it began, at most ``total_s``.
        total_s: seconds that it was to last.
        position: the file that is being recorded, from 1.
        count: how many files there are to be.
    """

    elapsed_s: int
    total_s: int
    position: int
    count: int

    @classmethod
    def of(cls, session: RecorderSession, now_us: int) -> Progress:
        """Return how far a session is."""
        elapsed = min(max(0, now_us - session.start_us) // SECOND, session.total_seconds)
        count = math.ceil(session.total_seconds / session.chunk_seconds)
        return cls(elapsed, session.total_seconds, min(elapsed // session.chunk_seconds + 1, count), count)


def new_form(name: str, camera: str) -> RecordForm:
    """Return the form as it is before anything was written: lengths are those of the settings."""
    desk = context().recorder
    return RecordForm(name, camera, _minutes(desk.total_s), _minutes(min(desk.chunk_s, desk.total_s, MOST_CHUNK_S)))


def written_form() -> RecordForm:
    """Return the form as it was written; a name that may not be chosen is that of whoever asks."""
    return RecordForm(chosen_name(text("name")), text("camera").strip()[:64], text("total")[:20], text("chunk")[:20])


def may_choose() -> bool:
    """Return whether whoever asks may record in any name."""
    return context().doorkeeper.is_open or caller().may(Scope.RECORDS_IMPERSONATE)


def chosen_name(written: str) -> str:
    """Return in which name is recorded: what was written, as far as it may be chosen, else one's own."""
    return (written.strip()[:255] or caller().name) if may_choose() else caller().name


def _seconds(written: str, field: str, what: str, least: int, most: int) -> int:
    try:
        found = float(written.strip().replace(",", "."))
    except ValueError as error:
        raise InvalidInput(f"write how many minutes {what} lasts, as a number.", field) from error
    if not least <= found * _MINUTE_S <= most:  # also what is no number: nan
        raise InvalidInput(f"{what} lasts {_minutes(least)} to {_minutes(most)} minutes.", field)
    return round(found * _MINUTE_S)


def _minutes(seconds: int) -> str:
    return f"{seconds / _MINUTE_S:.6g}"
