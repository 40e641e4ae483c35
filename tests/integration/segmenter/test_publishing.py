"""Chunks get from the spool into the store and the index, whatever happens between two steps."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.bus import Delivery
from gatehouse_common.errors import from_os_error
from gatehouse_common.messages import ChunkClosed, ChunkIndexed, ChunkStored
from gatehouse_common.observability.metrics import SPOOL_BYTES, SPOOL_FILES
from gatehouse_common.runtime import Check
from gatehouse_common.testing.film import frame_numbers
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.placement import find_twin
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import START_US, add_camera, core_at, record, rows, spool_files, stored_files, work_off
from running import wait_for

FIRST = "recordings/cam/2024-05-17/recording_20240517_102300.mp4"


def test_a_closed_chunk_is_stored_indexed_and_leaves_the_spool(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        taken = record(core.data_dir, tmp_path)
        core.bus.publish(taken.closed[0])
        work_off(core)
        assert stored_files(core.data_dir) == [FIRST]
        assert rows(core) == [(FIRST, "stored", False)]
        assert not (core.data_dir / "spool" / "cam").exists() or not spool_files(core.data_dir)
        assert [n for n, _ in frame_numbers(core.data_dir / FIRST)] == list(range(60))


def test_what_waits_in_the_spool_is_measured(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        record(core.data_dir, tmp_path, camera="north")
        record(core.data_dir, tmp_path, camera="south")
        size = sum((core.data_dir / key).stat().st_size for key in spool_files(core.data_dir))
        build_spool(core).look()
        assert (SPOOL_FILES._value.get(), SPOOL_BYTES._value.get()) == (2, size)
        work_off(core)
        assert (SPOOL_FILES._value.get(), SPOOL_BYTES._value.get()) == (0, 0)


def test_a_store_that_takes_nothing_is_said_before_there_is_anything_to_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-41: by a small file, now and then; and that it takes files again."""
    monkeypatch.setattr("gatehouse_segmenter.service._GLANCE_S", 0.02)
    monkeypatch.setattr("gatehouse_segmenter.service._LOOK_S", 0.05)
    monkeypatch.setattr("gatehouse_segmenter.service._PROBE_US", 100_000)
    with core_at(tmp_path / "data") as core:
        segmenter, stop = build_segmenter(core), threading.Event()
        thread = threading.Thread(target=segmenter.run, args=(stop,))
        thread.start()
        try:
            wait_for("a look", lambda: segmenter.health() == [Check("storage", ok=True)])

            def refuse(*_: object, **__: object) -> None:
                raise from_os_error(OSError(errno.EROFS, "Read-only file system"), "storing a file")

            with monkeypatch.context() as patch:
                patch.setattr(core.store, "put_bytes", refuse)
                wait_for("the trouble", lambda: not segmenter.health()[0].ok)
                assert segmenter.health()[0].detail == "storing a file: Read-only file system"
            wait_for("its end", lambda: segmenter.health()[0].ok)
        finally:
            stop.set()
            thread.join(20)
        assert not list(core.data_dir.glob(".put-*"))


def test_names_are_in_the_site_zone_and_never_taken_twice(tmp_path: Path) -> None:
    with core_at(tmp_path / "data", timezone="Europe/Berlin") as core:
        for start in (START_US, START_US + 200_000):
            core.bus.publish(record(core.data_dir, tmp_path, start_us=start).closed[0])
        work_off(core)
        folder = "recordings/cam/2024-05-17"
        assert stored_files(core.data_dir) == [
            f"{folder}/recording_20240517_122300.mp4",
            f"{folder}/recording_20240517_122300_2.mp4",
        ]


def test_nothing_is_remembered_of_what_was_stored_in_a_directory(tmp_path: Path) -> None:
    """A recorder runs for years; only what is sent to a bucket while it is written has to be known."""
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path, frames=180, chunk_us=2_000_000)
        segmenter = build_segmenter(core)
        for message in taken.closed:
            segmenter.handle(Delivery(message))
        segmenter._early.look()
        assert len(stored_files(core.data_dir)) == 3
        assert segmenter._early._passed == set()


def test_every_message_may_come_twice(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path, frames=180, chunk_us=2_000_000)
        for message in (*taken.closed, *taken.closed):
            core.bus.publish(message)
        work_off(core)
        for message in taken.closed:
            core.bus.publish(message)
        work_off(core)
        assert len(stored_files(core.data_dir)) == len(taken.closed) == 3
        assert [state for _, state, _ in rows(core)] == ["stored"] * 3
        assert spool_files(core.data_dir) == []
        assert core.bus.dead_letters() == []


def test_a_chunk_that_is_freed_while_it_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper frees it upon what came of the first message, just as the second is handled."""
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path)
        (chunk,) = taken.closed
        spooled = core.data_dir / chunk.key
        segmenter = build_segmenter(core)
        segmenter.handle(Delivery(chunk))

        def freed_just_now(*given: Any) -> str | None:
            spooled.unlink(missing_ok=True)
            return find_twin(*given)

        monkeypatch.setattr("gatehouse_segmenter.publisher.find_twin", freed_just_now)
        segmenter.handle(Delivery(chunk))
        assert len(stored_files(core.data_dir)) == 1


def test_a_chunk_that_is_nowhere_is_a_dead_letter_with_its_reason(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path)
        (core.data_dir / taken.keys[0]).unlink()
        core.bus.publish(taken.closed[0])
        work_off(core)
        (letter,) = core.bus.dead_letters("segmenter")
        assert "neither in the spool" in letter.reason


class Killed(BaseException):
    """The process ends here."""


def kill_at(owner: Any, name: str, *, when: str, only: Callable[..., bool] = lambda *_: True) -> Any:
    """Return a stand-in for ``owner`` that is killed before or after its first call of ``name``."""

    class Fatal:
        def __getattr__(self, attribute: str) -> Any:
            found = getattr(owner, attribute)
            if attribute != name:
                return found

            def call(*args: Any, **kwargs: Any) -> Any:
                if not only(*args):
                    return found(*args, **kwargs)
                if when == "after":
                    found(*args, **kwargs)
                raise Killed

            return call

    return Fatal()


STEPS = [
    ("store", "put", "before", object),
    ("store", "put", "after", object),
    ("bus", "publish", "before", ChunkStored),
    ("bus", "publish", "after", ChunkStored),
    ("bus", "publish", "before", ChunkIndexed),
    ("bus", "publish", "after", ChunkIndexed),
]


@pytest.mark.parametrize("recovered", [False, True], ids=["closed", "left open"])
@pytest.mark.parametrize(("part", "call", "when", "kind"), STEPS, ids=[f"{s[2]} {s[3].__name__} {s[1]}" for s in STEPS])
def test_killed_between_any_two_steps(
    tmp_path: Path, part: str, call: str, when: str, kind: type, recovered: bool
) -> None:
    """S2-43: after the next start the chunk is stored once, indexed once, and nothing is left in the spool."""
    data = tmp_path / "data"
    with core_at(data) as core:
        add_camera(core)
        taken = record(data, tmp_path, leave_open=recovered)
        for message in taken.closed:
            core.bus.publish(message)
        fatal = kill_at(getattr(core, part), call, when=when, only=lambda first, *_: isinstance(first, kind))
        doomed = type(core)(**{**{f: getattr(core, f) for f in core.__dataclass_fields__}, part: fatal})
        with pytest.raises(Killed):
            _run_until_killed(doomed, taken.closed)
    with core_at(data) as core:
        work_off(core)
        assert stored_files(data) == [FIRST]
        assert rows(core) == [(FIRST, "stored", recovered)]
        assert spool_files(data) == []
        assert core.bus.dead_letters() == []
        numbers = [n for n, _ in frame_numbers(data / FIRST)]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= 45 if recovered else len(numbers) == 60


def _run_until_killed(core: Any, closed: list[ChunkClosed]) -> None:
    """One after the other, as the queues would: recovery, segmenter, indexer, and what frees the spool."""
    sent: list[Any] = list(closed)
    publish = core.bus.publish

    class Remembering:
        def __getattr__(self, attribute: str) -> Any:
            return getattr(core_bus, attribute)

        def publish(self, message: Any) -> None:
            publish(message)
            sent.append(message)

    core_bus = core.bus
    core = type(core)(**{**{f: getattr(core, f) for f in core.__dataclass_fields__}, "bus": Remembering()})
    keeper, segmenter, indexer = build_spool(core), build_segmenter(core), build_indexer(core)
    for message in sent:
        segmenter.handle(Delivery(message))
        indexer.handle(Delivery(message))
        if isinstance(message, ChunkIndexed):
            keeper.release(message.key, message.spool_key)


def test_killed_before_the_name_in_the_spool_is_gone(tmp_path: Path) -> None:
    """S2-43: an indexed chunk whose spool entry survived is recognised by its bytes, not stored again."""
    data = tmp_path / "data"
    with core_at(data) as core:
        taken = record(data, tmp_path)
        core.bus.publish(taken.closed[0])
        spool = data / taken.keys[0]
        kept = tmp_path / "kept.mp4"
        kept.hardlink_to(spool)
        work_off(core)
        spool.parent.mkdir(parents=True, exist_ok=True)
        spool.hardlink_to(kept)
        kept.unlink()
    with core_at(data) as core:
        work_off(core)
        assert stored_files(data) == [FIRST]
        assert rows(core) == [(FIRST, "stored", False)]
        assert spool_files(data) == []
