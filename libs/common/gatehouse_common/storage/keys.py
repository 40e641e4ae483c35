"""The one place that spells object keys. All are relative to the root of the store, or to the data directory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import SLUG
from gatehouse_common.settings.session_path import DEFAULT_SESSION_PATH
from gatehouse_common.timefmt import compact, parse, to_datetime

SPOOL = "spool/"
RECORDINGS = "recordings/"
RECORDING_INDEX = "recordings/recording_index.json"
QUARANTINE = "quarantine/"
CLIPS = "clips/"
VIDEOS = "videos/"
PLATES = "plates/"
SESSIONS = "sessions/"
INCOMING = "incoming/"
UPLOADS = "uploads/"
DESCRIPTION = "about.json"
"""What is known of a medium, beside its files in ``uploads/``."""
STORE_SIGN = "gatehouse-store.json"
"""Tells whose store it is: a disk that is not mounted has none."""
HOLDS = "holds.json"
"""What nobody is to delete: with an index that is lost, nobody would know."""
TRASH = "trash.json"
"""Which files of sessions are in the trash: with an index that is lost, nobody would know."""

_SPOOL_KEY = re.compile(rf"spool/(?P<camera>{SLUG.pattern})/(?P<run>[0-9a-f-]{{36}})/(?P<start>\d{{1,18}})\.mp4")
_RECORDING_KEY = re.compile(
    r"recordings/(?P<camera>[a-z0-9_-]+)/\d{4}-\d\d-\d\d/recording_(?P<start>\d{8}_\d{6})(?:_(?P<attempt>\d+))?\.mp4"
)
_SESSION_KEY = re.compile(r"sessions/(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(?:mp4|webm)")
_MEDIA_FOLDER = re.compile(r"uploads/[a-z0-9_-]{1,40}\.(?:0|[1-9]\d{0,9})/(?P<number>[1-9]\d{0,9})/")
_MOST_NUMBER = 2**31 - 2
_SEGMENT = re.compile(r"[^/\\\0]+")
_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class SpoolName:
    """What the key of a spool file says."""

    camera: str
    run: str
    start_us: int


@dataclass(frozen=True, slots=True)
class RecordingName:
    """What the key of a stored chunk says; ``start_us`` is cut to whole seconds, as the name is."""

    camera: str
    start_us: int
    attempt: int


def validate(key: str) -> str:
    """Return ``key`` if it stays below its root whatever joins it to one.

    Raises:
        InvalidInput: it is empty, absolute, climbs, contains a NUL or a backslash, is longer than 255 bytes, or is no
            Unicode: so the name of a file is given that is not in UTF-8.
    """
    if not is_valid(key):
        raise InvalidInput(f"object key {key[:80]!a} is not valid")
    return key


def is_valid(key: str) -> bool:
    """Return whether ``key`` can be one, see ``validate``."""
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        return False
    return length <= _LONGEST_KEY and all(_SEGMENT.fullmatch(s) and s not in {".", ".."} for s in key.split("/"))


def spool(camera: str, run: str, start_us: int) -> str:
    """Key of an open chunk: ``spool/{camera}/{run}/{start}.mp4``."""
    return f"{SPOOL}{camera}/{run}/{start_us}.mp4"


def parse_spool(key: str) -> SpoolName | None:
    """Return what a spool key says, or None if it is not one."""
    match = _SPOOL_KEY.fullmatch(key)
    return SpoolName(match["camera"], match["run"], int(match["start"])) if match else None


def recording(camera: str, start_us: int, tz: ZoneInfo, attempt: int = 1) -> str:
    """Key of a stored chunk: ``recordings/{camera}/{YYYY-MM-DD}/recording_{YYYYMMDD_HHMMSS}.mp4`` in ``tz``.

    Two chunks may begin in the same second, and a clock runs through one hour twice a year: the second such
    chunk is ``attempt`` 2 and gets ``_2``.
    """
    suffix = "" if attempt == 1 else f"_{attempt}"
    day = to_datetime(start_us, tz).date().isoformat()
    return f"{RECORDINGS}{camera}/{day}/recording_{compact(start_us, tz)}{suffix}.mp4"


def parse_recording(key: str, tz: ZoneInfo) -> RecordingName | None:
    """Return what the key of a stored chunk says, its time read in ``tz``; None if it is not one.

    In the hour that a clock runs through twice the name does not say which of the two it means: the earlier one
    is returned. The file itself knows exactly.
    """
    match = _RECORDING_KEY.fullmatch(key)
    if match is None:
        return None
    try:
        start_us = parse(match["start"], tz)
    except InvalidInput:  # digits that are no date, e.g. of a foreign file
        return None
    return RecordingName(match["camera"], start_us, int(match["attempt"] or 1))


def quarantine(name: str, now_us: int) -> str:
    """Key of something that could not be explained, kept for a person to look at."""
    return f"{QUARANTINE}{now_us}_{name.replace('/', '_')}"


def clip(digest: str, extension: str) -> str:
    """Key of a cached result, named by the digest of what it was made from."""
    return f"{CLIPS}{digest[:2]}/{digest}.{extension}"


def video(event: str, start_us: int, tz: ZoneInfo, attempt: int = 1) -> str:
    """Key of an event clip: ``videos/{YYYY-MM-DD}/{event}_{epoch}.mp4``, its day in ``tz``.

    The second clip of an event that begins in the same second is ``attempt`` 2 and gets ``_2``.
    """
    suffix = "" if attempt == 1 else f"_{attempt}"
    return f"{VIDEOS}{to_datetime(start_us, tz).date().isoformat()}/{event}_{start_us // 1_000_000}{suffix}.mp4"


def session(
    start_us: int,
    number: int,
    tz: ZoneInfo,
    attempt: int = 1,
    *,
    name: str = "",
    extension: Literal["mp4", "webm"] = "mp4",
    path: str = DEFAULT_SESSION_PATH,
    camera: str = "",
    user: int = 0,
    user_name: str = "",
) -> str:
    """Key of a session's file: ``sessions/{YYYY-MM-DD}/session_{YYYYMMDD_HHMMSS}_{number}.mp4``, its time in ``tz``.

    Wherever the template puts it, it is below ``sessions/``: with an index that is lost, the template is lost too.

    Args:
        start_us: where it should begin.
        number: of the file.
        tz: the site's zone.
        attempt: from the second on ``-2`` and so on is added: another process has taken the name.
        name: what the file is called instead.
        extension: by what is in it.
        path: a checked template, see ``settings.session_path``; ``{id}`` is the name, or ``session_...``.
        camera: slug; empty: a browser's.
        user: number of whoever records.
        user_name: its name; of it only what is safe in a path is used.
    """
    time = compact(start_us, tz)
    named = {
        "date": to_datetime(start_us, tz).date().isoformat(),
        "time": time.rpartition("_")[2],
        "camera": camera or "browser",
        "user": _folder_of(user, user_name),
        "id": name or f"session_{time}_{number}",
    }
    suffix = "" if attempt == 1 else f"-{attempt}"
    return f"{SESSIONS}{path.format_map(named)}{suffix}.{extension}"


def is_session(key: str) -> bool:
    """Return whether a key is one that a file of a session may have."""
    return _SESSION_KEY.fullmatch(key) is not None


def incoming(upload: str, position: int, attempt: str) -> str:
    """Key of a piece of an upload: ``incoming/{upload}/{position}-{attempt}``.

    Args:
        upload: its id.
        position: of the piece, see ``UploadPieceRow``.
        attempt: an id of its own for each try: of two that store a piece at once, the row says which is the one.
    """
    return f"{INCOMING}{upload}/{position:015d}-{attempt}"


def media_folder(owner: int, owner_name: str, media: int) -> str:
    """Prefix of the keys of all files of a medium: ``uploads/{user}/{media}/``; what a client sent never climbs."""
    return f"{UPLOADS}{_folder_of(owner, owner_name)}/{media}/"


def media_description(folder: str) -> str:
    """Key of what is known of a medium, by the prefix of its keys."""
    return f"{folder}{DESCRIPTION}"


def media_folder_of(key: str) -> tuple[str, int] | None:
    """Return the prefix and the number of the medium whose file a key may be of; None: of none."""
    match = _MEDIA_FOLDER.match(key)
    if match is None or "/" in key[match.end() :] or int(match["number"]) > _MOST_NUMBER:
        return None
    return match[0], int(match["number"])


def parse_media_description(key: str) -> tuple[str, int] | None:
    """Return the prefix and the number of the medium that an object of a key describes; None: of none."""
    found = media_folder_of(key)
    return found if found is not None and key == media_description(found[0]) else None


def plate_picture(
    camera: str, event: str, read: str, start_us: int, tz: ZoneInfo, what: Literal["frame", "crop"]
) -> str:
    """Key of a picture of a plate event: ``plates/{camera}/{YYYY-MM-DD}/{event}_{read}_{frame|crop}.jpg``.

    Each read has keys of its own: objects are made once and never changed.
    """
    day = to_datetime(start_us, tz).date().isoformat()
    return f"{PLATES}{camera}/{day}/{event}_{read}_{what}.jpg"


def _folder_of(user: int, name: str) -> str:
    """Return how a user is called in a path: in lower case and with nothing but ``a-z 0-9 _ -``, such as ``ada.3``.

    The number keeps apart those who are written alike then.
    """
    safe = "".join(c for c in name.lower() if c.isascii() and (c.isalnum() or c in "_-"))[:40]
    return f"{safe or 'user'}.{user}"
