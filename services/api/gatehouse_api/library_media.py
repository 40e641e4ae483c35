"""The part of the library that shows media: which are asked for, a page of them, and what they are together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from flask import request

from gatehouse_common.accounts import Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Media, MediaTotals
from gatehouse_common.errors import InvalidInput

from .auth.caller import caller
from .context import context
from .media_views import KINDS, media_query, media_rows
from .routes.media_pages import FORMS
from .session_views import clock_of, size_of

_PAGE = 24
_FAR = 1_000_000


@dataclass
class LibraryMedia:
    """What the page of the library shows beside files of sessions.

    Attributes:
        with_media: whether media are asked for at all.
        with_sessions: whether files of sessions are.
        offset: so many media come before the first of this page.
        found: a page of media, and the first of the next.
        totals: of all that are asked for.
    """

    with_media: bool
    with_sessions: bool
    offset: int
    found: list[Media] = field(default_factory=list)
    totals: MediaTotals = field(default_factory=lambda: MediaTotals(0, 0, 0))

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> LibraryMedia:
        """Return what is to be shown by the filters of a page: media are of no camera, and only they have names."""
        of_sessions = asked["kind"] == "session" or bool(asked["camera"])
        of_media = asked["kind"] not in {"", "session"} or bool(asked["name"])
        offset = min(max(request.args.get("media", 0, type=int), 0), _FAR)
        return cls(not of_sessions, of_sessions or not of_media, offset)

    def look(self, asked: Mapping[str, str], start_us: int | None, end_us: int | None, *, trashed: bool) -> None:
        """Find a page of media.

        Raises:
            InvalidInput: there is no such kind.
        """
        if asked["kind"] and asked["kind"] not in KINDS:
            raise InvalidInput(f"a kind is one of {', '.join(KINDS)}", "kind")
        if not self.with_media:
            return
        query = media_query(asked["user"], asked["kind"], asked["name"], start_us, end_us, trashed=trashed)
        if query is not None:
            library = context().media.library(caller())
            self.found = library.find(query, _PAGE + 1, offset=self.offset)
            self.totals = library.totals(query)

    def values(self, kept: Mapping[str, str | int]) -> dict[str, object]:
        """Return what the template is told; ``kept`` are the filters, which links to other pages keep."""
        more, before = len(self.found) > _PAGE, self.offset > 0
        return {
            "with_media": self.with_media,
            "with_sessions": self.with_sessions,
            "kinds": KINDS,
            "forms": FORMS,
            "media": media_rows(self.found[:_PAGE]),
            "media_count": self.totals.count,
            "media_length": clock_of(round(self.totals.lasted_us / SECOND)),
            "media_size": size_of(self.totals.bytes),
            "may_hold": caller().may(Scope.HOLDS_WRITE),
            "held": _held(self.found[:_PAGE]),
            "may_upload": caller().may(Scope.UPLOADS_WRITE),
            "media_earlier": urlencode({**kept, "media": self.offset + _PAGE}) if more else None,
            "media_later": urlencode({**kept, "media": max(0, self.offset - _PAGE)}) if before else None,
        }


def _held(media: Sequence[Media]) -> dict[int, str]:
    """Return why media are on hold, by their numbers; to whoever places holds."""
    if not media or not caller().may(Scope.HOLDS_WRITE):
        return {}
    reasons = {hold.media: hold.reason for hold in context().holds.list(context().core.clock.now_us())}
    return {one.number: reasons[one.id] for one in media if one.id in reasons}
