"""When a recording in a browser began: by the clock of the server, whatever that of the browser says."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse_api.uploads.told import facts_of
from gatehouse_common.clock import SECOND
from gatehouse_common.db import OF_NO_CAMERA, RecorderSession
from gatehouse_common.errors import InvalidInput
from gatehouse_common.media.cutting import CutFile
from gatehouse_transcoder.session_chunks import began_us, times_of

START_US = 1_779_013_380_000_000
SESSION = RecorderSession(
    1, "id", 7, "Ann", OF_NO_CAMERA, START_US, START_US + 60 * SECOND, 60, 30, START_US + 60 * SECOND
)


@pytest.mark.parametrize(
    ("told", "after_us"),
    [
        ({}, 0),
        ({"started_after_ms": "1500"}, 1_500_000),
        ({"started_after_ms": "0", "started_us": str(START_US + SECOND)}, 0),
        ({"started_after_ms": "60000"}, 60 * SECOND),
        ({"started_after_ms": "60001"}, 0),
        ({"started_us": str(START_US + 2 * SECOND)}, 2 * SECOND),
        ({"started_us": str(START_US + 40 * SECOND)}, 0),
        ({"started_us": str(START_US - 1)}, 0),
        ({"started_after_ms": "70000", "started_us": str(START_US + SECOND)}, SECOND),
    ],
)
def test_when_a_recording_began_is_told_by_the_clock_of_the_server(told: dict[str, str], after_us: int) -> None:
    """S0-3: a browser's clock that is fast by less than a minute moves no file."""
    facts: dict[str, Any] = facts_of(told)
    assert began_us(SESSION, facts) == START_US + after_us


@pytest.mark.parametrize("text", ["-1", "1.5", "86400001", "soon"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """S4-13: with the name of what is wrong."""
    with pytest.raises(InvalidInput, match="started_after_ms"):
        facts_of({"started_after_ms": text})


FILES = [CutFile("1", 0, 30 * SECOND, 900), CutFile("2", 30 * SECOND, 50 * SECOND, 600)]


@pytest.mark.parametrize(
    ("pauses", "times"),
    [
        ([], [(0, 30), (30, 50)]),
        ([(10, 7)], [(0, 37), (37, 57)]),
        ([(30, 7)], [(0, 30), (37, 57)]),
        ([(10, 7), (40, 3)], [(0, 37), (37, 60)]),
        ([(10, 7), (40, 300)], [(0, 30), (30, 50)]),
    ],
)
def test_what_is_after_a_pause_is_as_much_later(pauses: list[tuple[int, int]], times: list[tuple[int, int]]) -> None:
    """S0-3: and no pause is believed that would end a recording after it was here."""
    told = [{"at_ms": at * 1000, "lasted_ms": lasted * 1000} for at, lasted in pauses]
    found = times_of(FILES, START_US, told, START_US + 100 * SECOND)
    assert [(one.start - START_US, one.end - START_US) for one in found] == [(a * SECOND, b * SECOND) for a, b in times]
