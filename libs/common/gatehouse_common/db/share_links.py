"""Links by which footage is shown to somebody without an account. What is kept of one is its fingerprint."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

from sqlalchemy import insert, select, update

from gatehouse_common.accounts import fingerprint, new_session_id
from gatehouse_common.errors import ChangedSince, Conflict, Gone, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval

from .account_models import UserRow
from .contention import retried
from .engine import Database
from .share_models import ShareLinkRow
from .user_lock import lock_user
from .visible import Visible, seen

_MOST_NOTE = 300


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A range of a camera that whoever has the link may see for a while; times are microseconds UTC.

    Attributes:
        id: what it is called in lists.
        user: id of who gave it out; it ends with them.
        camera: slug.
        start_us: the first instant that it shows.
        end_us: the first that it does not.
        download: whether the footage may be saved, or played alone.
        note: what it is for.
        created_us: when it was made.
        expires_us: when it ends by itself.
        opened: how often its page was opened.
        opened_us: when last; None: never.
        revoked_us: when it was revoked; None: it was not.
    """

    id: str
    user: str
    camera: str
    start_us: int
    end_us: int
    download: bool
    note: str
    created_us: int
    expires_us: int
    opened: int
    opened_us: int | None
    revoked_us: int | None

    @property
    def tag(self) -> str:
        """What it is called as it is: another text once it is revoked."""
        return f"{self.id}-{self.revoked_us or 0}"


_LINK = [getattr(ShareLinkRow, f.name) for f in fields(ShareLink)]


class ShareLinks:
    """Makes, finds and revokes links."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def make(
        self, user_id: str, camera: str, span: Interval, now_us: int, expires_us: int, *, download: bool, note: str
    ) -> tuple[ShareLink, str]:
        """Make a link; return it, and its secret, which can be seen this once.

        Raises:
            NotFound: there is no such user.
            Conflict: the user is not active.
        """
        secret = new_session_id()
        link = ShareLink(
            new_id(),
            user_id,
            camera,
            span.start,
            span.end,
            download,
            note.strip()[:_MOST_NOTE],
            now_us,
            expires_us,
            0,
            None,
            None,
        )
        with self._db.begin() as c:
            user = lock_user(c, user_id)
            if user is None or user.state == "removed":
                raise NotFound(f"there is no user {user_id[:64]!r}")
            if not user.is_active:
                raise Conflict(f"user {user.name!r} is {user.state}: only who is active can give out a link.")
            values = {f.name: getattr(link, f.name) for f in fields(ShareLink)}
            c.execute(insert(ShareLinkRow).values(digest=fingerprint(secret), **values))
        return link, secret

    def find(self, secret: str, now_us: int) -> ShareLink:
        """Return the link of a secret.

        Raises:
            NotFound: there is none.
            Gone: it has ended: by its time, by hand, or with who gave it out.
        """
        query = select(UserRow.state, *_LINK).join(UserRow, UserRow.id == ShareLinkRow.user)
        with self._db.look() as c:
            row = c.execute(query.where(ShareLinkRow.digest == fingerprint(secret))).first()
        if row is None:
            raise NotFound("there is no such link.")
        state, *values = row
        link = ShareLink(*values)
        if link.revoked_us is not None or link.expires_us <= now_us or state != "active":
            raise Gone("this link has ended: ask whoever gave it to you for another.")
        return link

    @retried
    def note_opened(self, link_id: str, now_us: int) -> None:
        """Note that the page of a link was opened."""
        with self._db.begin() as c:
            opened = {"opened": ShareLinkRow.opened + 1, "opened_us": now_us}
            c.execute(update(ShareLinkRow).where(ShareLinkRow.id == link_id).values(opened))

    def list(self, user_id: str | None = None, visible: Visible | None = None) -> list[ShareLink]:
        """Return the links of a user, or of all, the newest first; those too that have ended.

        Only those to cameras that are ``visible``.
        """
        query = (
            select(*_LINK)
            .where(*seen(visible, ShareLinkRow.camera))
            .order_by(ShareLinkRow.created_us.desc(), ShareLinkRow.id)
        )
        with self._db.look() as c:
            rows = c.execute(query if user_id is None else query.where(ShareLinkRow.user == user_id))
            return [ShareLink(*row) for row in rows]

    @retried
    def revoke(
        self,
        link_id: str,
        now_us: int,
        user_id: str | None = None,
        visible: Visible | None = None,
        *,
        tags: Collection[str] | None = None,
    ) -> ShareLink:
        """Revoke a link, of a user if one is named; again changes nothing. With ``tags`` only if its is one of these.

        Raises:
            NotFound: there is no such link, or it is another's, or to a camera that is not ``visible``.
            ChangedSince: it has another tag by now.
        """
        mine = [
            ShareLinkRow.id == link_id,
            *seen(visible, ShareLinkRow.camera),
            *([ShareLinkRow.user == user_id] if user_id is not None else []),
        ]
        with self._db.begin() as c:
            before = c.execute(select(*_LINK).where(*mine).with_for_update()).first()
            if before is not None and tags is not None and ShareLink(*before).tag not in tags:
                raise ChangedSince("the link was revoked since you looked at it.")
            c.execute(update(ShareLinkRow).where(*mine, ShareLinkRow.revoked_us.is_(None)).values(revoked_us=now_us))
            row = c.execute(select(*_LINK).where(*mine)).first()
        if row is None:
            raise NotFound(f"there is no link {link_id[:64]!r}")
        return ShareLink(*row)
