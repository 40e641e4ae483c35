"""``/api/v1/watchlists``: lists of plates that may pass, may not, or are to be noticed, and what is on them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request, stream_with_context
from flask_openapi3 import Tag
from pydantic import BaseModel

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.cursors import read_cursor, write_cursor
from gatehouse_api.idempotency import once
from gatehouse_api.list_csv import write_entries
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.plate_search import normalise, plate_text
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.routes.list_models import (
    EntriesQuery,
    EntryChange,
    EntryList,
    EntryPath,
    EntryView,
    Imported,
    ImportQuery,
    ListPath,
    NewEntry,
    NewWatchList,
    PlateTest,
    PlateTested,
    WatchListChange,
    WatchListList,
    WatchListView,
    entry_view,
    list_view,
    match_view,
)
from gatehouse_common.accounts import Scope
from gatehouse_common.db import EntryFields, WatchEntry, WatchList
from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import parse, rfc3339

api = Routes("watch_lists", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Watch lists")])

_CSV: dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None] = {200: {"content": {"text/csv": {}}}}


@api.get("/watchlists", responses={200: WatchListList}, summary="All watch lists")
@needs(Scope.PLATES_READ)
def get_lists() -> Response:
    """Return the lists by kind and name, with how many entries each has."""
    found = [list_view(one) for one in context().list_desk.lists.list()]
    return _private(jsonify(WatchListList(items=found).model_dump()))


@api.post("/watchlists", responses={201: WatchListView}, summary="Make a watch list")
@needs(Scope.LISTS_WRITE)
@once()
def add_list(body: NewWatchList) -> tuple[Response, int, dict[str, str]]:
    """Make a list with nothing on it. There are a hundred at most."""
    made = context().list_desk.add(caller(), sender(), **body.model_dump())
    return _answer(made), 201, {"Location": f"/api/v1/watchlists/{made.id}"}


@api.get("/watchlists/<watchlist>", responses={200: WatchListView}, summary="A watch list")
@needs(Scope.PLATES_READ)
def get_list(path: ListPath) -> Response:
    """Return a list. The `ETag` is for `If-Match` of a change."""
    return _answer(context().list_desk.lists.get(path.watchlist))


@api.patch("/watchlists/<watchlist>", responses={200: WatchListView}, summary="Change a watch list")
@needs(Scope.LISTS_WRITE)
@conditional
def change_list(path: ListPath, body: WatchListChange) -> Response:
    """Change what is given. Plates that come from then on are compared with it as it is.

    With `If-Match` only if nobody changed it since; else 412. Changes of its entries do not count.
    """
    values = {name: value for name, value in body.model_dump().items() if value is not None}
    if not values:
        raise InvalidInput("nothing to change is named.")
    return _answer(context().list_desk.change(caller(), sender(), path.watchlist, seen=seen_tags(), **values))


@api.delete("/watchlists/<watchlist>", responses={204: None}, summary="Remove a watch list and what is on it")
@needs(Scope.LISTS_WRITE)
@conditional
def remove_list(path: ListPath) -> tuple[str, int]:
    """Remove a list with its entries. What was told of it stays with the visits."""
    context().list_desk.remove(caller(), sender(), path.watchlist, seen=seen_tags())
    return "", 204


@api.post("/watchlists/test", responses={200: PlateTested}, summary="What a plate would match")
@needs(Scope.PLATES_READ)
def try_plate(body: PlateTest) -> Response:
    """Return the entries that a plate would match, why, and how far it is away. Nothing is told of it.

    Entries that are not valid at that time are there too, and say so; what is disabled is left out.
    """
    ctx = context()
    text = plate_text(body.plate)
    at_us = ctx.core.clock.now_us() if body.at is None else parse(body.at, ctx.core.zone, "at")
    found = [match_view(one, valid=valid) for one, valid in ctx.listed.would_match(text, at_us)]
    return _private(jsonify(PlateTested(plate=text, at=rfc3339(at_us), matches=found).model_dump()))


@api.get("/watchlists/<watchlist>/entries", responses={200: EntryList}, summary="What is on a watch list")
@needs(Scope.PLATES_READ)
def get_entries(path: ListPath, query: EntriesQuery) -> Response:
    """Return entries, the newest first."""
    desk = context().list_desk
    of = desk.lists.get(path.watchlist)
    _, before = read_cursor(query.cursor)
    found = desk.entries.page(of.id, query.limit + 1, before, normalise(query.q, wildcards=True))
    items = found[: query.limit]
    more = write_cursor(0, (items[-1].created_us, items[-1].id)) if len(found) > query.limit else None
    body = EntryList(items=[entry_view(one) for one in items], next_cursor=more)
    return _private(jsonify(body.model_dump(by_alias=True)))


@api.post("/watchlists/<watchlist>/entries", responses={201: EntryView}, summary="Put a plate on a watch list")
@needs(Scope.LISTS_WRITE)
@once()
def add_entry(path: ListPath, body: NewEntry) -> tuple[Response, int, dict[str, str]]:
    """Put a plate, or a pattern, on a list. Each is on it once, and ten thousand are at most."""
    fields = EntryFields(**_times(body.model_dump()))
    made = context().list_desk.add_entry(caller(), sender(), path.watchlist, fields)
    return _entry(made), 201, {"Location": f"/api/v1/watchlists/{made.list}/entries/{made.id}"}


@api.get("/watchlists/<watchlist>/entries/<entry>", responses={200: EntryView}, summary="An entry of a watch list")
@needs(Scope.PLATES_READ)
def get_entry(path: EntryPath) -> Response:
    """Return an entry. The `ETag` is for `If-Match` of a change."""
    return _entry(context().list_desk.entries.get(path.watchlist, path.entry))


@api.patch("/watchlists/<watchlist>/entries/<entry>", responses={200: EntryView}, summary="Change an entry")
@needs(Scope.LISTS_WRITE)
@conditional
def change_entry(path: EntryPath, body: EntryChange) -> Response:
    """Change what is given; `from` and `to` that are null are open then.

    With `If-Match` only if nobody changed it since; else 412.
    """
    given = body.model_dump(include=body.model_fields_set)
    values = _times({name: value for name, value in given.items() if value is not None or name in {"from_", "to"}})
    if not values:
        raise InvalidInput("nothing to change is named.")
    desk = context().list_desk
    return _entry(desk.change_entry(caller(), sender(), path.watchlist, path.entry, seen=seen_tags(), **values))


@api.delete("/watchlists/<watchlist>/entries/<entry>", responses={204: None}, summary="Take an entry off a list")
@needs(Scope.LISTS_WRITE)
@conditional
def remove_entry(path: EntryPath) -> tuple[str, int]:
    """Take an entry off a list. What was told of it stays with the visits."""
    context().list_desk.remove_entry(caller(), sender(), path.watchlist, path.entry, seen=seen_tags())
    return "", 204


@api.get("/watchlists/<watchlist>/entries.csv", responses=_CSV, summary="What is on a watch list, as a table")
@needs(Scope.PLATES_READ)
def get_table(path: ListPath) -> Response:
    """Return all entries as CSV, by their plates; it can be imported again."""
    return table(path.watchlist)


@api.post("/watchlists/<watchlist>/import", responses={200: Imported}, summary="Put a table of plates on a list")
@needs(Scope.LISTS_WRITE)
@once()
def import_entries(path: ListPath, query: ImportQuery) -> Response:
    """Put all entries of a table on a list, or, if anything is wrong with one, none: the errors say where.

    The table is CSV in UTF-8, of 1 MiB at most. Its first line names its columns: `plate`, and any of `distance`,
    `owner`, `note`, `from`, `to`, `schedule`, `disabled`.
    """
    data = request.get_data()
    count = context().list_desk.import_entries(caller(), sender(), path.watchlist, data, instead=query.replace)
    return _private(jsonify(Imported(imported=count).model_dump()))


def table(list_id: str) -> Response:
    """Return the entries of a list as a file.

    Raises:
        NotFound: there is no such list.
    """
    ctx = context()
    of = ctx.list_desk.lists.get(list_id)
    lines = write_entries(ctx.list_desk.entries.all(of.id), ctx.core.zone)
    answer = Response(stream_with_context(lines), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="watchlist-{of.id}.csv"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _times(values: dict[str, Any]) -> dict[str, Any]:
    """Return what was given of an entry as its fields are: times in microseconds."""
    zone = context().core.zone
    for name, field, fold in (("from_", "from_us", 0), ("to", "to_us", 1)):
        if name in values:
            text = values.pop(name)
            values[field] = parse(text, zone, name.rstrip("_"), fold=fold) if text else None
    return values


def _answer(one: WatchList) -> Response:
    answer = jsonify(list_view(one).model_dump())
    answer.set_etag(one.tag)
    return _private(answer)


def _entry(one: WatchEntry) -> Response:
    answer = jsonify(entry_view(one).model_dump(by_alias=True))
    answer.set_etag(one.tag)
    return _private(answer)


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
