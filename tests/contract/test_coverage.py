"""The coverage ledger on every database; ``database_url`` of conftest.py is each of them in turn."""

from __future__ import annotations

from gatehouse_common.db import (
    Camera,
    CameraRepository,
    CoverageReader,
    Database,
    FootageReader,
    FootageWriter,
    Gap,
    present_cause,
)
from gatehouse_common.intervals import Interval
from gatehouse_common.messages import CameraState, CameraStatus, ChunkOpened, GapCause, GopWritten

T = 1_715_934_000_000_000
S = 1_000_000


def film(writer: FootageWriter, start_us: int, end_us: int) -> None:
    """Keep an open chunk of the given span."""
    chunk = f"chunk-{start_us}"
    of = {"camera": "gate", "time_us": start_us, "run": "run", "chunk": chunk, "key": f"spool/gate/run/{chunk}.mp4"}
    writer.open_chunk(ChunkOpened.model_validate({**of, "start_us": start_us, "origin_us": T}))
    gop = {"offset": 0, "length": 10, "start_us": start_us, "end_us": end_us, "origin_us": T, "frames": 1}
    writer.extend_chunk(GopWritten.model_validate({**of, **gop, "keyframe_length": 5}))


def told(db: Database, state: CameraState, cause: GapCause | None) -> Camera:
    cameras = CameraRepository(db)
    cameras.report(CameraStatus(camera="gate", time_us=T, state=state, since_us=T, cause=cause))
    return cameras.get("gate")


def test_recorded_and_gaps_are_the_time_since_the_camera_was_added(db: Database) -> None:
    """S1-17, R9: with causes told, a hole that nobody explains, and the gap that goes on."""
    writer = FootageWriter(db)
    CameraRepository(db).add(Camera("gate", "synthetic:", created_us=T))
    film(writer, T + 10 * S, T + 100 * S)
    film(writer, T + 100 * S, T + 200 * S)
    film(writer, T + 230 * S, T + 300 * S)
    film(writer, T + 400 * S, T + 500 * S)
    writer.put_gaps("run", [Gap("gate", T, T + 10 * S, "camera_offline", "", "run")])
    writer.put_gaps("other", [Gap("gate", T + 200 * S, T + 230 * S, "service_down", "", "other")])
    writer.put_gaps(None, [Gap("gate", T + 50 * S, T + 55 * S, "dropped")])
    reader, long = CoverageReader(db), Interval(T - 1000 * S, T + 5000 * S)

    out = told(db, CameraState.RECONNECTING, GapCause.STORAGE_FULL)
    found = reader.coverage(out, long, T + 560 * S)
    assert found.span == Interval(T, T + 560 * S)
    assert found.recorded_us == (190 + 70 + 100 - 5) * S
    assert found.gaps_us == {
        "dropped": 105 * S,
        "storage_full": 60 * S,
        "service_down": 30 * S,
        "camera_offline": 10 * S,
    }
    assert found.unexplained_us == 100 * S
    assert [(s.cause, s.open) for s in found.stretches if s.open] == [("storage_full", True)]

    back = told(db, CameraState.RECORDING, None)
    assert reader.coverage(back, long, T + 510 * S).span.end == T + 500 * S
    past = reader.coverage(back, Interval(T + 190 * S, T + 240 * S), T + 510 * S)
    assert (past.recorded_us, past.gaps_us) == (20 * S, {"service_down": 30 * S})
    assert past.percentage == 40


def test_a_camera_without_footage_is_one_gap(db: Database) -> None:
    CameraRepository(db).add(Camera("gate", "synthetic:", created_us=T, enabled=False))
    camera = CameraRepository(db).get("gate")
    found = CoverageReader(db).coverage(camera, Interval(T - S, T + 10 * S), T + 5 * S)
    assert present_cause(camera) == "disabled"
    assert found.gaps_us == {"disabled": 5 * S}
    assert found.percentage is None
    before = CoverageReader(db).coverage(camera, Interval(T - 10 * S, T - 5 * S), T + 5 * S)
    assert before.stretches == ()


def test_gaps_of_a_check_end_where_footage_is_there_again(db: Database) -> None:
    """R5: those that a check has put, on both sides of it; those that recording has told of stay as they are."""
    writer, reader = FootageWriter(db), FootageReader(db)
    told = [
        Gap("gate", T, T + 10 * S, "deleted", "one"),
        Gap("gate", T + 4 * S, T + 20 * S, "corrupt", "over both"),
        Gap("gate", T + 5 * S, T + 6 * S, "dropped", "of recording"),
        Gap("gate", T + 8 * S, T + 9 * S, "deleted", "beside"),
        Gap("other", T, T + 10 * S, "deleted"),
    ]
    writer.put_gaps(None, told)
    writer.fill_gaps("gate", T + 2 * S, T + 8 * S)
    left = [(g.cause, (g.start_us - T) // S, (g.end_us - T) // S) for g in reader.gaps("gate", T, T + 60 * S)]
    assert left == [("deleted", 0, 2), ("dropped", 5, 6), ("deleted", 8, 9), ("deleted", 9, 10), ("corrupt", 10, 20)]
    assert len(reader.gaps("other", T, T + 60 * S)) == 1
    writer.fill_gaps("gate", T + 2 * S, T + 8 * S)
    assert len(reader.gaps("gate", T, T + 60 * S)) == 5
