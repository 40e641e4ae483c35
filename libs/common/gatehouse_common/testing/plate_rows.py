"""An index as a site has it after years: many plate events with their reads and texts, the same ones every time.

A tenth of the events are of regulars, who come again and again; others come once or a few times. A read is wrong as
reads are: a character is taken for one that looks like it, or for any other, or is missed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any, Final

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Database
from gatehouse_common.db.models import Base
from gatehouse_common.db.plate_models import (
    PlateEventRow,
    PlateEventTextRow,
    PlateReadRow,
    PlateTextRow,
    PlateTextSuffixRow,
)
from gatehouse_common.db.plate_texts import CONFUSED, fold, suffixes

READS_PER_EVENT: Final = 5
_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_SYNTAXES: Final = ("LLLDDDD", "DLLLDDD", "DDDLLL", "LLDDLLL", "LDDDLL", "LLDLLDDD", "LLLDLDD", "LLLDDDD")
_LIKE = {c: group.replace(c, "") for group in CONFUSED for c in group}
_ROWS_AT_ONCE = 5_000
_PAIRS = "[]"
_QUAD = "[[612.0, 402.0], [718.5, 399.0], [719.0, 431.5], [612.5, 434.0]]"
_AREA = "[0, 0, 1920, 1080]"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table: their columns and their values; JSON is text already."""

    table: type[Base]
    columns: tuple[str, ...]
    values: list[tuple[Any, ...]]


def seed_plates(db: Database, events: int, *, start_us: int, every_us: int, cameras: Sequence[str]) -> int:
    """Fill the index with plate events, five reads each; return when the last one began.

    Args:
        db: an index that is up to date and has no plates.
        events: how many.
        start_us: when the first one begins, microseconds UTC.
        every_us: time from one to the next on average.
        cameras: ids of the cameras, the first of which sees the most.
    """
    last_us = start_us
    for rows in plate_rows(events, start_us=start_us, every_us=every_us, cameras=cameras):
        if rows.table is PlateEventRow:
            last_us = rows.values[-1][rows.columns.index("start_us")]
        with db.begin() as connection:
            mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
            marks = ", ".join([mark] * len(rows.columns))
            names = ", ".join(f"`{name}`" for name in rows.columns)
            into = f"INSERT INTO {rows.table.__tablename__} ({names}) VALUES ({marks})"  # noqa: S608 - names of ours
            connection.exec_driver_sql(into, rows.values)
    return last_us


def plate_rows(events: int, *, start_us: int, every_us: int, cameras: Sequence[str]) -> Iterator[Rows]:
    """Yield the rows of so many plate events, table by table and piece by piece. See :func:`seed_plates`."""
    texts: set[str] = set()
    made = _visits(events, start_us, every_us, cameras)
    while batch := list(islice(made, _ROWS_AT_ONCE)):
        yield Rows(PlateEventRow, _EVENT, [visit.event for visit in batch])
        yield Rows(PlateReadRow, _READ, [read for visit in batch for read in visit.reads])
        found = [(visit.start_us, visit.id, text, visit.camera) for visit in batch for text in sorted(visit.texts)]
        yield Rows(PlateEventTextRow, ("start_us", "event", "text", "camera"), found)
        texts.update(text for visit in batch for text in visit.texts)
    kept = sorted(texts)
    for at in range(0, len(kept), _ROWS_AT_ONCE):
        part = kept[at : at + _ROWS_AT_ONCE]
        yield Rows(PlateTextRow, ("text", "folded"), [(text, fold(text)) for text in part])
    ends = sorted((suffix, text) for text in kept for suffix in suffixes(text))
    for at in range(0, len(ends), 4 * _ROWS_AT_ONCE):
        yield Rows(PlateTextSuffixRow, ("suffix", "text"), ends[at : at + 4 * _ROWS_AT_ONCE])


_EVENT = (
    *("id", "camera", "state", "start_us", "end_us", "lasted_us", "text", "voted_text", "confidence", "characters"),
    *("alternatives", "region", "pattern", "direction", "reads", "best_read", "best_us", "quad", "picture_width"),
    *(
        "picture_height",
        "area",
        "frame_key",
        "crop_key",
        "told_us",
        "rejected",
        "rejected_us",
        "rejected_by",
        "corrected_us",
    ),
    "corrected_by",
)
_READ = (
    *("id", "event", "camera", "time_us", "run", "pts", "text", "confidence", "threshold", "qualifies", "characters"),
    *("alternatives", "region", "pattern", "quad", "picture_width", "picture_height", "area"),
)


@dataclass(frozen=True, slots=True)
class _Visit:
    id: str
    camera: str
    start_us: int
    event: tuple[Any, ...]
    reads: list[tuple[Any, ...]]
    texts: set[str]


def _visits(events: int, start_us: int, every_us: int, cameras: Sequence[str]) -> Iterator[_Visit]:
    chance = random.Random(11)  # noqa: S311 - the same rows every time
    regulars = [_plate(chance) for _ in range(max(1, events // 500))]
    weights = list(accumulate(1 / (n + 1) for n in range(len(regulars))))
    others = [_plate(chance) for _ in range(max(1, events // 3))]
    busy = list(accumulate(1 / (n + 1) for n in range(len(cameras))))
    at_us = start_us
    for _ in range(events):
        at_us += round(chance.expovariate(1) * every_us) + 1
        regular = chance.random() < 0.1
        plate = chance.choices(regulars, cum_weights=weights)[0] if regular else chance.choice(others)
        yield _visit(chance, plate, at_us, chance.choices(cameras, cum_weights=busy)[0])


def _visit(chance: random.Random, plate: str, at_us: int, camera: str) -> _Visit:
    event, run = _id(chance, at_us), _id(chance, start_of_day(at_us))
    texts, reads = {plate}, []
    for n in range(READS_PER_EVENT):
        time_us = at_us + n * SECOND // 5
        text = _read(chance, plate)
        sure = min(1.0, chance.betavariate(5, 1.5))
        qualifies = n == 0 or sure > 0.5
        if qualifies:
            texts.add(text)
        said = (text, round(sure, 4), 0.5, qualifies, _shares(text), _PAIRS, "", "")
        reads.append((_id(chance, time_us), event, camera, time_us, run, n * 18_000, *said, _QUAD, 1920, 1080, _AREA))
    lasted_us = (READS_PER_EVENT - 1) * SECOND // 5
    if chance.random() < 0.01:  # one that parks
        lasted_us += round(chance.random() * 3600) * SECOND
    sure = round(min(1.0, chance.betavariate(8, 1.5)), 4)
    key = f"plates/{camera}/{event}"
    row = (
        *(event, camera, "closed", at_us, at_us + lasted_us, lasted_us, plate, plate, sure, _shares(plate), _PAIRS),
        *("", "", "left", READS_PER_EVENT, reads[0][0], at_us, _QUAD, 1920, 1080, _AREA, f"{key}_frame.jpg"),
        *(f"{key}_crop.jpg", at_us + lasted_us, chance.random() < 0.005, None, None, None, None),
    )
    return _Visit(event, camera, at_us, row, reads, texts)


def start_of_day(at_us: int) -> int:
    """Return midnight UTC before an instant."""
    return at_us - at_us % (86_400 * SECOND)


def _plate(chance: random.Random) -> str:
    syntax = chance.choice(_SYNTAXES)
    return "".join(chance.choice(_LETTERS if kind == "L" else _DIGITS) for kind in syntax)


def _read(chance: random.Random, plate: str) -> str:
    """Return a plate as it is read: right, mostly."""
    luck = chance.random()
    if luck < 0.85:
        return plate
    at = chance.randrange(len(plate))
    if luck < 0.95 and any(c in _LIKE for c in plate):
        at = chance.choice([i for i, c in enumerate(plate) if c in _LIKE])
        return plate[:at] + chance.choice(_LIKE[plate[at]]) + plate[at + 1 :]
    if luck < 0.98:
        return plate[:at] + chance.choice(_LETTERS + _DIGITS) + plate[at + 1 :]
    return plate[:at] + plate[at + 1 :]


def _shares(text: str) -> str:
    return "[" + ", ".join(["0.97"] * len(text)) + "]"


def _id(chance: random.Random, at_us: int) -> str:
    """Return a UUIDv7 of an instant."""
    bits = f"{chance.getrandbits(74):019x}"
    stamp = f"{at_us // 1000:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{bits[:3]}-a{bits[3:6]}-{bits[6:18]}"
