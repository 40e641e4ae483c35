"""From a text to look for to the texts that are there."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, select

from .plate_models import PlateEventRow, PlateEventTextRow, PlateTextRow, PlateTextSuffixRow
from .plate_records import Match
from .plate_texts import fold, longest_run, near

MOST_TEXTS: Final = 400
"""If more are found, so many events have one of them that looking for their texts is slower than looking at events."""

_LEAST_SUFFIX = 2
_AFTER = "~"  # sorts after all that a text has


def find_texts(c: Connection, sought: str, match: Match) -> list[str] | None:
    """Return the texts that are there and match, in no order; None: more than can be looked for one by one.

    Args:
        c: a connection.
        sought: what :func:`check_sought` let pass.
        match: how.
    """
    if match == "exact" or (match == "wildcard" and not set(sought) & {"*", "?"}):
        return [sought]
    if match == "fuzzy":
        return list(c.execute(select(PlateTextRow.text).where(PlateTextRow.folded.in_(near(fold(sought))))).scalars())
    found = set(c.execute(_candidates(_pattern(sought, match)).limit(MOST_TEXTS + 1)).scalars())
    return list(found) if len(found) <= MOST_TEXTS else None


def is_loose(sought: str, match: Match) -> bool:
    """Return whether nothing of a pattern is known that an index could find: all texts would have to be read."""
    return match == "wildcard" and not _head(sought) and len(longest_run(sought)) < _LEAST_SUFFIX


def is_like(sought: str, match: Match) -> ColumnElement[bool]:
    """Return the condition that a text of an event matches a prefix or a pattern."""
    return PlateEventTextRow.text.like(_like(_pattern(sought, match)))


def has_text(sought: str, match: Match) -> ColumnElement[bool]:
    """Return the condition that an event has a text that matches a prefix or a pattern.

    As a subquery of one value, which is asked for each event that is passed; others are turned into joins, and MariaDB
    begins those at the texts.
    """
    row = PlateEventTextRow
    of = (row.start_us == PlateEventRow.start_us, row.event == PlateEventRow.id)
    texts = select(row.event).where(*of, is_like(sought, match))
    return texts.limit(1).correlate(PlateEventRow).scalar_subquery().is_not(None)


def _head(pattern: str) -> str:
    return pattern.replace("?", "*").split("*", maxsplit=1)[0]


def _pattern(sought: str, match: Match) -> str:
    return sought + "*" if match == "prefix" else sought


def _like(pattern: str) -> str:
    return pattern.replace("*", "%").replace("?", "_")


def _candidates(pattern: str) -> Select[Any]:
    """Return the query of the texts of a pattern, by the longest part of it that is known to the letter."""
    head, run = _head(pattern), longest_run(pattern)
    text = PlateTextRow.text
    if len(run) > max(len(head), _LEAST_SUFFIX - 1):
        text = PlateTextSuffixRow.text
        part = PlateTextSuffixRow.suffix
        # A text that has the part several times has several such ends.
        chosen = select(text).distinct().where(part >= run, part < run + _AFTER)
    elif head:
        chosen = select(text).where(text >= head, text < head + _AFTER)
    else:
        chosen = select(text)
    return chosen if pattern == head + "*" else chosen.where(text.like(_like(pattern)))
