"""What the index must do with clips on every database; ``database_url`` of conftest.py is each of them in turn."""

from __future__ import annotations

import base64
import random
import threading
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from gatehouse_common.db import Camera, CameraRepository, Clip, ClipQuery, ClipRepository, Database, FootageWriter
from gatehouse_common.errors import NotFound
from gatehouse_common.messages import RunStarted
from plate_kit import S, T

PRE, POST, LONGEST = 5 * S, 15 * S, 300 * S


@pytest.fixture
def clips(db: Database) -> ClipRepository:
    CameraRepository(db).add(Camera("gate", "synthetic:"))
    return ClipRepository(db)


def plan(clips: ClipRepository, event: str, at_s: float, camera: str = "gate", longest: int = LONGEST) -> list[str]:
    at_us = T + round(at_s * S)
    return clips.plan(camera, event, at_us, PRE, POST, longest, at_us)


def store(clips: ClipRepository, clip: Clip, **more: Any) -> None:
    """Store a clip as its frames are: not quite where it should begin and end."""
    cut = more.pop("cut", (clip.start_us, clip.end_us))
    frames = (clip.start_us + 10_000, clip.end_us - 10_000)
    clips.stored(
        clip.id,
        f"videos/{clip.id}.mp4",
        *frames,
        1000,
        1280,
        720,
        500,
        "",
        clip.end_us + S,
        cut=cut,
        around=(PRE, POST),
        **more,
    )


def spans(found: list[Clip]) -> list[tuple[float, float]]:
    return sorted(((c.wanted_start_us - T) / S, (c.wanted_end_us - T) / S) for c in found)


def view(db: Database) -> list[dict[str, Any]]:
    with db.read() as c:
        return [dict(row) for row in c.execute(text("SELECT * FROM video_segments ORDER BY start_time")).mappings()]


class TestPlans:
    def test_a_read_makes_a_clip_and_another_lets_it_go_on(self, clips: ClipRepository) -> None:
        """S2-4: each read lets the clip go on, and its event is in it."""
        (one,) = plan(clips, "a", 0)
        assert plan(clips, "b", 10) == [one]
        (clip,) = clips.planned()
        assert (clip.id, clip.state, clip.events) == (one, "planned", ("a", "b"))
        assert spans([clip]) == [(-5, 25)]
        assert (clip.first_us, clip.last_us, clip.created_us) == (T, T + 10 * S, T)
        assert (clip.start_us, clip.end_us, clip.previous, clip.key) == (T - PRE, T + 25 * S, None, "")

    def test_told_again_and_in_any_order_it_is_the_same(self, clips: ClipRepository) -> None:
        """S2-4, S2-6: also where clips meet and roll over."""
        told = [(chr(97 + n % 5), at) for n, at in enumerate([0, 3, 30, 33, 60, 61, 79, 99, 118, 137, 156, 300])]
        chance = random.Random(2)
        shapes = set()
        for n in range(6):
            mixed = told * 2
            chance.shuffle(mixed)
            for event, at in mixed:
                plan(clips, event, at, f"camera-{n}", 60 * S)
            mine = clips.planned(lambda camera, n=n: camera == f"camera-{n}")  # type: ignore[misc] - bound here
            assert mine == clips.planned_of(f"camera-{n}")
            by_id = {c.id: c for c in mine}
            assert all(c.previous is None or by_id[c.previous].end_us == c.start_us for c in mine)
            shapes.add(tuple((c.start_us, c.end_us, c.events, c.first_us, c.last_us, c.previous is None) for c in mine))
        assert len(shapes) == 1
        assert [(s - T) // S for s, *_ in sorted(*shapes)] == [-5, 25, 55, 115, 295]

    def test_a_long_stretch_rolls_over_without_a_gap(self, clips: ClipRepository) -> None:
        """S2-6: at five minutes, and both clips are linked to the event."""
        for at in range(0, 400, 10):
            plan(clips, "a", at)
        first, second = clips.planned()
        assert spans([first, second]) == [(-5, 295), (295, 405)]
        assert (first.events, second.events, second.previous) == (("a",), ("a",), first.id)
        assert [c.id for c in clips.of_event("a")] == [first.id, second.id]

    def test_what_would_be_less_than_a_second_is_part_of_the_clip_before_it(self, clips: ClipRepository) -> None:
        """S2-6: there might be no frame in it, and a clip of nothing is one that failed."""
        for at in (0.0, 15.0, 30.0, 40.01):
            plan(clips, "a", at, longest=60 * S)
        assert spans(clips.planned()) == [(-5, 55.01)]
        plan(clips, "a", 41, longest=60 * S)
        assert spans(clips.planned()) == [(-5, 55), (55, 56)]

    def test_clips_that_meet_become_one(self, clips: ClipRepository) -> None:
        (one,) = plan(clips, "a", 0)
        plan(clips, "b", 30)
        assert len(clips.planned()) == 2
        assert plan(clips, "c", 15) == [one]
        (clip,) = clips.planned()
        assert (clip.id, clip.events, spans([clip])) == (one, ("a", "c", "b"), [(-5, 45)])
        assert [c.id for c in clips.of_event("b")] == [one]

    def test_cameras_are_apart(self, clips: ClipRepository) -> None:
        plan(clips, "a", 0)
        plan(clips, "b", 0, "yard")
        assert [c.camera for c in clips.planned(lambda camera: camera == "yard")] == ["yard"]

    def test_what_comes_late_has_all_that_is_before_it(self, clips: ClipRepository) -> None:
        """A read a minute late, though what was there is stored."""
        plan(clips, "a", 0)
        (clip,) = clips.planned()
        store(clips, clip)
        plan(clips, "late", 12)
        (late,) = clips.planned()
        assert spans([late]) == [(7, 27)]
        assert clips.get(clip.id).events == ("a",)

    def test_a_read_of_a_stored_clip_changes_no_more_than_who_is_in_it(self, clips: ClipRepository) -> None:
        """Its frames are not quite where its windows were: told again, a read must not ask for the rest."""
        plan(clips, "a", 0)
        plan(clips, "a", 14)
        (clip,) = clips.planned()
        store(clips, clip)
        stored = clips.get(clip.id)
        assert plan(clips, "a", 0) == plan(clips, "a", 14) == [clip.id]
        assert clips.get(clip.id) == stored
        assert plan(clips, "b", 7) == [clip.id]
        assert clips.planned() == []
        assert clips.get(clip.id).events == ("a", "b")

    def test_a_chain_goes_on_once_its_first_clip_is_stored(self, clips: ClipRepository) -> None:
        """S2-6."""
        for at in range(0, 300, 10):
            plan(clips, "a", at)
        first, second = clips.planned()
        store(clips, first)
        assert plan(clips, "b", 299) == [first.id, second.id]
        (rest,) = clips.planned()
        assert (spans([rest]), rest.previous, rest.events) == ([(295, 314)], first.id, ("a", "b"))

    def test_a_camera_that_was_removed_has_clips_too(self, clips: ClipRepository, db: Database) -> None:
        CameraRepository(db).remove("gate")
        assert len(plan(clips, "a", 0)) == 1

    def test_no_time_before_and_after_is_a_clip_still(self, clips: ClipRepository) -> None:
        clips.plan("gate", "a", T, 0, 0, LONGEST, T)
        (clip,) = clips.planned()
        assert clip.start_us == T < clip.end_us


class TestRefinedOrigins:
    """S2-1: a run's origin moves in its first seconds, and clips are true to the frame that was read all the same."""

    @pytest.fixture(autouse=True)
    def _run(self, db: Database) -> None:
        formats: dict[str, Any] = {
            "init": base64.b64encode(b"x"),
            "video_codec": "avc1",
            "audio_codec": None,
            "interruptions": [],
        }
        size = {"width": 16, "height": 16, "fps": 10.0}
        times = {"time_us": T, "start_us": T, "origin_us": T}
        FootageWriter(db).start_run(RunStarted(camera="gate", run="run", **times, **formats, **size))

    def see(self, clips: ClipRepository, event: str, at_s: int, told_us: int) -> None:
        clips.plan("gate", event, told_us, PRE, POST, LONGEST, T, ("run", at_s * 90_000))

    def test_what_is_told_after_it_moved(self, clips: ClipRepository, db: Database) -> None:
        FootageWriter(db).refine_origin("run", T - 3 * S)
        self.see(clips, "a", 4, T + 4 * S)
        (clip,) = clips.planned()
        assert (spans([clip]), clip.first_us) == ([(-4, 16)], T + S)

    def test_what_is_planned_when_it_moves(self, clips: ClipRepository, db: Database) -> None:
        plan(clips, "before", -60)
        plan(clips, "joined", -12)
        for event, at_s in (("a", 4), ("b", 30)):
            self.see(clips, event, at_s, T + at_s * S)
        assert spans(clips.planned()) == [(-65, -45), (-17, 19), (25, 45)]
        for _ in range(2):
            FootageWriter(db).refine_origin("run", T - 3 * S)
        assert spans(clips.planned()) == [(-65, -45), (-17, 16), (22, 42)]
        assert [c.first_us for c in clips.planned()] == [T - 60 * S, T - 12 * S, T + 27 * S]
        before = clips.planned()
        for event, at_s in (("a", 4), ("b", 30)):  # told again
            self.see(clips, event, at_s, T + at_s * S)
        assert clips.planned() == before


class TestStoring:
    def test_a_stored_clip_is_as_its_frames_are(self, clips: ClipRepository) -> None:
        plan(clips, "a", 0)
        (clip,) = clips.planned()
        store(clips, clip)
        kept = clips.get(clip.id)
        assert (kept.state, kept.key, kept.start_us) == ("stored", f"videos/{clip.id}.mp4", clip.start_us + 10_000)
        assert (kept.bytes, kept.width, kept.height, kept.frames) == (1000, 1280, 720, 500)
        assert kept.stored_us == clip.end_us + S
        assert clips.planned() == []
        clips.stored(clip.id, "videos/other.mp4", T, T + S, 1, 1, 1, 1, "", T)
        clips.failed(clip.id, "too late", T)
        assert clips.get(clip.id) == kept

    def test_what_is_made_longer_while_it_is_cut_is_not_lost(self, clips: ClipRepository) -> None:
        plan(clips, "a", 0)
        (clip,) = clips.planned()
        plan(clips, "b", 10)
        plan(clips, "c", -8)
        plan(clips, "d", 21)
        store(clips, clip)
        before, after = sorted(clips.planned(), key=lambda c: c.start_us)
        assert spans([before, after]) == [(-13, 7), (15, 36)]
        assert (before.previous, after.previous) == (None, clip.id)
        assert (before.events, after.events) == (("c", "a", "b"), ("b", "d"))
        made = clips.get(clip.id)
        assert (spans([made]), made.events) == ([(-5, 15)], ("c", "a", "b"))
        assert (made.first_us, made.last_us) == (T - 8 * S, T + 10 * S)
        plan(clips, "b", 11)
        plan(clips, "c", -8)
        assert spans(clips.planned()) == [(-13, 7), (15, 36)]

    def test_what_became_part_of_another_is_told(self, clips: ClipRepository) -> None:
        plan(clips, "a", 0)
        plan(clips, "b", 30)
        first, second = clips.planned()
        plan(clips, "c", 15)
        with pytest.raises(NotFound, match="there is no clip"):
            store(clips, second)
        assert [c.id for c in clips.planned()] == [first.id]

    def test_what_could_not_be_made_says_why(self, clips: ClipRepository) -> None:
        plan(clips, "a", 0)
        (clip,) = clips.planned()
        clips.failed(clip.id, "nothing was recorded then", T + 60 * S, cut=(clip.start_us, clip.end_us))
        kept = clips.get(clip.id)
        assert (kept.state, kept.detail, kept.key, kept.stored_us) == ("failed", "nothing was recorded then", "", None)
        assert clips.list(ClipQuery()) == []
        assert clips.list(ClipQuery(states=frozenset(["failed"]))) == [kept]
        assert plan(clips, "a", 0) == [clip.id]
        assert clips.planned() == []

    def test_what_is_not_there(self, clips: ClipRepository) -> None:
        with pytest.raises(NotFound, match="nothing"):
            clips.get("nothing")
        with pytest.raises(NotFound, match="nothing"):
            clips.failed("nothing", "", T)
        assert clips.of_event("nothing") == []


class TestLists:
    @pytest.fixture(autouse=True)
    def _some(self, clips: ClipRepository) -> None:
        for n in range(6):
            plan(clips, f"event-{n}", 3600 * n, "yard" if n % 2 else "gate")
        for clip in clips.planned()[:5]:
            store(clips, clip)

    def starts(self, found: list[Clip]) -> list[int]:
        return [(c.wanted_start_us - T + PRE) // (3600 * S) for c in found]

    def test_newest_first_in_pages(self, clips: ClipRepository) -> None:
        """S2-14."""
        assert self.starts(clips.list(ClipQuery())) == [4, 3, 2, 1, 0]
        page = clips.list(ClipQuery(limit=2))
        assert self.starts(page) == [4, 3]
        last = page[-1]
        assert self.starts(clips.list(ClipQuery(limit=2, before=(last.start_us, last.id)))) == [2, 1]
        assert self.starts(clips.list(ClipQuery(limit=2, offset=3))) == [1, 0]
        assert clips.count(ClipQuery(limit=2)) == 5

    def test_only_some(self, clips: ClipRepository) -> None:
        assert self.starts(clips.list(ClipQuery(cameras=frozenset(["yard"])))) == [3, 1]
        assert clips.count(ClipQuery(cameras=frozenset())) == 0
        hour = 3600 * S
        assert self.starts(clips.list(ClipQuery(start_us=T + hour, end_us=T + 2 * hour))) == [2, 1]
        assert self.starts(clips.list(ClipQuery(start_us=T + hour + 15 * S, end_us=T + 2 * hour - PRE))) == []
        assert self.starts(clips.list(ClipQuery(states=frozenset(["planned"])))) == [5]

    def test_clips_of_events(self, clips: ClipRepository) -> None:
        """S2-17, S2-23: all clips of a detection, with their start and end."""
        plan(clips, "event-5", 3600 * 5 + 100, "yard")
        found = clips.of_events(["event-0", "event-5", "nothing"])
        assert {event: len(of) for event, of in found.items()} == {"event-0": 1, "event-5": 2}
        assert found["event-5"][0].end_us < found["event-5"][1].start_us

    def test_how_much_there_is_by_local_day(self, clips: ClipRepository) -> None:
        """S2-19: T is 10:20 in Berlin, and 22:20 of the day before in Honolulu."""
        stats = clips.stats(ZoneInfo("Europe/Berlin"))
        assert (stats.count, stats.bytes, stats.duration_us) == (5, 5000, 5 * (20 * S - 20_000))
        assert stats.by_day == {date(2024, 5, 17): 5}
        honolulu = clips.stats(ZoneInfo("Pacific/Honolulu"))  # 22:20 of the 16th, then 23:20
        assert honolulu.by_day == {date(2024, 5, 16): 2, date(2024, 5, 17): 3}

    def test_old_clips_are_archived(self, clips: ClipRepository, db: Database) -> None:
        """S2-18."""
        assert clips.archive_before(T + 3600 * S, T) == 1
        assert clips.archive_before(T + 3600 * S, T) == 0
        assert [c.state for c in clips.list(ClipQuery())] == ["stored"] * 4 + ["archived"]
        assert [bool(row["archived"]) for row in view(db)] == [True] + [False] * 4
        assert [c.state for c in clips.planned()] == ["planned"]


def test_the_view_has_the_columns_that_other_programs_read(clips: ClipRepository, db: Database) -> None:
    """S2-12, S2-13: detection_ids in the order in which the events began, however many there are."""
    ids = [f"{n:08d}-0000-7000-8000-{n:012d}" for n in range(60)]
    for n in reversed(range(60)):
        plan(clips, ids[n], n)
    (clip,) = clips.planned()
    assert view(db) == []
    store(clips, clip)
    (row,) = view(db)
    assert list(row) == [
        "id",
        "file_path",
        "start_time",
        "end_time",
        "duration_seconds",
        "file_size_bytes",
        "resolution",
        "archived",
        "detection_ids",
    ]
    assert row["id"] == clip.id
    assert row["file_path"] == f"videos/{clip.id}.mp4"
    assert row["start_time"] == T / S - 5 + 0.01
    assert row["end_time"] == T / S + 59 + 15 - 0.01
    assert row["duration_seconds"] == 79 - 0.02
    assert (row["file_size_bytes"], row["resolution"], row["archived"]) == (1000, "1280x720", 0)
    assert row["detection_ids"].split(",") == ids


def test_many_writers_at_once_plan_what_one_does(database_url: str) -> None:
    """Segmenters that took over from one another: also of a camera that has no row to be locked."""
    Database(database_url).upgrade()
    setup = Database(database_url)
    CameraRepository(setup).add(Camera("gate", "synthetic:"))
    setup.close()
    failed: list[BaseException] = []

    def work(n: int) -> None:
        db = Database(database_url)
        clips = ClipRepository(db)
        told = [(f"event-{k}", 7 * k) for k in range(20)]
        random.Random(n).shuffle(told)
        try:
            for event, at in told:
                plan(clips, event, at, "gate", 60 * S)
                plan(clips, event, at, "gone", 60 * S)
        except BaseException as error:  # noqa: BLE001 - told by the test itself
            failed.append(error)
        finally:
            db.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert failed == []
    db = Database(database_url)
    for camera in ("gate", "gone"):
        found = ClipRepository(db).planned(lambda one, camera=camera: one == camera)  # type: ignore[misc] - bound here
        assert spans(found) == [(-5, 55), (55, 115), (115, 148)]
    db.close()
