"""What the log shows of viewings, to whom, and how they are deleted."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import SessionFiles, SessionTrash, Viewing, ViewingQuery, Viewings
from gatehouse_common.errors import Conflict, Forbidden, NotFound
from gatehouse_common.timefmt import rfc3339, to_datetime

from .auth.caller import caller, sender
from .auth.deeds import deed_of
from .context import context
from .recorder_desk import MOST_NUMBER
from .session_views import FileView, clock_of, file_view, size_of


@dataclass(frozen=True, slots=True)
class LogView:
    """A viewing as the log shows it.

    Attributes:
        number: its number.
        user: who watched; empty: nobody had to be known.
        camera: slug.
        camera_name: as people call it.
        address: from where.
        began: when, in the site's zone.
        began_at: the same for machines, RFC 3339.
        ended: when it ended; empty: it goes on.
        length: ``m:ss``.
        size: what was sent.
        title: what people call it.
        note: what people say of it.
        tags: words that were given to it.
        files: what was recorded of it, as far as it is there for whoever asks.
        changeable: whether whoever asks may say what it was, and delete it.
    """

    number: int
    user: str
    camera: str
    camera_name: str
    address: str
    began: str
    began_at: str
    ended: str
    length: str
    size: str
    title: str
    note: str
    tags: list[str]
    files: list[FileView]
    changeable: bool

    @property
    def recording(self) -> str:
        """What there is of it: ``none``, or the state of its files."""
        states = [file.state for file in self.files]
        first = ("recording", "saving", "stored", "failed")
        return next((state for state in first if state in states), "none")


def sees_all() -> bool:
    """Return whether whoever asks sees what others watched."""
    return context().doorkeeper.is_open or caller().may(Scope.AUDIT_READ) or caller().may(Scope.RECORDS_ALL)


def visible_viewings() -> Viewings:
    """Return what finds viewings of the cameras that there are for whoever asks."""
    return Viewings(context().core.db, context().visible())


def log_query(user: str, camera: str, start_us: int | None, end_us: int | None) -> ViewingQuery | None:
    """Return the query of what was asked for; None: nothing can match, for there is no such user for who asks."""
    number = None if sees_all() else caller().number
    if user.strip():
        found = context().doorkeeper.users.named(user.strip()[:255])
        if found is None or number not in {None, found.number}:
            return None
        number = found.number
    return ViewingQuery(number, camera, start_us, end_us)


def find_viewing(number: int) -> Viewing:
    """Return a viewing that is there for whoever asks.

    Raises:
        NotFound: there is none of that number, it is another's, or of a camera that was not granted.
    """
    if not 0 < number <= MOST_NUMBER:
        raise NotFound("there is no such viewing")
    found = visible_viewings().get(number)
    if not sees_all() and found.user != caller().number:
        raise NotFound(f"there is no viewing {number}")
    return found


def refuse_others(viewing: Viewing) -> None:
    """Return if whoever asks may change a viewing.

    Raises:
        Forbidden: it is another's, and only an admin may change those.
    """
    if not _is_changeable(viewing):
        raise Forbidden("you can change what you watched yourself only.")


def log_views(viewings: list[Viewing], names: dict[str, str]) -> list[LogView]:
    """Return what the log shows of viewings.

    Args:
        viewings: which.
        names: what people call the cameras, by their ids.
    """
    now_us = context().core.clock.now_us()
    files = SessionFiles(context().core.db, context().visible(Permission.PLAYBACK))
    found = files.of_viewings({one.id for one in viewings}, now_us)
    return [
        _view(one, [file_view(file, names, now_us) for file in found.get(one.id, [])], names, now_us)
        for one in viewings
    ]


def delete_viewing(viewing: Viewing) -> None:
    """Put what was recorded of a viewing into the trash, then delete its row; that it was is in the audit log.

    Raises:
        Forbidden: it is another's.
        Conflict: it goes on, its file is still being saved, or is on hold.
    """
    ctx = context()
    refuse_others(viewing)
    if viewing.ended_us is None:
        raise Conflict("somebody is still watching: it can be deleted once that has ended.")
    files = SessionFiles(ctx.core.db).of_viewings({viewing.id}, ctx.core.clock.now_us()).get(viewing.id, [])
    if any(file.state == "planned" for file in files):
        raise Conflict("its recording is still being saved: try again in a moment.")
    stored = [file for file in files if file.state == "stored"]
    for file in stored:  # none of them goes if one has to stay
        SessionTrash(ctx.core.db).refuse_held(file.number, ctx.core.clock.now_us())
    for file in stored:
        ctx.recorder.delete(file.number, caller(), sender())
    detail = {"viewing": viewing.number, "user_name": viewing.user_name, "start": rfc3339(viewing.start_us)}
    deed = deed_of(caller(), sender(), "viewing.deleted", f"camera {viewing.camera}", detail)
    ctx.audit.write(deed, ctx.core.clock.now_us())
    Viewings(ctx.core.db).delete(viewing.number)


def _is_changeable(viewing: Viewing) -> bool:
    mine = viewing.user == caller().number and caller().may(Scope.RECORDS_OWN)
    return context().doorkeeper.is_open or mine or caller().may(Scope.FOOTAGE_DELETE)


def _view(one: Viewing, files: list[FileView], names: dict[str, str], now_us: int) -> LogView:
    zone = context().core.zone
    end_us = now_us if one.ended_us is None else one.ended_us
    return LogView(
        one.number,
        one.user_name,
        one.camera,
        names.get(one.camera) or one.camera,
        one.address,
        to_datetime(one.start_us, zone).strftime("%Y-%m-%d %H:%M:%S"),
        rfc3339(one.start_us, zone),
        "" if one.ended_us is None else to_datetime(one.ended_us, zone).strftime("%Y-%m-%d %H:%M:%S"),
        clock_of(max(0, end_us - one.start_us) // SECOND),
        size_of(one.bytes),
        one.title,
        one.note,
        [tag for tag in (part.strip() for part in one.tags.split(",")) if tag],
        files,
        _is_changeable(one),
    )
