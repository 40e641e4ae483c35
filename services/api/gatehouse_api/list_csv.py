"""Entries of watch lists as a table that people edit elsewhere: written, and read again with what is wrong in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from typing import Final
from zoneinfo import ZoneInfo

from gatehouse_common.db import EntryFields, WatchEntry
from gatehouse_common.db.watch_records import MOST_ENTRIES
from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import parse, rfc3339

from .csv_lines import line, plain

COLUMNS: Final = ("plate", "distance", "owner", "note", "from", "to", "schedule", "disabled")
_MOST_TOLD: Final = 20
_YES, _NO = frozenset({"true", "yes", "1", "x"}), frozenset({"false", "no", "0", ""})


class InvalidLines(InvalidInput):
    """Lines of a table cannot be taken.

    Args:
        errors: of each that is told: where (``line 3, column from``), and what is wrong.
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        where, what = errors[0]
        more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
        super().__init__(f"{where}: {what}{more} Nothing was imported.", where)
        self.errors = [{"pointer": where, "detail": what} for where, what in errors]


def write_entries(entries: Iterable[WatchEntry], zone: ZoneInfo) -> Iterator[str]:
    """Yield the lines of a table, its heading first; times are RFC 3339 in ``zone``."""
    yield line(COLUMNS)
    for one in entries:
        times = ("" if us is None else rfc3339(us, zone) for us in (one.from_us, one.to_us))
        yield line((one.plate, one.distance, one.owner, one.note, *times, one.schedule, "true" if one.disabled else ""))


def read_entries(data: bytes, zone: ZoneInfo, taken: Collection[str] = ()) -> list[EntryFields]:
    """Return the entries of a table: all of them are good.

    The first line names the columns, in any order; those that are not there are left as they are by default. Commas
    part them, or semicolons, as some spreadsheets write.

    Args:
        data: UTF-8.
        zone: that of times without an offset.
        taken: plates that are on the list already.

    Raises:
        InvalidLines: something is wrong; the first twenty of it are told.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise InvalidLines([(f"line {number}", "this is not UTF-8: save the table as UTF-8.")]) from error
    heading = text.partition("\n")[0]
    mark = ";" if heading.count(";") > heading.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    names: list[str] | None = None
    found: list[EntryFields] = []
    errors: list[tuple[str, str]] = []
    known = dict.fromkeys(taken, "is on this list already.")
    before = 0
    try:
        for cells in rows:
            number, before = before + 1, rows.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = _heading(cells, number)
                continue
            if len(found) >= MOST_ENTRIES:
                raise InvalidLines([(f"line {number}", f"a list has {MOST_ENTRIES} entries at most.")])
            one = _entry(cells, names, number, zone, errors)
            if one is not None:
                if one.plate in known:
                    errors.append((f"line {number}, column plate", f"{one.plate} {known[one.plate]}"))
                known[one.plate] = f"is in line {number} already."
                found.append(one)
            if len(errors) >= _MOST_TOLD:
                break
    except csv.Error as error:
        errors.append((f"line {before + 1}", f"this is no CSV: {error}."))
    if names is None and not errors:
        errors.append(("line 1", f"the table is empty: its first line names columns, such as {','.join(COLUMNS)}."))
    if errors:
        raise InvalidLines(errors)
    return found


def _heading(cells: list[str], number: int) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for at, name in enumerate(names):
        if name not in COLUMNS or name in names[:at]:
            what = "is named twice" if name in COLUMNS else "is none"
            raise InvalidLines([(f"line {number}, column {at + 1}", f"{name[:40]!r} {what}: {', '.join(COLUMNS)}.")])
    if "plate" not in names:
        raise InvalidLines([(f"line {number}", f"there is no column `plate`: name some of {', '.join(COLUMNS)}.")])
    return names


def _entry(
    cells: list[str], names: list[str], number: int, zone: ZoneInfo, errors: list[tuple[str, str]]
) -> EntryFields | None:
    """Return the entry of a line; None: something is wrong with it, and among the errors."""
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        errors.append((f"line {number}", f"it has {len(cells)} columns, the heading {len(names)}."))
        return None
    said = {name: plain(cell.strip()) for name, cell in zip(names, cells, strict=False)}
    try:
        return EntryFields(
            plate=said.get("plate", ""),
            distance=_distance(said.get("distance", "")),
            owner=said.get("owner", ""),
            note=said.get("note", ""),
            from_us=_time(said.get("from", ""), zone, "from"),
            to_us=_time(said.get("to", ""), zone, "to"),
            schedule=said.get("schedule", ""),
            disabled=_flag(said.get("disabled", "")),
        ).checked()
    except InvalidInput as error:
        errors.append((f"line {number}, column {error.field}", error.message))
        return None


def _distance(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 3):
        raise InvalidInput(f"{text[:40]!r} is no distance: 0, 1 or 2.", "distance")
    return int(text or 0)


def _time(text: str, zone: ZoneInfo, name: str) -> int | None:
    return parse(text, zone, name, fold=int(name == "to")) if text else None


def _flag(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise InvalidInput(f"{text[:40]!r} is neither true nor false.", "disabled")
    return text.lower() in _YES
