"""Would recording work here? Each question by itself, so that one bad answer does not hide the others."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from gatehouse_capture.probe import probe
from gatehouse_common.clock import Clock
from gatehouse_common.db import CameraRepository, Database
from gatehouse_common.errors import Conflict, GatehouseError
from gatehouse_common.media.codecs import library_versions, missing_codecs
from gatehouse_common.observability.camera_secrets import register_camera_url
from gatehouse_common.observability.secrets import mask
from gatehouse_common.runtime import DataLock
from gatehouse_common.runtime.index import open_index
from gatehouse_common.runtime.stores import open_store
from gatehouse_common.settings import Settings
from gatehouse_common.storage import LocalStore
from gatehouse_transcoder.program import find_program

from .startup import check_room, find_port

Outcome = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer: ``note`` is worth knowing and hinders nothing."""

    question: str
    outcome: Outcome
    detail: str


def diagnose(settings: Settings, clock: Clock, *, cameras: bool) -> Iterator[Finding]:
    """Yield the answers. Writes nothing but a small probe file, which it removes.

    Args:
        settings: what `gatehouse up` would use.
        clock: for looking at cameras.
        cameras: whether to connect to each camera.
    """
    yield _python()
    yield _ask("codecs", _codecs)
    yield _ffmpeg(settings, clock)
    running = _is_running(settings)
    yield Finding("running", "note", running) if running else Finding("running", "ok", "no other process records here")
    yield _ask("room", lambda: _room(settings))
    yield _ask("data directory", lambda: _writable(settings))
    if not running:
        yield _ask("port", lambda: _port(settings))
    yield _ask("database", lambda: _database(settings))
    if cameras:
        yield from _cameras(settings, clock)


def _ask(question: str, answer: Callable[[], str]) -> Finding:
    try:
        return Finding(question, "ok", answer())
    except GatehouseError as error:
        return Finding(question, "wrong", mask(error.message))


def _python() -> Finding:
    version = sys.version.split()[0]
    fine = sys.version_info >= (3, 11)
    return Finding("python", "ok" if fine else "wrong", version if fine else f"{version}: 3.11 or newer is needed")


def _codecs() -> str:
    missing = missing_codecs()
    if missing:
        raise Conflict(
            f"missing: {', '.join(missing)}: install PyAV from its wheel (`pip install --force-reinstall av`)"
        )
    return library_versions()


def _ffmpeg(settings: Settings, clock: Clock) -> Finding:
    """Recording needs none; what is made of uploads does."""
    try:
        found = find_program(settings.values.transcoder, clock, lambda: None)
    except GatehouseError as error:
        return Finding("ffmpeg", "note", error.message)
    return Finding("ffmpeg", "ok", f"{found.path}, version {found.version}, encodes by {found.encoder}")


def _is_running(settings: Settings) -> str:
    data = settings.values.data_dir.absolute()
    if not (data / "gatehouse.lock").exists():
        return ""
    try:
        DataLock(data).release()
    except GatehouseError as error:
        return error.message
    return ""


def _room(settings: Settings) -> str:
    check_room(settings)
    root = settings.storage_root or settings.values.data_dir.absolute()
    while not root.exists():
        root = root.parent
    usage = shutil.disk_usage(root)
    return f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB are free"


def _writable(settings: Settings) -> str:
    data = settings.values.data_dir.absolute()
    made = not data.exists()
    LocalStore(data).probe()
    store = open_store(settings)
    try:
        store.probe()
    finally:
        store.close()
    if made:
        data.rmdir()
    return str(data)


def _port(settings: Settings) -> str:
    api = settings.values.api
    find_port(api.host, api.port)
    return f"{api.port} on {api.host} is free"


def _database(settings: Settings) -> str:
    if not settings.values.database_url and not (settings.values.data_dir.absolute() / "gatehouse.db").exists():
        return "none yet; it is made at the first start"
    db = Database(settings.database_url)
    try:
        has, newest = db.current(), db.newest()
    finally:
        db.close()
    return f"schema {has}" if has == newest else f"schema {has}, upgraded to {newest} at the next start"


def _cameras(settings: Settings, clock: Clock) -> Iterator[Finding]:
    if not (settings.values.data_dir.absolute() / "gatehouse.db").exists() and not settings.values.database_url:
        return
    db = open_index(settings)
    try:
        found = CameraRepository(db).list()
    except GatehouseError as error:
        yield Finding("cameras", "wrong", mask(error.message))
        return
    finally:
        db.close()
    for camera in found:
        register_camera_url(camera.url)
        if camera.enabled:
            yield _ask(f"camera {camera.id}", partial(_look, camera.url, clock))


def _look(url: str, clock: Clock) -> str:
    seen = probe(url, clock, 1.5)
    return f"{seen.video_codec} {seen.width}x{seen.height}, {seen.measured_fps:.3g} fps"
