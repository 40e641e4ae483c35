"""The janitor on real files and a real index: what goes, what stays, and what it does when something is wrong."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.clock import HOUR, MINUTE, SECOND, SystemClock
from gatehouse_common.db import (
    Camera,
    CameraRepository,
    ClipRepository,
    Deletions,
    Deliveries,
    Facts,
    FootageReader,
    HoldRepository,
    PlateQuery,
    PlateReader,
    PlateWriter,
    Webhooks,
)
from gatehouse_common.db.happenings import note
from gatehouse_common.errors import Unavailable
from gatehouse_common.messages import CameraState, CameraStatus
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.storage import LocalStore, ObjectInfo, keys
from gatehouse_common.testing.clock import FakeClock
from gatehouse_common.testing.film import FilmSpec
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor import removal, sweeps
from gatehouse_janitor.checking.care import ALONE
from gatehouse_janitor.checking.object_check import ObjectCheck
from gatehouse_janitor.checking.problem import Kind
from gatehouse_janitor.service import Janitor
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import add_camera
from pipeline_kit import record as record_film
from plate_kit import closed, seen
from plates_kit import indexing
from retention_kit import LENGTH, NOW, cut, files, hold, open_core, plenty, record, trouble
from running import wait_for

KB = 1000
STOP = threading.Event()


def test_recordings_older_than_72_hours_are_removed_by_themselves(core: Core) -> None:
    """S1-17: the file, the row, and in their place a gap that says why."""
    young = plenty(core)
    old = [record(core, "gate", NOW - 72 * HOUR - (k + 1) * LENGTH) for k in range(6)]
    Janitor(core).look(STOP)
    assert files(core) == set(young)
    reader = FootageReader(core.db)
    assert {c.id for c in reader.all_chunks()} == set(young)
    (gap,) = reader.gaps("gate", 0, NOW - 72 * HOUR)
    assert (gap.cause, gap.start_us, gap.end_us) == ("purged", NOW - 73 * HOUR, NOW - 72 * HOUR)
    assert not any((core.data_dir / "recordings" / "gate" / str((NOW - 73 * HOUR) // (24 * HOUR))).glob("*"))
    assert old


def test_it_goes_on_as_time_goes_on(core: Core, clock: FakeClock) -> None:
    chunks = [record(core, "gate", NOW - k * LENGTH) for k in range(1, 31)]
    janitor = Janitor(core)
    clock.advance(72 * HOUR - 25 * LENGTH)
    janitor.look(STOP)
    assert files(core) == set(chunks[:25])
    clock.advance(LENGTH)
    janitor.look(STOP)
    assert files(core) == set(chunks[:24])


def test_cameras_may_differ(core: Core) -> None:
    """S1-17: how long is a setting, of the site and of a camera."""
    cameras = CameraRepository(core.db)
    cameras.add(Camera("vault", "synthetic:", settings={"retention": {"continuous_hours": 1000}}))
    cameras.add(Camera("yard", "synthetic:", settings={"retention": {"continuous_hours": 10}}))
    plenty(core)
    kept = record(core, "vault", NOW - 900 * HOUR)
    gone = record(core, "yard", NOW - 11 * HOUR)
    removed = record(core, "camera-that-was-removed", NOW - 73 * HOUR)
    Janitor(core).look(STOP)
    assert kept in files(core)
    assert not {gone, removed} & files(core)


def test_clips_are_archived_after_30_days_and_their_files_deleted_then(core: Core) -> None:
    """S2-30."""
    young = [cut(core, NOW - k * HOUR) for k in range(30)]
    old = cut(core, NOW - 31 * 24 * HOUR)
    Janitor(core).look(STOP)
    assert files(core) == set(young)
    clip = ClipRepository(core.db).get(old)
    assert (clip.state, clip.key) == ("purged", f"videos/2027-01-15/{old}.mp4")
    assert all(ClipRepository(core.db).get(c).state == "stored" for c in young)


def test_an_archived_clip_keeps_its_file_for_the_grace_that_is_set(tmp_path: Path, clock: FakeClock) -> None:
    """S2-31."""
    core = open_core(tmp_path / "data", clock, **{"retention.archive_days": 5})
    old = cut(core, NOW - 31 * 24 * HOUR)
    janitor = Janitor(core)
    janitor.look(STOP)
    assert ClipRepository(core.db).get(old).state == "archived"
    assert files(core) == {old}
    clock.advance(5 * 24 * HOUR)
    janitor.look(STOP)
    assert ClipRepository(core.db).get(old).state == "purged"
    assert files(core) == set()
    core.close()


def test_what_is_held_survives_its_age(core: Core) -> None:
    plenty(core)
    held, gone = record(core, "gate", NOW - 90 * HOUR), record(core, "gate", NOW - 80 * HOUR)
    HoldRepository(core.db).place(hold(camera="gate", start_us=NOW - 90 * HOUR, end_us=NOW - 89 * HOUR))
    Janitor(core).look(STOP)
    assert held in files(core)
    assert gone not in files(core)


def test_more_than_half_at_once_is_not_deleted_unless_it_is_told_so(core: Core) -> None:
    chunks = [record(core, "gate", NOW - 73 * HOUR - k * LENGTH) for k in range(30)]
    janitor = Janitor(core)
    janitor.look(STOP)
    assert files(core) == set(chunks)
    assert "30 of 30" in trouble(janitor)
    assert not janitor.health()[0].ok


def test_nothing_is_deleted_while_the_store_is_not_the_one_that_is_known(core: Core, clock: FakeClock) -> None:
    """A disk that is not mounted shows an empty folder: rows must not be purged for it, nor files of another."""
    plenty(core)
    janitor = Janitor(core)
    janitor.look(STOP)
    sign = core.data_dir / keys.STORE_SIGN
    old = record(core, "gate", NOW - 73 * HOUR)
    away = sign.rename(core.data_dir / "sign")
    clock.advance(MINUTE)
    janitor.look(STOP)
    assert old in files(core)
    assert "mounted" in trouble(janitor)
    sign.write_text('{"store": "another"}')
    clock.advance(MINUTE)
    janitor.look(STOP)
    assert old in files(core)
    assert "another installation" in trouble(janitor)
    away.rename(sign)
    clock.advance(MINUTE)
    janitor.look(STOP)
    assert old not in files(core)
    assert trouble(janitor) == ""


@pytest.mark.parametrize("by", [2 * HOUR, 40 * 24 * HOUR])
def test_when_the_clock_jumps_nothing_is_deleted_for_its_age(core: Core, clock: FakeClock, by: int) -> None:
    """R4: however long it is left so; not until it is back, or somebody says that it is right."""
    young = plenty(core, count=60)
    clock.advance(HOUR)
    janitor = Janitor(core)
    clock.advance(HOUR)
    janitor.look(STOP)
    nearly = record(core, "gate", NOW - 70 * HOUR)
    clock.step(by)
    for _ in range(10):
        clock.advance(HOUR // 6)
        janitor.look(STOP)
    assert files(core) == {*young, nearly}
    assert "clock" in trouble(janitor)
    clock.step(-by)
    clock.advance(MINUTE)
    janitor.look(STOP)
    assert trouble(janitor) == ""
    assert files(core) == {*young}  # it is 73 hours old by now, and the clock is right


def test_a_machine_that_was_asleep_has_not_jumped(core: Core, clock: FakeClock) -> None:
    """A laptop is shut overnight: what came of age meanwhile goes, and nobody has to say that the clock is right."""
    young, old = record(core, "gate", NOW - LENGTH), record(core, "gate", NOW - 71 * HOUR)
    others = plenty(core)
    janitor = Janitor(core)
    janitor.look(STOP)
    assert old in files(core)
    clock.sleep(9 * HOUR)
    clock.advance(MINUTE)
    janitor.look(STOP)
    assert files(core) == {young, *others}
    assert "jumped" not in trouble(janitor)


def test_a_clock_that_is_right_after_a_jump_is_believed_when_somebody_says_so(core: Core, clock: FakeClock) -> None:
    young = plenty(core, count=60)
    janitor = Janitor(core)
    clock.advance(HOUR)
    janitor.look(STOP)
    old = record(core, "gate", NOW - 70 * HOUR)
    clock.step(3 * HOUR)
    clock.advance(MINUTE)
    janitor.look(STOP)
    assert old in files(core)
    Facts(core.db).put("retention.confirmed", str(clock.now_us()), clock.now_us())
    clock.advance(MINUTE)
    janitor.look(STOP)
    assert files(core) == {*young}


def test_a_machine_without_a_clock_of_its_own_is_believed_an_hour_after_it_was_set(
    core: Core, clock: FakeClock
) -> None:
    plenty(core, count=60)
    janitor = Janitor(core)
    janitor.look(STOP)
    old = record(core, "gate", NOW - 70 * HOUR)
    clock.advance(MINUTE)
    clock.step(3 * HOUR)  # as NTP does, after the start
    janitor.look(STOP)
    clock.advance(HOUR - MINUTE)
    janitor.look(STOP)
    assert old in files(core)
    clock.advance(2 * MINUTE)
    janitor.look(STOP)
    assert old not in files(core)


def test_what_a_crash_left_is_gone_on_with(core: Core) -> None:
    """S2-31, S2-43: decided, then killed before, or after, the file was deleted."""
    young = plenty(core)
    before, after = record(core, "gate", NOW - 80 * HOUR), record(core, "gate", NOW - 81 * HOUR)
    marked = Deletions(core.db).mark_chunks([before, after], "age", NOW)
    core.store.delete(next(d.key for d in marked if d.subject == after))
    Janitor(core).look(STOP)
    assert files(core) == set(young)
    assert Deletions(core.db).pending() == 0


def test_a_file_that_cannot_be_deleted_is_tried_again_and_not_forgotten(core: Core, clock: FakeClock) -> None:
    """S2-31: its key stays known, and the reason is told."""
    plenty(core)
    old = record(core, "gate", NOW - 80 * HOUR)
    other = record(core, "gate", NOW - 81 * HOUR)
    path = core.data_dir / FootageReader(core.db).chunk(old).key
    path.unlink()
    path.mkdir()  # not even root can unlink that
    janitor = Janitor(core)
    janitor.look(STOP)
    assert other not in files(core)
    (left,) = Deletions(core.db).due(NOW + HOUR, 10)
    assert (left.subject, left.tries) == (old, 1)
    assert str(left.key) in trouble(janitor)
    path.rmdir()
    path.write_bytes(bytes(1000))
    clock.advance(20 * SECOND)
    janitor.look(STOP)
    assert not path.exists()
    assert Deletions(core.db).pending() == 0
    assert trouble(janitor) == ""


def test_a_store_that_deletes_nothing_does_not_lose_its_index(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    young = plenty(core, count=60)
    old = [record(core, "gate", NOW - 80 * HOUR - k * LENGTH) for k in range(6)]
    monkeypatch.setattr(removal, "AT_ONCE", 2)
    monkeypatch.setattr(sweeps, "AT_ONCE", 2)
    monkeypatch.setattr(LocalStore, "delete_many", lambda _self, keys_: dict.fromkeys(keys_, "permission denied"))
    janitor = Janitor(core)
    for _ in range(5):
        janitor.look(STOP)
    assert files(core) == {*young, *old}
    assert len(list(FootageReader(core.db).all_chunks())) == 66 - 2  # one batch, by which it was noticed
    assert "permission denied" in trouble(janitor)


def test_what_is_held_after_it_was_decided_is_given_back(core: Core, tmp_path: Path) -> None:
    """Decided, not yet done: the file is there, so a hold that is placed now holds it, and it is listed again."""
    chunk = recorded(core, tmp_path)
    at = FootageReader(core.db).chunk(chunk)
    Deletions(core.db).mark_chunks([chunk], "age", NOW)
    decided = HoldRepository(core.db).place(hold(camera="cam", start_us=at.start_us, end_us=at.end_us))
    assert decided == 1
    with indexing(core):
        Janitor(core).look(STOP)
        wait_for("its row", lambda: [c.id for c in FootageReader(core.db).all_chunks()] == [chunk])
    assert Deletions(core.db).pending() == 0
    assert core.store.stat(at.key).size == at.bytes


def test_giving_back_waits_for_nobody(core: Core, clock: FakeClock, tmp_path: Path) -> None:
    """S2-31: with no indexer at work the disk is looked at all the same; the message waits for one."""
    chunk = recorded(core, tmp_path)
    at = FootageReader(core.db).chunk(chunk)
    Deletions(core.db).mark_chunks([chunk], "age", NOW)
    HoldRepository(core.db).place(hold(camera="cam", start_us=at.start_us, end_us=at.end_us))
    began_us = clock.monotonic_us()
    Janitor(core).look(STOP)
    assert clock.monotonic_us() == began_us, "it has waited"
    assert Deletions(core.db).pending() == 0
    with indexing(core):
        wait_for("its row", lambda: [c.id for c in FootageReader(core.db).all_chunks()] == [chunk])


def test_a_file_that_is_indexed_while_it_is_looked_at_is_no_copy_of_itself(core: Core, tmp_path: Path) -> None:
    """S2-31: what is given back, and told again at that moment, must not end in the quarantine."""

    class Before(FootageReader):
        def chunk_of_key(self, key: str) -> None:
            """Nothing yet: its row is written just after this."""

    at = FootageReader(core.db).chunk(recorded(core, tmp_path))
    looking = ObjectCheck(core, ALONE, lambda _: None)
    looking._footage = Before(core.db)
    assert looking.look(core.store.stat(at.key)) is None
    core.store.put_bytes("recordings/cam/copy.mp4", core.store.read(at.key))
    copy = looking.look(core.store.stat("recordings/cam/copy.mp4"))
    assert copy is not None
    assert copy.kind is Kind.DUPLICATE


def test_after_the_index_was_made_anew_nothing_is_too_old_until_somebody_says_so(core: Core) -> None:
    young, old = plenty(core), record(core, "gate", NOW - 80 * HOUR)
    facts = Facts(core.db)
    facts.put("index.rebuilt", str(NOW - MINUTE), NOW)
    janitor = Janitor(core)
    janitor.look(STOP)
    assert old in files(core)
    assert "made anew" in trouble(janitor)
    facts.put("retention.confirmed", str(NOW), NOW)
    janitor.look(STOP)
    assert files(core) == set(young)


def test_many_archived_clips_in_their_grace_do_not_keep_old_ones(tmp_path: Path, clock: FakeClock) -> None:
    core = open_core(tmp_path / "data", clock, **{"retention.archive_days": 365})
    for k in range(40):
        cut(core, NOW - (40 * 24 + k) * HOUR)
    gone = cut(core, NOW - 500 * 24 * HOUR)
    janitor = Janitor(core)
    janitor.look(STOP)
    assert gone not in files(core)
    assert len(files(core)) == 40
    assert trouble(janitor) == ""
    core.close()


def test_much_that_is_held_does_not_keep_what_is_not(core: Core) -> None:
    for k in range(30):
        record(core, "held", NOW - 100 * HOUR + k * LENGTH)
    HoldRepository(core.db).place(hold(camera="held"))
    plenty(core, count=10)
    old = record(core, "gate", NOW - 80 * HOUR)
    janitor = Janitor(core)
    janitor.look(STOP)
    assert old not in files(core)
    assert len(files(core)) == 40
    assert trouble(janitor) == ""


def recorded(core: Core, folder: Path) -> str:
    """A chunk that a recorder has really written, stored and indexed; its id."""
    spec = FilmSpec(frames=60, gop=30, width=160, height=96)
    add_camera(core, "cam")
    record_film(core.data_dir, folder, spec=spec, camera="cam", chunk_us=20 * SECOND)
    supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], SystemClock())
    supervisor.start()
    try:
        wait_for("a stored chunk", lambda: FootageReader(core.db).newest(None, 5))
    finally:
        supervisor.stop(30)
    return FootageReader(core.db).newest(None, 5)[0].id


def test_plates_are_forgotten_after_a_year_and_their_pictures_deleted(core: Core) -> None:
    """S2-30: apart from any footage."""
    writer, year = PlateWriter(core.db), 365 * 24 * HOUR
    for event, start_us in (("old", NOW - year - MINUTE), ("young", NOW - year + MINUTE)):
        for what in ("frame", "crop"):
            core.store.put_bytes(f"plates/{event}_{what}.jpg", b"picture")
        keys_of = {"frame_key": f"plates/{event}_frame.jpg", "crop_key": f"plates/{event}_crop.jpg"}
        writer.see(seen(event, "ABC1234", start_us=start_us, **keys_of))
        writer.close(closed(event, "ABC1234", 0, start_us=start_us, **keys_of))
    Janitor(core).look(STOP)
    assert [e.id for e in PlateReader(core.db).search(PlateQuery())] == ["young"]
    assert [i.key for i in core.store.list("plates/")] == ["plates/young_crop.jpg", "plates/young_frame.jpg"]


def test_what_webhooks_were_told_of_plates_is_forgotten_with_them(core: Core) -> None:
    deliveries, hook = Deliveries(core.db), Webhooks(core.db).add("https://a.example", "", ["*"], None, "", "ann", NOW)
    for ago_us in (366 * 24 * HOUR, HOUR):
        with core.db.begin() as c:
            note(c, "plate.closed", str(ago_us), "gate", NOW - ago_us)
        deliveries.spread([hook], NOW - ago_us)
        mine = deliveries.take(deliveries.due(hook.id, NOW - ago_us, 1)[0], "me", NOW - ago_us)
        assert mine is not None
        assert deliveries.keep_body(mine, "ABC1234")
        deliveries.finish(mine, "delivered", NOW - ago_us)
    Janitor(core).look(STOP)
    assert [one.body for one in deliveries.list(hook.id, 9)] == ["ABC1234", ""]


def test_what_is_stored_and_how_old_it_is_can_be_seen(core: Core) -> None:
    """PRODUCT: figures for dashboards; those of cameras that have nothing any more go."""
    plenty(core, count=30)
    record(core, "yard", NOW - 3 * HOUR, 4 * KB)
    cut(core, NOW - 2 * HOUR, size=700)
    janitor = Janitor(core)
    janitor.look(STOP)
    assert value("gatehouse_storage_bytes", **{"class": "continuous", "camera": "yard"}) == 4 * KB
    assert value("gatehouse_storage_bytes", **{"class": "event", "camera": ""}) == 700
    assert value("gatehouse_oldest_recording_age_seconds", camera="yard") == 3 * 3600
    assert value("gatehouse_retention_target_seconds", camera="yard") == 72 * 3600
    assert value("gatehouse_janitor_last_success_timestamp_seconds") == NOW / SECOND


def test_what_is_held_makes_no_camera_look_as_if_it_kept_as_much_as_promised(core: Core) -> None:
    """It stays whatever its age, and all that came after it may go for want of room."""
    for hours in (60, 59, 3, 2):
        record(core, "yard", NOW - hours * HOUR, 4 * KB)
    HoldRepository(core.db).place(hold(camera="yard", start_us=NOW - 61 * HOUR, end_us=NOW - 58 * HOUR))
    janitor = Janitor(core)
    janitor.look(STOP)
    assert value("gatehouse_oldest_recording_age_seconds", camera="yard") == 3 * 3600
    HoldRepository(core.db).place(hold(camera="yard"))
    core.clock.advance(MINUTE)
    janitor.look(STOP)
    assert value("gatehouse_oldest_recording_age_seconds", camera="yard") == 60 * 3600 + 60, "all of it is kept"


def test_of_a_camera_that_should_be_recorded_and_has_nothing_the_age_is_none(core: Core) -> None:
    """What alerts on footage that is not kept for as long as was promised asks for: worst where all had to go."""
    cameras = CameraRepository(core.db)
    cameras.add(Camera("clips", "synthetic:", settings={"keep": "events"}))
    cameras.add(Camera("off", "synthetic:", enabled=False))
    cameras.add(Camera("away", "rtsp://192.0.2.1/"))
    for camera, state in (("gate", CameraState.RECORDING), ("away", CameraState.RECONNECTING)):
        cameras.report(CameraStatus(camera=camera, time_us=NOW, state=state, since_us=NOW))
    Janitor(core).look(STOP)
    assert value("gatehouse_oldest_recording_age_seconds", camera="gate") == 0
    assert value("gatehouse_retention_target_seconds", camera="gate") == 72 * 3600
    for other in ("clips", "off", "away"):  # of one that is not there nothing was deleted for want of room
        assert value("gatehouse_oldest_recording_age_seconds", camera=other) is None


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_what_has_waited_costs_no_other_object_that_has_its_name_by_now(core: Core, clock: FakeClock) -> None:
    """S2-43, S2-30: a crash came after the object went; keys are seconds by a clock that may be set back."""
    plenty(core)
    old = [record(core, "gate", NOW - (80 + n) * HOUR, 700) for n in range(2)]
    deletions = Deletions(core.db)
    gone, waits = sorted(deletions.mark_chunks(old, "age", NOW), key=lambda one: one.subject != old[0])
    core.store.delete(gone.key)
    core.store.put_bytes(gone.key, bytes(900))
    janitor = Janitor(core)
    janitor.look(STOP)
    janitor.look(STOP)
    assert (core.store.stat(gone.key).size, deletions.pending(), trouble(janitor)) == (900, 0, "")
    assert waits.subject not in files(core)


def test_what_cannot_be_looked_at_waits_and_keeps_nothing_else_from_going(core: Core, clock: FakeClock) -> None:
    plenty(core)
    old = [record(core, "gate", NOW - (80 + n) * HOUR, 700) for n in range(3)]
    deletions = Deletions(core.db)
    marked = deletions.mark_chunks(old, "age", NOW)
    first = deletions.due(NOW, 10)[0].key

    class Blind:
        def __getattr__(self, name: str) -> object:
            return getattr(core.store, name)

        def stat(self, key: str) -> ObjectInfo:
            if key == first:
                raise Unavailable("permission denied")
            return core.store.stat(key)

    janitor = Janitor(dataclasses.replace(core, store=Blind()))  # type: ignore[arg-type] - of the test
    for _ in range(2):
        janitor.look(STOP)
        clock.advance(1.0)
    assert {d.key for d in marked if Path(d.key).stem in files(core)} == {first}
    assert deletions.pending() == 1
    assert "permission denied" in deletions.due(NOW + HOUR, 1)[0].trouble
