"""The pictures of visits: the best crop, and the very frame that it was read on, in the store.

They are stored by a thread of their own: a store that is away must not keep anybody from hearing of a plate.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import structlog

from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.errors import Conflict, GatehouseError
from gatehouse_common.messages.plates import ReadFields, VisitFields
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

log = structlog.get_logger(__name__)

_WAITING = 64
_APART_US = 1 * SECOND
"""Of one visit a picture is stored so often; what is better still is stored when it ends."""
_RETRY_S = 5.0
_GIVEN_UP_US = 60 * MINUTE
_MOST_LATE = 200


@dataclass(frozen=True, slots=True)
class Shot:
    """A read, the JPEG that it was read on, and one of the plate alone."""

    read: ReadFields
    frame: bytes
    crop: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """Pictures in the store: of which read, and where."""

    read: ReadFields
    frame_key: str
    crop_key: str

    def named_in(self, visit: VisitFields) -> VisitFields:
        """Return a visit that names them."""
        return visit.model_copy(update={"best": self.read, "frame_key": self.frame_key, "crop_key": self.crop_key})


@dataclass(slots=True)
class _Album:
    """The pictures of one visit."""

    camera: str
    start_us: int
    wanted: Shot | None = None
    kept: Kept | None = None
    made: list[str] = field(default_factory=list)
    asked_us: int | None = None
    resumed: bool = False
    ending: bool = False
    tried: threading.Event = field(default_factory=threading.Event)
    ended_us: int = 0
    told: Kept | None = None
    visit: VisitFields | None = None


class Pictures:
    """Keeps the pictures of all visits of a detector. Safe for use by many threads.

    Args:
        core: what services are built from.
        late: called with a visit whose end was told without its pictures, or with others that are deleted since, once
            they are in the store after all.
    """

    def __init__(self, core: Core, late: Callable[[str, VisitFields], None]) -> None:
        self._core, self._told_late = core, late
        self._albums: dict[str, _Album] = {}
        self._late: dict[str, _Album] = {}
        self._lock = threading.Lock()
        self._jobs: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._away = False
        self._given_up = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="plate-pictures", daemon=True)
        self._thread.start()

    def offer(self, camera: str, event: str, start_us: int, shot: Shot) -> None:
        """Take the best pictures so far of a visit; returns at once."""
        with self._lock:
            album = self._albums.setdefault(event, _Album(camera, start_us))
            album.wanted = shot
            recent = album.asked_us is not None and abs(shot.read.time_us - album.asked_us) < _APART_US
            if recent:
                return
            album.asked_us = shot.read.time_us
            album.tried.clear()
        if not self._enqueue(event):
            album.tried.set()

    def resume(self, camera: str, event: str, start_us: int, kept: Kept | None) -> None:
        """Go on with the pictures of a visit that another process began."""
        with self._lock:
            self._albums.setdefault(event, _Album(camera, start_us, kept=kept, resumed=True))

    def kept(self, event: str, timeout_s: float) -> Kept | None:
        """Return what is in the store of a visit; what was offered is waited for, unless the store is away."""
        album = self._albums.get(event)
        if album is None:
            return None
        if album.asked_us is not None and not self._away:
            album.tried.wait(timeout_s)
        return album.kept

    def end(self, visit: VisitFields, timeout_s: float) -> Kept | None:
        """Store the best pictures of a visit that has ended, delete the others; return what is in the store by then."""
        with self._lock:
            album = self._albums.get(visit.event)
            if album is None:
                return None
            album.ending, album.visit, album.ended_us = True, visit, self._core.clock.monotonic_us()
            album.tried.clear()
        if self._enqueue(visit.event) and not self._away:
            album.tried.wait(timeout_s)
        with self._lock:
            self._albums.pop(visit.event, None)
            if album.wanted is None and not album.made:
                return album.kept
            album.told = album.kept
            self._late[visit.event] = album  # not all is done yet
            if len(self._late) > _MOST_LATE:
                log.error("pictures of a visit are given up: the store has been away too long", camera=album.camera)
                del self._late[next(iter(self._late))]
            return album.kept

    def forget(self, event: str) -> None:
        """Let another process go on with the pictures of a visit."""
        with self._lock:
            self._albums.pop(event, None)

    def close(self) -> None:
        """End; what waits is given up."""
        self._closing.set()
        try:
            self._jobs.put_nowait(None)
        except queue.Full:
            log.warning("pictures of plates were not stored before the end", count=self._jobs.qsize())
        self._thread.join(_RETRY_S)

    def _enqueue(self, event: str) -> bool:
        try:
            self._jobs.put_nowait(event)
        except queue.Full:  # they are offered again when the visit ends
            log.debug("the store is slower than plates come", camera=self._albums[event].camera)
            return False
        return True

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                event = self._jobs.get(timeout=_RETRY_S)
            except queue.Empty:
                self._work_late()
                continue
            if event is None:
                return
            with self._lock:
                album, late = self._albums.get(event), self._late.get(event)
            if album is not None:
                self._do(event, album)
            elif late is not None:
                self._do_late(event, late)
            if self._late and self._jobs.empty():
                self._work_late()

    def _do(self, event: str, album: _Album) -> None:
        try:
            self._store(event, album)
            if album.ending:
                self._tidy(event, album)
            if self._away:
                log.info("pictures of plates are stored again", visits_given_up=self._given_up)
                self._given_up = 0
            self._away = False
        except GatehouseError as error:
            if not self._away:
                log.warning("pictures of plates cannot be stored", reason=error.message)
            self._away = True
        except Exception:  # what is wrong with one picture must not end the thread that stores all
            log.exception("a picture of a plate could not be stored", camera=album.camera)
            album.wanted = None
        finally:
            album.tried.set()

    def _store(self, event: str, album: _Album) -> None:
        shot = album.wanted
        if shot is None:
            return
        frame_key = self._put(self._key(event, album, shot.read.id, "frame"), shot.frame, album)
        crop_key = self._put(self._key(event, album, shot.read.id, "crop"), shot.crop, album)
        album.kept = Kept(shot.read, frame_key, crop_key)
        with self._lock:
            if album.wanted is shot:
                album.wanted = None

    def _put(self, key: str, data: bytes, album: _Album) -> str:
        """Store a picture and return its key; empty if there is nothing to store."""
        if not data:
            return ""
        try:
            self._core.store.put_bytes(key, data)
        except Conflict:  # the try before did store it, and its answer was lost
            log.debug("a picture is there already", key=key)
        album.made.append(key)
        return key

    def _tidy(self, event: str, album: _Album) -> None:
        """Delete the pictures of the visit that something better has taken the place of."""
        named = {album.kept.frame_key, album.kept.crop_key} if album.kept else set()
        if album.resumed:  # what the process before stored is known to the store alone
            prefix = self._key(event, album, "x", "frame").removesuffix("x_frame.jpg")
            album.made += [found.key for found in self._core.store.list(prefix)]
        for key in dict.fromkeys(album.made):
            if key not in named:
                self._core.store.delete(key)
        album.made.clear()

    def _key(self, event: str, album: _Album, read: str, what: Literal["frame", "crop"]) -> str:
        return keys.plate_picture(album.camera, event, read, album.start_us, self._core.zone, what)

    def _work_late(self) -> None:
        """Try again what could not be done when its visit ended."""
        with self._lock:
            late = list(self._late.items())
        for event, album in late:
            if self._closing.is_set():
                return
            self._do_late(event, album)
            if self._away:
                return

    def _do_late(self, event: str, album: _Album) -> None:
        """Do what is left of a visit that has ended; tell of its pictures if they are not those that were told."""
        self._do(event, album)
        done = album.wanted is None and not album.made
        if album.wanted is None and album.kept is not None and album.kept is not album.told and album.visit is not None:
            album.told = album.kept
            self._told_late(album.camera, album.kept.named_in(album.visit))
        given_up = not done and self._core.clock.monotonic_us() - album.ended_us > _GIVEN_UP_US
        if given_up:
            if not self._given_up:
                log.warning("pictures of visits are given up: the store has been away too long", camera=album.camera)
            self._given_up += 1
        if done or given_up:
            with self._lock:
                self._late.pop(event, None)
