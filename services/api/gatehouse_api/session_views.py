"""What pages show of recorder sessions and their files."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import OF_NO_CAMERA, FileQuery, SessionChunk, SessionFiles
from gatehouse_common.timefmt import rfc3339, to_datetime

from .auth.caller import caller
from .context import context

NO_USER = -1
"""The number of a user who is not there for who asks."""
IN_BROWSER = "browser"
"""What pages write in place of a camera."""
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True, slots=True)
class FileView:
    """A file as pages show it.

    Attributes:
        number: its number.
        name: of the file; while it is not stored, which of its session it is.
        user: who recorded.
        camera: slug.
        camera_name: as people call it.
        began: when, in the site's zone.
        began_at: the same for machines, RFC 3339.
        ended: when it ends, in the site's zone.
        length: ``m:ss``.
        size: with its unit; empty while there is no file.
        state: ``stored``, ``waiting``, ``recording``, ``saving``, ``failed``, ``trashed``.
        detail: why it failed, or has gaps; empty: nothing is wrong.
        picture: address of a small picture of its beginning; empty: there is none for who asks.
        link: address of its bytes; empty while there are none.
        share: how much of it is recorded, percent.
        deletable: whether whoever asks may delete it.
    """

    number: int
    name: str
    user: str
    camera: str
    camera_name: str
    began: str
    began_at: str
    ended: str
    length: str
    size: str
    state: str
    detail: str
    picture: str
    link: str
    share: int
    deletable: bool


def own_only() -> bool:
    """Return whether whoever asks sees no files but its own."""
    return not context().doorkeeper.is_open and not caller().may(Scope.RECORDS_ALL)


def asked_user(name: str) -> int | None:
    """Return the number of the user whose things are asked for.

    Args:
        name: of the user; empty: whoever asks, if it sees no others', else all.

    Returns:
        None: everybody's are; ``NO_USER``: there is no such user for who asks.
    """
    own = caller().number if own_only() else None
    if not name.strip():
        return own
    found = context().recorder.find(name.strip()[:255], caller())
    return NO_USER if found is None or own not in {None, found.number} else found.number


def visible_files() -> SessionFiles:
    """Return what finds files that are there for whoever asks; ``query_of`` says whose."""
    return SessionFiles(context().core.db, context().visible(Permission.PLAYBACK))


def query_of(
    user: str, camera: str, start_us: int | None, end_us: int | None, *, trashed: bool = False
) -> FileQuery | None:
    """Return the query of what was asked for; None: nothing can match, for there is no such user for who asks.

    Args:
        user: a name; empty: all there are for who asks.
        camera: its slug; empty: all.
        start_us: from when on.
        end_us: until when.
        trashed: those in the trash.
    """
    number = asked_user(user)
    return None if number == NO_USER else FileQuery(number, camera, start_us, end_us, trashed)


def file_view(one: SessionChunk, names: dict[str, str], now_us: int) -> FileView:
    """Return what is shown of a file.

    Args:
        one: the file.
        names: what people call the cameras, by their ids.
        now_us: the time.
    """
    zone, asks = context().core.zone, caller()
    length_us = max(0, one.end_us - one.start_us)
    state = state_of(one, now_us)
    of_camera = one.camera != OF_NO_CAMERA
    pictured = of_camera and asks.may(Scope.FOOTAGE_READ) and asks.sees(one.camera, Permission.PLAYBACK)
    at = rfc3339(one.start_us)
    return FileView(
        one.number,
        one.key.rpartition("/")[2] or f"file {one.position} of session {one.session}",
        one.user_name,
        one.camera,
        names.get(one.camera) or one.camera or IN_BROWSER,
        to_datetime(one.start_us, zone).strftime("%Y-%m-%d %H:%M:%S"),
        rfc3339(one.start_us, zone),
        to_datetime(one.end_us, zone).strftime("%Y-%m-%d %H:%M:%S"),
        clock_of(round(length_us / SECOND)),
        size_of(one.bytes) if one.bytes else "",
        state,
        one.detail,
        f"/api/v1/cameras/{one.camera}/thumbnail.jpg?at={at}&width=192" if pictured else "",
        f"/api/video/{one.number}/download" if state == "stored" and may_have(one.camera) else "",
        100 if state != "recording" or not length_us else round(100 * (now_us - one.start_us) / length_us),
        one.user == asks.number or context().doorkeeper.is_open or asks.may(Scope.FOOTAGE_DELETE),
    )


def may_have(camera: str) -> bool:
    """Return whether whoever asks may have files of a camera; which of them, the list says."""
    asks = caller()
    return (camera == OF_NO_CAMERA or asks.sees(camera, Permission.EXPORT)) and (
        asks.may(Scope.RECORDS_OWN) or asks.may(Scope.RECORDS_ALL)
    )


def state_of(one: SessionChunk, now_us: int) -> str:
    """Return what people call the state of a file: what is planned waits, is recorded, or is being saved."""
    if one.state != "planned":
        return one.state
    if now_us < one.wanted_start_us:
        return "waiting"
    return "recording" if now_us < one.wanted_end_us else "saving"


def clock_of(seconds: int) -> str:
    """Return a length as clocks show it: ``4:12``, ``1:04:12``."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size_of(size: int) -> str:
    """Return a size with its unit (powers of 1000)."""
    for factor, unit in _UNITS:
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def camera_names() -> dict[str, str]:
    """Return what people call the cameras that there are for whoever asks, by their ids."""
    return {camera.id: camera.name or camera.id for camera in context().cameras.list()}
