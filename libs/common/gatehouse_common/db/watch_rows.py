"""Records of watch lists from rows, and the locks under which they change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, select, update

from gatehouse_common.errors import ChangedSince, NotFound

from .watch_models import PlateListingRow, WatchEntryRow, WatchListRow
from .watch_records import Listing, WatchEntry, WatchList

LIST: list[Any] = [getattr(WatchListRow, f.name) for f in fields(WatchList) if f.name != "entries"]
ENTRY: list[Any] = [getattr(WatchEntryRow, f.name) for f in fields(WatchEntry)]
LISTING: list[Any] = [getattr(PlateListingRow, f.name) for f in fields(Listing)]


def list_of(row: Row[Any], entries: int = 0) -> WatchList:
    """Return the record of a row of ``LIST``."""
    values: list[Any] = [*row, entries]
    return WatchList(*values)


def entry_of(row: Row[Any]) -> WatchEntry:
    """Return the record of a row of ``ENTRY``."""
    values: list[Any] = list(row)
    return WatchEntry(*values)


def listing_of(row: Row[Any]) -> Listing:
    """Return the record of a row of ``LISTING``."""
    values: list[Any] = list(row)
    return Listing(*values)


def lock_list(c: Connection, list_id: str, seen: Collection[str] | None = None) -> WatchList:
    """Return a list that nobody else changes, nor its entries, until the end of the transaction.

    Raises:
        NotFound: there is none of that id.
        ChangedSince: it has a tag that is not among those ``seen``.
    """
    row = c.execute(select(*LIST).where(WatchListRow.id == list_id).with_for_update()).first()
    if row is None:
        raise NotFound(f"there is no watch list {list_id[:64]!r}")
    found = list_of(row)
    if seen is not None and found.tag not in seen:
        raise ChangedSince(f"list {found.name!r} has been changed since you looked: look again.")
    return found


def note_change(c: Connection, list_id: str) -> None:
    """Note that entries of a list have changed: whoever matches plates reads it anew."""
    of = WatchListRow.id == list_id
    c.execute(update(WatchListRow).where(of).values(revision=WatchListRow.revision + 1))
