"""Searching plates as people type them: exactly so first, then what begins so, then what is like it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatehouse_common.db import PlateEvent, PlateQuery, PlateReader
from gatehouse_common.db.plate_records import Match
from gatehouse_common.errors import InvalidInput

from .cursors import Key, read_cursor, write_cursor

_NOT_PLATE = re.compile(r"[^A-Z0-9]+")
_NOT_PATTERN = re.compile(r"[^A-Z0-9*?]+")
_WITH_WILDCARDS = frozenset({"auto", "wildcard"})
_LEAST_FUZZY = 4
"""Shorter texts are like almost everything."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A plate event, and how it was found; None: it was not looked for by its text."""

    event: PlateEvent
    match: Match | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what was found, and where the rest begins."""

    found: list[Found]
    next_cursor: str | None


def normalise(text: str, *, wildcards: bool = False) -> str:
    """Return a text as plates are kept: upper case, without accents and separators."""
    plain = unicodedata.normalize("NFKD", text).upper()
    return (_NOT_PATTERN if wildcards else _NOT_PLATE).sub("", plain)


def plate_text(text: str) -> str:
    """Return what a person says a plate is, as plates are kept.

    Raises:
        InvalidInput: it is nothing that a plate could say.
    """
    found = normalise(text)
    if not 1 <= len(found) <= 16:
        raise InvalidInput(f"{text[:40]!r} is no plate: 1 to 16 letters and digits make one.", "text")
    return found


def phases_of(text: str, match: str) -> tuple[str | None, list[Match]]:
    """Return what to look for, and how, one way after the other; None: for anything.

    Args:
        text: as it was typed.
        match: how; ``auto``: by what was typed.
    """
    pattern = normalise(text, wildcards=True)
    if match == "wildcard" or (match == "auto" and set(pattern) & {"*", "?"}):
        return (None, []) if not pattern or set(pattern) == {"*"} else (pattern, ["wildcard"])
    wanted = normalise(text)
    if not wanted:
        return None, []
    if match == "auto":
        return wanted, ["exact", "prefix", "fuzzy"] if len(wanted) >= _LEAST_FUZZY else ["exact", "prefix"]
    if match == "prefix":
        return wanted, ["prefix"]
    return wanted, ["fuzzy" if match == "fuzzy" else "exact"]


def search(reader: PlateReader, query: PlateQuery, match: str, typed: str, cursor: str | None) -> Page:
    """Return a page of what was typed.

    Args:
        reader: the index.
        query: everything but the text and the place to begin at.
        match: how to take what was typed.
        typed: it.
        cursor: of the page before this.

    Raises:
        InvalidInput: the cursor is none of ours.
    """
    text, kinds = phases_of(typed, match)
    phase, before = read_cursor(cursor, max(1, len(kinds)))
    if text is None and typed.strip() and not (match in _WITH_WILDCARDS and "*" in typed):
        return Page([], None)  # what was typed is on no plate: that is not the same as nothing typed
    wanted = replace(query, text=text)
    if not kinds:
        events = reader.search(replace(wanted, before=before, limit=query.limit + 1))
        return _page([Found(e, None) for e in events], query.limit, [0] * len(events), phase)
    found: list[Found] = []
    of_phase: list[int] = []
    while phase < len(kinds) and len(found) <= query.limit:
        limit = query.limit + 1 - len(found) if phase == 0 else _BATCH
        batch = reader.search(replace(wanted, match=kinds[phase], before=before, limit=limit))
        known = _found_before(reader, wanted, kinds[:phase], batch)
        fresh = [Found(e, kinds[phase]) for e in batch if e.id not in known]
        found += fresh
        of_phase += [phase] * len(fresh)
        if len(batch) < limit:
            phase, before = phase + 1, None
        else:
            before = (batch[-1].start_us, batch[-1].id)
    return _page(found, query.limit, of_phase, phase)


def _found_before(
    reader: PlateReader, wanted: PlateQuery, kinds: Sequence[Match], batch: Sequence[PlateEvent]
) -> set[str]:
    """Return the ids of what an earlier phase has found already: that has been on an earlier page."""
    if not batch or not kinds:
        return set()
    oldest, newest = batch[-1].start_us, batch[0].start_us
    near = replace(wanted, start_us=max(oldest, wanted.start_us or oldest), before=(newest + 1, ""), limit=_BATCH)
    return {event.id for kind in kinds for event in reader.search(replace(near, match=kind))}


def _page(found: list[Found], limit: int, of_phase: list[int], phase: int) -> Page:
    """Cut what was found to a page; what is over tells that there is another."""
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1].event
    after: Key | None = (last.start_us, last.id)
    begins = of_phase[limit - 1] if of_phase else phase
    if of_phase[limit] != begins:
        begins, after = of_phase[limit], None
    return Page(found[:limit], write_cursor(begins, after))
