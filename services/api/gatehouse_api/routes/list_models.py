"""Requests and answers about watch lists, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gatehouse_api.routes.models import Asked
from gatehouse_common.db import Listing, WatchEntry, WatchList, WatchMatch
from gatehouse_common.timefmt import rfc3339

Kind = Literal["deny", "watch", "allow"]
How = Literal["exact", "pattern", "fuzzy"]

_KIND = "`deny`: may not pass; `watch`: is to be noticed; `allow`: may pass"
_PLATE = "a plate, or a pattern: `*` is any text, `?` any character; separators and case do not matter"
_DISTANCE = "how many characters may be wrong, missing or too many; those that look alike (O and 0...) count as one"
_SCHEDULE = "when in a week, by the site's clocks: `Mon-Fri 08:00-18:00; Sat 22:00-02:00`; empty: always"
_FROM = "from when on it matches, RFC 3339; null: always has"
_TO = "before when it matches; null: for ever"
_HOW = "`fuzzy`: not to the letter, however close; never to be taken for the plate itself"
_ID = r"^[0-9a-f-]{1,36}$"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ListPath(BaseModel):
    """A watch list in the path."""

    watchlist: str = Field(max_length=64, pattern=_ID, description="id of the list")


class EntryPath(ListPath):
    """An entry of a watch list in the path."""

    entry: str = Field(max_length=64, pattern=_ID, description="id of the entry")


class EntriesQuery(Asked):
    """Which entries."""

    q: str = Field("", max_length=64, description="only those whose plate begins so")
    limit: int = Field(50, ge=1, le=500, description="so many at most, the newest first")
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")


class ImportQuery(Asked):
    """How to import."""

    replace: bool = Field(False, description="in place of the entries that the list has; else beside them")


class NewWatchList(_Body):
    """A list to make."""

    name: str = Field(max_length=400, description="what people call it, 1 to 100 characters")
    kind: Kind = Field(description=_KIND)
    note: str = Field("", max_length=4000, description="what people want to know of it")
    disabled: bool = Field(False, strict=True, description="whether nothing matches it for now")


class WatchListChange(_Body):
    """What to change of a list; what is not there stays."""

    name: str | None = Field(None, max_length=400)
    kind: Kind | None = None
    note: str | None = Field(None, max_length=4000)
    disabled: bool | None = Field(None, strict=True)


class WatchListView(BaseModel):
    """A list of plates."""

    id: str
    name: str
    kind: Kind = Field(description=_KIND)
    note: str
    disabled: bool = Field(description="whether nothing matches it for now")
    entries: int = Field(description="how many it has")
    created: str
    links: dict[str, str]


class WatchListList(BaseModel):
    """All lists, by kind and name: a hundred at most, on one page."""

    items: list[WatchListView]
    next_cursor: str | None = None


class NewEntry(_Body):
    """An entry to put on a list."""

    plate: str = Field(max_length=200, description=_PLATE)
    distance: int = Field(0, ge=0, le=2, strict=True, description=_DISTANCE)
    owner: str = Field("", max_length=800, description="whose car it is")
    note: str = Field("", max_length=4000, description="what people want to know of it")
    from_: str | None = Field(None, alias="from", max_length=64, description=_FROM)
    to: str | None = Field(None, max_length=64, description=_TO)
    schedule: str = Field("", max_length=500, description=_SCHEDULE)
    disabled: bool = Field(False, strict=True, description="whether it does not match for now")


class EntryChange(_Body):
    """What to change of an entry; what is not there stays, and null opens `from` and `to`."""

    plate: str | None = Field(None, max_length=200, description=_PLATE)
    distance: int | None = Field(None, ge=0, le=2, strict=True, description=_DISTANCE)
    owner: str | None = Field(None, max_length=800)
    note: str | None = Field(None, max_length=4000)
    from_: str | None = Field(None, alias="from", max_length=64, description=_FROM)
    to: str | None = Field(None, max_length=64, description=_TO)
    schedule: str | None = Field(None, max_length=500, description=_SCHEDULE)
    disabled: bool | None = Field(None, strict=True)


class EntryView(BaseModel):
    """A plate, or a pattern of plates, on a list."""

    id: str
    list: str = Field(description="id of its list")
    plate: str
    distance: int
    owner: str
    note: str
    from_: str | None = Field(serialization_alias="from", description=_FROM)
    to: str | None = Field(description=_TO)
    schedule: str = Field(description=_SCHEDULE)
    disabled: bool
    created: str
    etag: str = Field(description="for `If-Match` of a change")


class EntryList(BaseModel):
    """A page of entries, the newest first."""

    items: list[EntryView]
    next_cursor: str | None = None


class Imported(BaseModel):
    """What an import did."""

    imported: int = Field(description="entries that were put on the list")


class PlateTest(_Body):
    """A plate to try."""

    plate: str = Field(max_length=64, description="as it would be read")
    at: str | None = Field(None, max_length=64, description="when it would come, RFC 3339; null: now")


class MatchView(BaseModel):
    """An entry that a plate is compared with, and how that comes out."""

    list: str = Field(description="id of the list")
    name: str = Field(description="what the list is called")
    kind: Kind = Field(description=_KIND)
    entry: str = Field(description="id of the entry")
    plate: str = Field(description="what the entry says")
    match: How = Field(description=_HOW)
    distance: int = Field(description="0: to the letter; else characters wrong, missing or too many")
    owner: str
    note: str
    valid: bool = Field(description="whether it matches at that time; else it would, were it valid")


class PlateTested(BaseModel):
    """What a plate would match."""

    plate: str
    at: str
    matches: list[MatchView] = Field(description="who is denied first, of each kind the closest first")


class ListedView(BaseModel):
    """That a plate is on a list."""

    list: str = Field(description="id of the list; it may be gone")
    name: str = Field(description="what the list was called")
    kind: Kind = Field(description=_KIND)
    entry: str = Field(description="id of the entry; it may be gone")
    plate: str = Field(description="what the entry says")
    match: How = Field(description=_HOW)
    distance: int = Field(description="0: to the letter; else characters wrong, missing or too many")


def list_view(one: WatchList) -> WatchListView:
    """Return a list as answers show it."""
    base = f"/api/v1/watchlists/{one.id}"
    return WatchListView(
        id=one.id,
        name=one.name,
        kind=one.kind,
        note=one.note,
        disabled=one.disabled,
        entries=one.entries,
        created=rfc3339(one.created_us),
        links={"self": base, "entries": f"{base}/entries", "csv": f"{base}/entries.csv"},
    )


def entry_view(one: WatchEntry) -> EntryView:
    """Return an entry as answers show it."""
    return EntryView(
        id=one.id,
        list=one.list,
        plate=one.plate,
        distance=one.distance,
        owner=one.owner,
        note=one.note,
        from_=None if one.from_us is None else rfc3339(one.from_us),
        to=None if one.to_us is None else rfc3339(one.to_us),
        schedule=one.schedule,
        disabled=one.disabled,
        created=rfc3339(one.created_us),
        etag=f'"{one.tag}"',
    )


def match_view(one: WatchMatch, *, valid: bool) -> MatchView:
    """Return how a plate compares with an entry."""
    return MatchView(
        list=one.list.id,
        name=one.list.name,
        kind=one.list.kind,
        entry=one.entry.id,
        plate=one.entry.plate,
        match=one.how,
        distance=one.distance,
        owner=one.entry.owner,
        note=one.entry.note,
        valid=valid,
    )


def listed_view(one: Listing) -> ListedView:
    """Return that a plate is on a list as answers show it."""
    return ListedView(
        list=one.list,
        name=one.list_name,
        kind=one.kind,
        entry=one.entry,
        plate=one.plate,
        match=one.how,
        distance=one.distance,
    )
