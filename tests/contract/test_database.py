"""What the index must do on every database; ``database_url`` of conftest.py is each of them in turn."""

from __future__ import annotations

import threading
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from gatehouse_common.db import (
    Camera,
    CameraRepository,
    Database,
    FootageReader,
    FootageWriter,
    Gap,
    TimelineReader,
)
from gatehouse_common.errors import Conflict, InvalidInput, NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.messages import (
    CameraState,
    CameraStatus,
    ChunkClosed,
    ChunkOpened,
    ChunkStored,
    GapCause,
    GopWritten,
    Interruption,
    RunEnded,
    RunStarted,
)

T = 1_715_934_000_000_000  # 2024-05-17 08:20:00 UTC
S = 1_000_000
CHUNK = 600 * S


@pytest.fixture
def writer(db: Database) -> FootageWriter:
    return FootageWriter(db)


@pytest.fixture
def reader(db: Database) -> FootageReader:
    return FootageReader(db)


@pytest.fixture
def timeline(db: Database) -> TimelineReader:
    return TimelineReader(db)


def of(chunk: str, camera: str = "gate", run: str = "run") -> dict[str, str | int]:
    return {"camera": camera, "time_us": T, "run": run, "chunk": chunk, "key": f"spool/{camera}/{run}/{chunk}.mp4"}


def opened(chunk: str, start_us: int, origin_us: int = T, **who: str) -> ChunkOpened:
    return ChunkOpened(**of(chunk, **who), start_us=start_us, origin_us=origin_us)


def gop(chunk: str, n: int, start_us: int, origin_us: int = T) -> GopWritten:
    """The n-th GOP of a chunk: 2 s and 1000 bytes each."""
    at = start_us + 2 * S * n
    return GopWritten(
        **of(chunk),
        offset=1000 * n,
        length=1000,
        start_us=at,
        end_us=at + 2 * S,
        origin_us=origin_us,
        frames=60,
        keyframe_length=500,
    )


def closed(chunk: str, start_us: int, end_us: int, *, size: int = 5000, recovered: bool = False) -> ChunkClosed:
    return ChunkClosed(**of(chunk), start_us=start_us, end_us=end_us, origin_us=T, bytes=size, recovered=recovered)


def stored(
    chunk: str, start_us: int, end_us: int, *, camera: str = "gate", run: str = "run", origin_us: int = T
) -> ChunkStored:
    who = of(chunk, camera, run)
    return ChunkStored(
        **{**who, "key": f"recordings/{camera}/{chunk}.mp4"},
        spool_key=str(who["key"]),
        start_us=start_us,
        end_us=end_us,
        origin_us=origin_us,
        bytes=6000,
    )


def started(run: str = "run", origin_us: int = T) -> RunStarted:
    return RunStarted.model_construct(
        camera="gate",
        time_us=T,
        run=run,
        origin_us=origin_us,
        start_us=origin_us,
        init=b"ftyp",
        width=1920,
        height=1080,
        fps=25.0,
        video_codec="avc1.640028",
        audio_codec="mp4a.40.2",
        interruptions=[Interruption(cause=GapCause.CAMERA_OFFLINE, since_us=None)],
    )


class TestCameras:
    def test_added_changed_and_removed(self, db: Database) -> None:
        cameras = CameraRepository(db)
        cameras.add(Camera("yard", "rtsp://user:secret@host/1", created_us=T, settings={"zone": [1, 2]}))
        cameras.add(Camera("gate", "synthetic:", timezone="Europe/Berlin"))
        assert [c.id for c in cameras.list()] == ["gate", "yard"]
        assert cameras.get("yard").settings == {"zone": [1, 2]}
        cameras.change("gate", name="Main gate", enabled=False, timezone="")
        gate = cameras.get("gate")
        assert (gate.name, gate.enabled, gate.timezone, gate.url) == ("Main gate", False, None, "synthetic:")
        cameras.change("gate")
        assert cameras.get("gate") == gate
        cameras.remove("gate")
        assert [c.id for c in cameras.list()] == ["yard"]

    def test_what_is_not_there_and_what_is_already(self, db: Database) -> None:
        cameras = CameraRepository(db)
        cameras.add(Camera("gate", "synthetic:"))
        with pytest.raises(Conflict, match="gate"):
            cameras.add(Camera("gate", "other:"))
        for refused in (cameras.get, cameras.remove, cameras.change):
            with pytest.raises(NotFound, match="nowhere"):
                refused("nowhere")
        assert cameras.get("gate").url == "synthetic:"

    def test_a_record_shows_no_credentials(self) -> None:
        assert "secret" not in repr(Camera("yard", "rtsp://user:secret@host/1"))

    def test_the_report_of_a_later_worker_counts_whatever_its_clock_says(self, db: Database) -> None:
        cameras = CameraRepository(db)
        cameras.add(Camera("gate", "synthetic:"))

        def report(state: CameraState, at: int, epoch: int) -> str:
            cause = None if state is CameraState.RECORDING else GapCause.CAMERA_OFFLINE
            fields = {"camera": "gate", "time_us": at, "state": state, "since_us": at, "cause": cause, "epoch": epoch}
            cameras.report(CameraStatus.model_validate(fields))
            return cameras.get("gate").state

        assert report(CameraState.RECORDING, T + 90 * S, 4) == "recording"
        assert report(CameraState.RECONNECTING, T, 5) == "reconnecting"
        assert report(CameraState.RECORDING, T + 95 * S, 4) == "reconnecting", "it was cut off, and does not know"
        assert report(CameraState.RECORDING, T + S, 5) == "recording"
        assert report(CameraState.RECONNECTING, T + 2 * S, 0) == "reconnecting", "who works alone has no epoch"

    def test_an_older_report_never_hides_a_newer_one(self, db: Database) -> None:
        cameras = CameraRepository(db)
        cameras.add(Camera("gate", "synthetic:"))
        now = CameraStatus(
            camera="gate", time_us=T + 5, state=CameraState.RECORDING, since_us=T, width=640, height=480, fps=25.0
        )
        late = CameraStatus(
            camera="gate", time_us=T, state=CameraState.RECONNECTING, since_us=T, cause=GapCause.CAMERA_OFFLINE
        )
        cameras.report(now)
        cameras.report(late)
        cameras.report(now)
        found = cameras.get("gate")
        assert (found.state, found.state_cause, found.width, found.fps) == ("recording", None, 640, 25.0)
        cameras.report(now.model_copy(update={"camera": "removed"}))

    def test_after_a_clock_was_set_back_cameras_are_believed_at_once(self, db: Database) -> None:
        """R4: what was told by a clock that was ahead says nothing of what is newer."""
        cameras = CameraRepository(db)
        cameras.add(Camera("gate", "synthetic:"))
        ahead, gone = T + 3600 * S, GapCause.CAMERA_OFFLINE
        cameras.report(CameraStatus(camera="gate", time_us=ahead, state=CameraState.RECORDING, since_us=ahead), ahead)
        away = CameraStatus(camera="gate", time_us=T, state=CameraState.RECONNECTING, since_us=T, cause=gone)
        cameras.report(away, T)
        assert cameras.get("gate").state == "reconnecting"
        early = away.model_copy(update={"time_us": T - S, "state": CameraState.FAILED})
        cameras.report(early, T)
        assert cameras.get("gate").state == "reconnecting", "and what is older is not"

    def test_the_mark_of_all_cameras_tells_of_changes_and_of_nothing_else(self, db: Database) -> None:
        cameras = CameraRepository(db)
        marks = [cameras.mark()]
        cameras.add(Camera("gate", "synthetic:", created_us=T))
        marks.append(cameras.mark())
        cameras.report(CameraStatus(camera="gate", time_us=T, state=CameraState.RECORDING, since_us=T), T)
        assert cameras.mark() == marks[-1], "what a camera reports is no change of it"
        cameras.change("gate", url="synthetic:?fps=5")
        marks.append(cameras.mark())
        cameras.add(Camera("yard", "synthetic:", created_us=T + S))
        marks.append(cameras.mark())
        cameras.remove("yard")
        cameras.add(Camera("door", "synthetic:", created_us=T + 2 * S))
        marks.append(cameras.mark())
        assert len(set(marks)) == len(marks)


class TestChunks:
    def test_the_life_of_a_chunk(self, writer: FootageWriter, reader: FootageReader) -> None:
        writer.open_chunk(opened("c", T))
        writer.extend_chunk(gop("c", 0, T))
        writer.extend_chunk(gop("c", 1, T))
        [chunk] = reader.find_chunks("gate", T, T + 10 * S)
        assert (chunk.state, chunk.end_us, chunk.bytes) == ("open", T + 4 * S, 2000)
        assert reader.open_chunks("gate") == reader.open_chunks() == [chunk]
        writer.close_chunk(closed("c", T, T + 4 * S))
        assert reader.chunk("c").bytes == 5000
        writer.store_chunk(stored("c", T, T + 4 * S), b"index")
        found = reader.chunk("c")
        assert (found.state, found.key, found.stored_us) == ("stored", "recordings/gate/c.mp4", T)
        assert reader.chunk_of_key(found.key) == found
        assert reader.chunk_of_key(chunk.key) is None
        assert reader.sample_indexes(["c", "unknown"]) == {"c": b"index"}
        assert reader.open_chunks() == []

    def test_every_message_may_come_twice(self, writer: FootageWriter, reader: FootageReader) -> None:
        for _ in range(2):
            writer.start_run(started())
            writer.open_chunk(opened("c", T))
            writer.extend_chunk(gop("c", 0, T))
            writer.close_chunk(closed("c", T, T + 2 * S))
            writer.store_chunk(stored("c", T, T + 2 * S), b"index")
        assert len(list(reader.all_chunks())) == 1
        assert reader.chunk("c").state == "stored"

    def test_late_messages_never_reopen_a_stored_chunk(self, writer: FootageWriter, reader: FootageReader) -> None:
        writer.store_chunk(stored("c", T, T + 10 * S), b"index")
        was = reader.chunk("c")
        writer.extend_chunk(gop("c", 30, T, origin_us=T + 7))
        writer.close_chunk(closed("c", T, T + 99 * S))
        writer.open_chunk(opened("c", T))
        assert reader.chunk("c") == was

    @pytest.mark.parametrize("first", ["gop", "closed", "stored"])
    def test_a_message_that_comes_first_makes_the_row(
        self, writer: FootageWriter, reader: FootageReader, first: str
    ) -> None:
        {
            "gop": lambda: writer.extend_chunk(gop("c", 0, T)),
            "closed": lambda: writer.close_chunk(closed("c", T, T + 2 * S, recovered=True)),
            "stored": lambda: writer.store_chunk(stored("c", T, T + 2 * S), b"index"),
        }[first]()
        writer.open_chunk(opened("c", T))
        [chunk] = reader.find_chunks("gate", T, T + S)
        assert (chunk.start_us, chunk.end_us) == (T, T + 2 * S)
        assert chunk.recovered == (first == "closed")

    def test_storing_again_replaces_the_index(self, writer: FootageWriter, reader: FootageReader) -> None:
        writer.store_chunk(stored("c", T, T + S), b"first")
        writer.store_chunk(stored("c", T, T + 2 * S), b"second")
        assert reader.sample_indexes(["c"]) == {"c": b"second"}
        assert reader.chunk("c").end_us == T + 2 * S

    def test_forgetting(self, writer: FootageWriter, reader: FootageReader) -> None:
        writer.store_chunk(stored("c", T, T + S), b"index")
        writer.open_chunk(opened("d", T + S))
        writer.forget_key("spool/gate/run/d.mp4")
        writer.forget_key("recordings/gate/c.mp4")  # stored: only by its id
        assert [c.id for c in reader.all_chunks()] == ["c"]
        writer.forget_chunk("c")
        writer.forget_chunk("c")
        assert list(reader.all_chunks()) == []
        assert reader.sample_indexes(["c"]) == {}
        with pytest.raises(NotFound):
            reader.chunk("c")

    def test_a_chunk_longer_than_an_hour_is_refused(self, writer: FootageWriter, reader: FootageReader) -> None:
        """What a look-up's lower bound relies on is a constraint, not a habit."""
        writer.store_chunk(stored("c", T, T + 3600 * S), b"")
        for bad in (stored("d", T, T + 3600 * S + 1), stored("e", T, T - 1)):
            with pytest.raises(InvalidInput, match="refused"):
                writer.store_chunk(bad, b"")
        assert [c.id for c in reader.all_chunks()] == ["c"]

    def test_the_longest_chunk_is_found_by_its_last_microsecond(
        self, writer: FootageWriter, reader: FootageReader
    ) -> None:
        writer.store_chunk(stored("c", T, T + 3600 * S), b"")
        end = T + 3600 * S
        assert [c.id for c in reader.find_chunks("gate", end - 1, end + S)] == ["c"]
        assert reader.find_chunks("gate", end, end + S) == []

    def test_a_key_has_one_chunk(self, writer: FootageWriter) -> None:
        writer.store_chunk(stored("c", T, T + S), b"")
        again = stored("d", T, T + S).model_copy(update={"key": "recordings/gate/c.mp4"})
        with pytest.raises(Conflict):
            writer.store_chunk(again, b"")

    def test_many_writers_lose_nothing(self, writer: FootageWriter, reader: FootageReader) -> None:
        def write(camera: int) -> None:
            for n in range(10):
                writer.store_chunk(stored(f"{camera}-{n}", T + n * S, T + (n + 1) * S, camera=f"c{camera}"), b"x")

        threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(reader.all_chunks())) == 40


class TestRuns:
    def test_a_run_is_kept_with_its_init_segment(self, writer: FootageWriter, reader: FootageReader) -> None:
        writer.start_run(started())
        writer.start_run(started(origin_us=T + 99))
        assert writer.end_run(RunEnded(camera="gate", time_us=T, run="run", end_us=T + S, cause=GapCause.DISABLED))
        run = reader.run("run")
        assert (run.init, run.origin_us, run.ended_us, run.end_cause) == (b"ftyp", T, T + S, "disabled")
        assert run.interruptions == [{"cause": "camera_offline", "since_us": None}]

    def test_what_is_not_known(self, writer: FootageWriter, reader: FootageReader) -> None:
        assert not writer.end_run(RunEnded(camera="gate", time_us=T, run="x", end_us=T, cause=GapCause.DISABLED))
        with pytest.raises(NotFound):
            reader.run("x")

    def test_a_refined_origin_moves_the_run_and_its_chunks_once(
        self, writer: FootageWriter, reader: FootageReader
    ) -> None:
        writer.start_run(started())
        writer.open_chunk(opened("c", T))
        writer.extend_chunk(gop("c", 0, T))
        writer.store_chunk(stored("other", T - 50 * S, T, run="before"), b"")
        for _ in range(2):
            writer.refine_origin("run", T - 30_000)
        chunk = reader.chunk("c")
        assert (chunk.start_us, chunk.end_us, chunk.origin_us) == (T - 30_000, T + 2 * S - 30_000, T - 30_000)
        assert (reader.run("run").origin_us, reader.run("run").started_us) == (T - 30_000, T - 30_000)
        assert reader.chunk("other").end_us == T

    def test_a_gop_tells_a_refined_origin_and_a_late_one_does_not_take_it_back(
        self, writer: FootageWriter, reader: FootageReader
    ) -> None:
        writer.start_run(started())
        writer.open_chunk(opened("c", T))
        writer.extend_chunk(gop("c", 0, T))
        refined = gop("c", 1, T - 40_000, origin_us=T - 40_000)
        writer.extend_chunk(refined)
        writer.extend_chunk(gop("c", 0, T))  # redelivered
        chunk = reader.chunk("c")
        assert (chunk.start_us, chunk.end_us, chunk.bytes) == (T - 40_000, refined.end_us, 2000)
        assert reader.run("run").origin_us == T - 40_000

    def test_a_chunk_that_was_closed_before_its_run_was_refined_moves_with_it(
        self, writer: FootageWriter, reader: FootageReader
    ) -> None:
        """What the segmenter says of it later was true when it was closed; two chunks of a run never overlap."""
        writer.start_run(started())
        writer.open_chunk(opened("one", T))
        writer.close_chunk(closed("one", T, T + 2 * S))
        writer.open_chunk(opened("two", T + 2 * S))
        writer.extend_chunk(gop("two", 0, T + S, origin_us=T - S))
        for _ in range(2):
            writer.store_chunk(stored("one", T, T + 2 * S), b"one")
        one, two = reader.chunk("one"), reader.chunk("two")
        assert (one.start_us, one.end_us, one.origin_us) == (T - S, T + S, T - S)
        assert two.start_us == one.end_us
        writer.close_chunk(closed("one", T, T + 2 * S))
        assert reader.chunk("one") == one

    def test_the_address_of_a_spool_follows_its_worker(self, writer: FootageWriter, reader: FootageReader) -> None:
        first, second = "http://capture-0:5010", "http://capture-0:5011"
        writer.start_run(started().model_copy(update={"spool_url": first}))
        assert (reader.spool_url("run"), reader.live_url("gate"), reader.spool_urls()) == (first, first, [])
        writer.open_chunk(opened("c", T))
        assert reader.spool_urls() == [first]
        writer.close_chunk(closed("c", T, T + S, recovered=True).model_copy(update={"spool_url": second}))
        assert (reader.spool_url("run"), reader.spool_urls()) == (second, [second])
        writer.store_chunk(stored("c", T, T + S), b"c")
        assert reader.spool_urls() == []
        assert (reader.spool_url("unknown"), reader.live_url("yard")) == ("", "")


class TestLookups:
    @pytest.fixture(autouse=True)
    def footage(self, writer: FootageWriter) -> None:
        """Chunks a, b in one go; a hole of 60 s; c; and d of another camera."""
        writer.store_chunk(stored("a", T, T + CHUNK), b"a")
        writer.store_chunk(stored("b", T + CHUNK, T + 2 * CHUNK), b"b")
        writer.store_chunk(stored("c", T + 2 * CHUNK + 60 * S, T + 3 * CHUNK), b"c")
        writer.store_chunk(stored("d", T, T + CHUNK, camera="yard"), b"d")

    def test_ranges_are_half_open(self, reader: FootageReader) -> None:
        def found(start: int, end: int) -> str:
            return "".join(c.id for c in reader.find_chunks("gate", T + start, T + end))

        assert found(0, CHUNK) == "a"
        assert found(0, CHUNK + 1) == "ab"
        assert found(CHUNK, CHUNK + 1) == "b"
        assert found(CHUNK - 1, CHUNK) == "a"
        assert found(2 * CHUNK, 2 * CHUNK + 60 * S) == ""
        assert found(-CHUNK, 9 * CHUNK) == "abc"
        assert reader.find_chunks("nobody", T, T + CHUNK) == []

    def test_ends_and_neighbours(self, reader: FootageReader) -> None:
        hole = T + 2 * CHUNK + 30 * S
        assert reader.last_end_us("gate") == T + 3 * CHUNK
        assert reader.last_end_us("gate", hole) == T + 2 * CHUNK
        assert reader.last_end_us("gate", T) is None
        assert reader.nearest("gate", hole) == (T + 2 * CHUNK, T + 2 * CHUNK + 60 * S)
        assert reader.nearest("gate", T - 1) == (None, T)
        assert reader.nearest("gate", T + 9 * CHUNK) == (T + 3 * CHUNK, None)
        assert reader.nearest("nobody", T) == (None, None)

    def test_newest_first(self, reader: FootageReader, writer: FootageWriter) -> None:
        """S1-9: and only what is stored."""
        writer.open_chunk(opened("open", T + 4 * CHUNK))
        assert [c.id for c in reader.newest(["gate"], 10)] == ["c", "b", "a"]
        assert [c.id for c in reader.newest(["gate"], 1, 1)] == ["b"]
        assert [c.id for c in reader.newest(None, 10)] == ["c", "b", "d", "a"]
        assert [c.id for c in reader.newest(["gate", "yard"], 10)] == ["c", "b", "d", "a"]
        assert reader.newest([], 10) == []

    def test_all_chunks_whatever_the_batch(self, reader: FootageReader, writer: FootageWriter) -> None:
        writer.store_chunk(stored("a2", T, T + CHUNK), b"")  # same camera, start and end: told apart by id
        writer.store_chunk(stored("a3", T, T + CHUNK), b"")
        for batch in (1, 2, 3, 100):
            assert [c.id for c in reader.all_chunks(batch)] == ["a", "a2", "a3", "b", "c", "d"]
        assert reader.cameras() == ["gate", "yard"]

    def test_recorded_spans_are_merged_and_clipped(self, timeline: TimelineReader) -> None:
        assert timeline.recorded("gate", T + S, T + 9 * CHUNK) == [
            Interval(T + S, T + 2 * CHUNK),
            Interval(T + 2 * CHUNK + 60 * S, T + 3 * CHUNK),
        ]
        assert timeline.recorded("gate", T + 2 * CHUNK, T + 2 * CHUNK + 60 * S) == []

    def test_a_timeline_of_many_cameras(self, timeline: TimelineReader, writer: FootageWriter) -> None:
        gap = Gap("gate", T + 2 * CHUNK, T + 2 * CHUNK + 60 * S, "camera_offline", run="run")
        writer.put_gaps("run", [gap])
        found = timeline.timeline(["gate", "yard", "nobody"], T, T + 2 * CHUNK + 30 * S)
        assert found["gate"].recorded == [Interval(T, T + 2 * CHUNK)]
        [clipped] = found["gate"].gaps
        assert (clipped.start_us, clipped.end_us) == (T + 2 * CHUNK, T + 2 * CHUNK + 30 * S)
        assert found["yard"].recorded == [Interval(T, T + CHUNK)]
        assert (found["nobody"].recorded, found["nobody"].gaps) == ([], [])

    def test_a_hole_that_was_filled_later_is_none_and_a_pause_inside_a_run_stays(
        self, timeline: TimelineReader, writer: FootageWriter
    ) -> None:
        """A clock that was ahead leaves a hole before its run; set back, footage is recorded into the hole."""
        start = T + 2 * CHUNK
        writer.put_gaps("ahead", [Gap("gate", start - 30 * S, start + 60 * S, "clock_step", run="ahead")])
        pause = Gap("gate", T + 10 * S, T + 12 * S, "dropped", "no frames came for a while")
        writer.put_gaps(None, [pause])
        writer.store_chunk(stored("later", start + 20 * S, start + 50 * S, run="back"), b"")
        found = timeline.timeline(["gate"], T, T + 3 * CHUNK)["gate"]
        left = [(g.start_us - start, g.end_us - start) for g in found.gaps if g.run]
        assert left == [(0, 20 * S), (50 * S, 60 * S)]
        assert [g for g in found.gaps if g.run is None] == [pause]


def test_days_are_those_of_the_zone(writer: FootageWriter, timeline: TimelineReader) -> None:
    """The night in which Berlin's clocks go back has 25 hours."""
    start = 1_729_978_200_000_000  # 2024-10-26 23:30 in Berlin
    for hour in range(27):
        at = start + hour * 3600 * S
        writer.store_chunk(stored(f"{hour}", at, at + 3600 * S), b"")
    days = timeline.days("gate", start, start + 100 * 3600 * S, ZoneInfo("Europe/Berlin"))
    assert [(d.date, d.recorded_us // (60 * S)) for d in days] == [
        (date(2024, 10, 26), 30),
        (date(2024, 10, 27), 25 * 60),
        (date(2024, 10, 28), 90),
    ]


class TestGaps:
    def test_the_gaps_before_a_run_are_replaced_together(self, writer: FootageWriter, reader: FootageReader) -> None:
        one = Gap("gate", T, T + 10 * S, "camera_offline", run="run")
        two = Gap("gate", T + 10 * S, T + 20 * S, "service_down", run="run")
        assert writer.put_gaps("run", [one]) == [one]
        assert writer.put_gaps("run", [one, two]) == [two]
        assert reader.gaps("gate", T, T + 99 * S) == [one, two]
        assert writer.put_gaps("run", []) == []
        assert reader.gaps("gate", T, T + 99 * S) == []

    def test_a_gap_inside_a_run_told_twice_is_one(self, writer: FootageWriter, reader: FootageReader) -> None:
        gap = Gap("gate", T, T + S, "dropped", "slow disk")
        assert writer.put_gaps(None, [gap]) == [gap]
        assert writer.put_gaps(None, [gap]) == []
        assert reader.gaps("gate", T + S - 1, T + S) == [gap]
        assert reader.gaps("gate", T + S, T + 2 * S) == []

    @pytest.mark.parametrize("bad", [Gap("gate", T, T, "dropped"), Gap("gate", T, T + S, "bored")])
    def test_what_is_no_gap_is_refused(self, writer: FootageWriter, reader: FootageReader, bad: Gap) -> None:
        good = Gap("gate", T - S, T, "dropped")
        with pytest.raises(InvalidInput):
            writer.put_gaps(None, [good, bad])
        assert reader.gaps("gate", T - S, T + S) == []  # all or nothing
