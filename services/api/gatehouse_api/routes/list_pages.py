"""The pages of watch lists: which there are, what is on one, and what a plate would match. They need no scripts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.cursors import read_cursor, write_cursor
from gatehouse_api.forms import led_to, page, seen, text, told
from gatehouse_api.list_csv import InvalidLines
from gatehouse_api.plate_search import normalise, plate_text
from gatehouse_api.routes.watch_lists import table
from gatehouse_common.accounts import Scope
from gatehouse_common.db import EntryFields, WatchEntry
from gatehouse_common.db.watch_records import KINDS, MOST_ENTRIES
from gatehouse_common.errors import GatehouseError, InvalidInput, NotFound
from gatehouse_common.timefmt import parse, to_datetime

pages = Blueprint("list_pages", __name__)

_PAGE = 50
_DONE = {
    "added": "The list has been made.",
    "changed": "The list has been changed.",
    "removed": "The list has been removed.",
    "entry-added": "The entry has been added.",
    "entry-changed": "The entry has been changed.",
    "entry-removed": "The entry has been taken off the list.",
    "imported": "The table has been imported.",
}


@pages.get("/lists")
@needs(Scope.PLATES_READ)
def get_lists() -> BaseResponse:
    """Return the lists there are, a form to make one, and what a plate would match that was typed."""
    return _lists()


@pages.post("/lists")
@needs(Scope.LISTS_WRITE)
def post_list() -> BaseResponse:
    """Make a list."""
    try:
        made = context().list_desk.add(
            caller(), sender(), name=text("name"), kind=text("kind"), note=text("note"), disabled=False
        )
    except GatehouseError as error:
        return _lists(error)
    return led_to(f"/lists/{made.id}?done=added")


@pages.get("/lists/<watchlist>")
@needs(Scope.PLATES_READ)
def get_list(watchlist: str) -> BaseResponse:
    """Return a list with what is on it, a page at a time, the newest first."""
    return _list(watchlist)


@pages.post("/lists/<watchlist>")
@needs(Scope.LISTS_WRITE)
def post_change(watchlist: str) -> BaseResponse:
    """Change a list."""
    values = {"name": text("name"), "kind": text("kind"), "note": text("note"), "disabled": "disabled" in request.form}
    try:
        context().list_desk.change(caller(), sender(), watchlist, seen=seen(), **values)
    except GatehouseError as error:
        return _list(watchlist, error, of="list")
    return led_to(f"/lists/{watchlist}?done=changed")


@pages.post("/lists/<watchlist>/remove")
@needs(Scope.LISTS_WRITE)
def post_removal(watchlist: str) -> BaseResponse:
    """Remove a list."""
    try:
        context().list_desk.remove(caller(), sender(), watchlist, seen=seen())
    except GatehouseError as error:
        return _list(watchlist, error)
    return led_to("/lists?done=removed")


@pages.post("/lists/<watchlist>/entries")
@needs(Scope.LISTS_WRITE)
def post_entry(watchlist: str) -> BaseResponse:
    """Put an entry on a list."""
    try:
        context().list_desk.add_entry(caller(), sender(), watchlist, EntryFields(**_written(None)))
    except GatehouseError as error:
        return _list(watchlist, error, of="new")
    return led_to(f"/lists/{watchlist}?done=entry-added")


@pages.post("/lists/<watchlist>/entries/<entry>")
@needs(Scope.LISTS_WRITE)
def post_entry_change(watchlist: str, entry: str) -> BaseResponse:
    """Change an entry."""
    desk = context().list_desk
    try:
        values = _written(desk.entries.get(watchlist, entry))
        desk.change_entry(caller(), sender(), watchlist, entry, seen=seen(), **values)
    except GatehouseError as error:
        return _list(watchlist, error, of=entry)
    return led_to(f"/lists/{watchlist}?{urlencode({**_looked_at(), 'done': 'entry-changed'})}")


@pages.post("/lists/<watchlist>/entries/<entry>/remove")
@needs(Scope.LISTS_WRITE)
def post_entry_removal(watchlist: str, entry: str) -> BaseResponse:
    """Take an entry off a list."""
    try:
        context().list_desk.remove_entry(caller(), sender(), watchlist, entry, seen=seen())
    except GatehouseError as error:
        return _list(watchlist, error)
    return led_to(f"/lists/{watchlist}?{urlencode({**_looked_at(), 'done': 'entry-removed'})}")


@pages.get("/lists/<watchlist>/entries.csv")
@needs(Scope.PLATES_READ)
def get_table(watchlist: str) -> BaseResponse:
    """Return what is on a list as a table."""
    return table(watchlist)


@pages.post("/lists/<watchlist>/import")
@needs(Scope.LISTS_WRITE)
def post_import(watchlist: str) -> BaseResponse:
    """Put a table of plates on a list."""
    file = request.files.get("table")
    try:
        if file is None or not file.filename:
            raise InvalidInput("choose a file first.", "table")
        instead = "replace" in request.form
        context().list_desk.import_entries(caller(), sender(), watchlist, file.read(), instead=instead)
    except GatehouseError as error:
        return _list(watchlist, error)
    return led_to(f"/lists/{watchlist}?done=imported")


def _lists(error: GatehouseError | None = None) -> Response:
    ctx = context()
    typed = request.args.get("plate", "")[:64]
    matches: list[dict[str, Any]] | None = None
    tried = ""
    try:
        if typed.strip():
            tried = plate_text(typed)
            found = ctx.listed.would_match(tried, ctx.core.clock.now_us())
            matches = [{"match": one, "valid": valid} for one, valid in found]
    except InvalidInput as refused:
        error = refused
    return page(
        "lists.html",
        200 if error is None else error.kind.status,
        problem=error and error.message,
        done=told(_DONE),
        lists=ctx.list_desk.lists.list(),
        kinds=KINDS,
        typed=typed,
        tried=tried,
        matches=matches,
        given=request.form if error is not None else {},
    )


def _list(list_id: str, error: GatehouseError | None = None, of: str = "") -> Response:
    """Return the page of a list.

    Args:
        list_id: which.
        error: why what was asked for was not done.
        of: where that was written: ``list``, ``new``, or the id of an entry; it is shown there as it was. An entry that
            is not on this page comes first; of one that is gone, what was written is shown as a new one.
    """
    desk = context().list_desk
    found = desk.lists.get(list_id)
    looked_at = _looked_at()
    begins = looked_at.get("q", "")
    _, before = read_cursor(looked_at.get("cursor"))
    entries = desk.entries.page(found.id, _PAGE + 1, before, normalise(begins, wildcards=True))
    shown = [_shown(one, request.form if of == one.id else None) for one in entries[:_PAGE]]
    if of not in {"", "list", "new"} and not any(one["refused"] for one in shown):
        try:
            shown.insert(0, _shown(desk.entries.get(found.id, of), request.form))
        except NotFound:
            of = "new"
    more = None
    if len(entries) > _PAGE:
        last = entries[_PAGE - 1]
        more = urlencode({"q": begins, "cursor": write_cursor(0, (last.created_us, last.id))})
    written = request.form if of == "list" else None
    return page(
        "list.html",
        200 if error is None else error.kind.status,
        problem=error and error.message,
        lines=error.errors if isinstance(error, InvalidLines) else [],
        done=told(_DONE),
        list=found,
        written=written,
        kinds=KINDS,
        entries=shown,
        new=_shown(None, request.form if of == "new" else None),
        begins=begins,
        looked_at=looked_at,
        older=before is not None,
        more=more,
        most=MOST_ENTRIES,
    )


def _looked_at() -> dict[str, str]:
    """Return which entries are looked at, by the address or by the form on that page: ``q`` and ``cursor``."""
    given = request.form if request.method == "POST" else request.args
    return {name: given[name][:most] for name, most in (("q", 64), ("cursor", 200)) if given.get(name)}


def _shown(one: WatchEntry | None, given: Any = None) -> dict[str, Any]:
    """Return an entry as its form shows it; what was written and refused stays as it was written."""
    if given is not None:
        names = ("plate", "owner", "note", "from", "to", "schedule")
        found: dict[str, Any] = {name: text(name) for name in names}
        found |= {"distance": text("distance"), "disabled": "disabled" in request.form}
    elif one is None:
        found = dict.fromkeys(("plate", "owner", "note", "from", "to", "schedule"), "")
        found |= {"distance": "0", "disabled": False}
    else:
        found = {"plate": one.plate, "owner": one.owner, "note": one.note, "schedule": one.schedule}
        found |= {"from": _moment(one.from_us), "to": _moment(one.to_us)}
        found |= {"distance": str(one.distance), "disabled": one.disabled}
    return {**found, "of": one, "refused": given is not None}


def _written(before: WatchEntry | None) -> dict[str, Any]:
    """Return what was written of an entry. A time that was not touched stays what it was, to the microsecond.

    Raises:
        InvalidInput: a number or a time cannot be read.
    """
    zone, distance = context().core.zone, text("distance").strip() or "0"
    if distance not in {"0", "1", "2"}:
        raise InvalidInput("a distance is 0, 1 or 2.", "distance")
    found: dict[str, Any] = {name: text(name) for name in ("plate", "owner", "note", "schedule")}
    found |= {"distance": int(distance), "disabled": "disabled" in request.form}
    for name, fold in (("from", 0), ("to", 1)):
        was = None if before is None else getattr(before, f"{name}_us")
        written = text(name).strip()
        same = written == _moment(was)
        found[f"{name}_us"] = was if same else parse(written, zone, name, fold=fold) if written else None
    return found


def _moment(us: int | None) -> str:
    """Return an instant as fields of forms have it, by the site's clocks; empty: none."""
    return "" if us is None else to_datetime(us, context().core.zone).strftime("%Y-%m-%dT%H:%M:%S")
