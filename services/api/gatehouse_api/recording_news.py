"""What is told of recorder sessions as they begin and end, and of files of them that could not be made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gatehouse_common.clock import HOUR, Clock
from gatehouse_common.db import RecorderSessions
from gatehouse_common.observability.secrets import mask
from gatehouse_common.timefmt import rfc3339

from .lookouts import State

_LATELY_US = 25 * HOUR
"""A session is a day long at most."""
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class RecordingNews:
    """Looks at the sessions of the last day.

    Attributes:
        sessions: sessions in the index.
        clock: the time.
    """

    sessions: RecorderSessions
    clock: Clock

    def states(self) -> Mapping[str, State]:
        """Return by its id what each session is doing, and by theirs the files that could not be made."""
        now_us = self.clock.now_us()
        found = {}
        for one in self.sessions.begun_since(now_us - _LATELY_US):
            goes_on = one.is_active(now_us)
            at_us = one.start_us if goes_on else one.ends_us
            data = _told(one.number, one.user_name, one.camera, at_us)
            name = "recording.started" if goes_on else "recording.stopped"
            found[one.id] = State(name, data, one.camera, one.user)
        for file in self.sessions.failed_since(now_us - _LATELY_US):
            data = _told(file.session, file.user_name, file.camera, file.wanted_end_us, mask(file.detail))
            found[file.id] = State("recording.failed", data, file.camera, file.user)
        return found


def _told(session: int, user_name: str, camera: str, at_us: int, detail: str = "") -> str:
    told = {"session": session, "user_name": user_name, "camera": camera, "at": rfc3339(at_us, _UTC), "detail": detail}
    return json.dumps(told, separators=(",", ":"))
