"""Which runs of a camera are over, on every database: told so, or by what their worker records now."""

from __future__ import annotations

import base64

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Database, FootageReader, FootageWriter
from gatehouse_common.ids import new_id
from gatehouse_common.messages import GapCause, RunEnded, RunStarted

T = 1_800_000_000 * SECOND
HERE, THERE = "http://recorder-0:8100", "http://recorder-1:8100"


def run_at(db: Database, url: str, *, ended: bool = False) -> str:
    run, writer = new_id(), FootageWriter(db)
    shape = {"width": 160, "height": 96, "fps": 10, "video_codec": "avc1", "audio_codec": None, "interruptions": []}
    times = {"time_us": T, "origin_us": T, "start_us": T}
    writer.start_run(
        RunStarted(camera="gate", run=run, init=base64.b64encode(b"init"), spool_url=url, **times, **shape)
    )
    if ended:
        over = RunEnded(camera="gate", time_us=T, run=run, end_us=T + SECOND, cause=GapCause.CLOCK_STEP)
        assert writer.end_run(over)
    return run


@pytest.mark.parametrize(
    ("url", "ended", "other_url", "other_ended", "is_over"),
    [
        (HERE, True, THERE, False, True),
        (HERE, False, HERE, False, True),  # a crash ended it, and nobody told so
        (HERE, False, THERE, False, False),
        (HERE, False, HERE, True, False),
    ],
)
def test_a_run_is_over_when_it_has_ended_or_its_worker_records_another(
    db: Database, url: str, ended: bool, other_url: str, other_ended: bool, is_over: bool
) -> None:
    run, other = run_at(db, url, ended=ended), run_at(db, other_url, ended=other_ended)
    assert FootageReader(db).over([run], [other]) == ({run} if is_over else set())


def test_a_run_of_which_the_index_knows_nothing_yet_goes_on(db: Database) -> None:
    assert FootageReader(db).over([new_id()], [run_at(db, HERE)]) == set()
