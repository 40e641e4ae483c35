"""A hold as people ask for one, checked: over HTTP and by command alike."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from gatehouse_common.db import CameraRepository, ClipRepository, Database, FootageReader, Hold, MediaLibrary, Visible
from gatehouse_common.db.upkeep_models import FOREVER_US
from gatehouse_common.errors import Forbidden, InvalidInput, NotFound
from gatehouse_common.ids import new_id, parse_slug
from gatehouse_common.timefmt import parse, rfc3339

_LONGEST_REASON = 2000


def make_hold(
    db: Database,
    zone: ZoneInfo,
    now_us: int,
    *,
    camera: str | None = None,
    clip: str | None = None,
    media: str | None = None,
    start: str | None = None,
    end: str | None = None,
    reason: str,
    case_name: str = "",
    until: str | None = None,
    by: str = "",
    visible: Visible | None = None,
) -> Hold:
    """Return the hold that is asked for; it is not placed yet.

    Args:
        db: the index.
        zone: of times that have none.
        now_us: the time.
        camera: whose footage; None: of all cameras.
        clip: the clip, and nothing else.
        media: id of the medium, and nothing else; that it is there for who asks is known already.
        start: the first instant that is held.
        end: the first that is not; None: the hold goes on.
        reason: why, for people.
        case_name: what it belongs to.
        until: when it runs out by itself; None: never.
        by: who asks.
        visible: the cameras that there are for who asks, and from when on; None: all.

    Raises:
        Forbidden: it is of all cameras, and there are only some for who asks.
        InvalidInput: it is of nothing, of two things, over already, or without a reason.
        NotFound: there is no such camera, nor footage of it, or no such clip or medium.
    """
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"say why, in at most {_LONGEST_REASON} characters", "reason")
    until_us = parse(until, zone, "until") if until else None
    if until_us is not None and until_us <= now_us:
        raise InvalidInput(f"'until' ({rfc3339(until_us)}) is over already", "until")
    if media is not None:
        if camera is not None or start is not None or end is not None or clip is not None:
            raise InvalidInput("a hold is of a medium, or of footage, not of both", "media")
        span = MediaLibrary(db).span(media)
        start_us, end_us = span.start, span.end
    elif clip is not None:
        if camera is not None or start is not None or end is not None:
            raise InvalidInput("a hold is of a clip, or of a range of footage, not of both", "clip")
        of = ClipRepository(db, visible).get(clip)
        start_us, end_us = of.start_us, max(of.end_us, of.start_us + 1)
    else:
        if start is None:
            raise InvalidInput("say from when on footage is held, or which clip or medium is", "from")
        start_us, end_us = _span(start, end, zone)
        if camera is not None:
            _check_camera(db, parse_slug(camera, "camera"), visible)
            start_us = _visible_since(visible, camera, start_us, end_us)
        elif visible is not None:
            raise Forbidden("whoever sees only some of the cameras cannot hold the footage of all: name one.")
    return Hold(new_id(), camera, clip, start_us, end_us, reason, case_name, until_us, now_us, by, media=media)


def medium_to_hold(library: MediaLibrary, which: int | str | None, session: int | None) -> str | None:
    """Return the id of the medium that a hold is asked for, whatever its state; None: for none.

    Args:
        library: finds the media that there are for who asks.
        which: its number or its id.
        session: the number of the session that it was recorded for.

    Raises:
        InvalidInput: two are named.
        NotFound: there is none for who asks.
    """
    if session is not None:
        if which is not None:
            raise InvalidInput("a hold is of a medium, or of the recording of a session, not of both", "session")
        return library.of_session(session)
    return None if which is None else library.id_of(which)


def _span(start: str, end: str | None, zone: ZoneInfo) -> tuple[int, int]:
    start_us = parse(start, zone, "from")
    end_us = parse(end, zone, "to", fold=1) if end else FOREVER_US
    if end_us <= start_us:
        raise InvalidInput(f"'to' ({rfc3339(end_us)}) must be after 'from' ({rfc3339(start_us)}).", "to")
    return start_us, end_us


def _visible_since(visible: Visible | None, camera: str, start_us: int, end_us: int) -> int:
    """Return from when on a hold can be placed: what is too old to be looked at is not there to be held.

    Raises:
        NotFound: all of it is.
    """
    if visible is None:
        return start_us
    since_us = visible.since_us.get(camera, start_us)
    if end_us <= since_us:
        raise NotFound("nothing is recorded in that range")
    return max(start_us, since_us)


def _check_camera(db: Database, camera: str, visible: Visible | None) -> None:
    """Return if there is, or was, such a camera: a hold on a name that was mistyped would hold nothing."""
    known = {one.id for one in CameraRepository(db).list()}
    hidden = visible is not None and not visible.has(camera)
    if hidden or (camera not in known and camera not in FootageReader(db).cameras()):
        raise NotFound(f"there is no camera {camera!r}, nor footage of one")
