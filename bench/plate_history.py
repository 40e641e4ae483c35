"""A history in a database, of plates or of anything else, as fast as the database takes it in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import pymysql
from sqlalchemy.engine import make_url

from gatehouse_common.db import Database
from gatehouse_common.testing.plate_rows import Rows, plate_rows

_ANSWER_S = 600
"""A scan of all reads, which searches are compared with, takes long on a server with little memory."""


def load(url: str, folder: Path, events: int, *, start_us: int, every_us: int, cameras: Sequence[str]) -> Database:
    """Return a new index with so many plate events and five times as many reads."""
    db = Database(url, _ANSWER_S)
    db.upgrade()
    db.close()  # it opens again by itself
    fill(url, folder, plate_rows(events, start_us=start_us, every_us=every_us, cameras=cameras))
    return db


def fill(url: str, folder: Path, made: Iterable[Rows]) -> None:
    """Put rows into an index that is up to date.

    Args:
        url: the database, which nobody else has open.
        folder: where sheets of rows are written for a server to read.
        made: the rows, table by table and piece by piece; none of them is there yet.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with sqlite3.connect(str(parsed.database)) as file:
            _fill_file(file, made)
        file.close()
        return
    server = pymysql.connect(
        host=parsed.host,
        port=parsed.port or 3306,
        user=parsed.username,
        password=parsed.password or "",
        database=parsed.database,
        local_infile=True,
        autocommit=False,
    )
    with server, server.cursor() as cursor:
        cursor.execute("SET unique_checks=0, foreign_key_checks=0")
        for rows in made:
            sheet = folder / "rows.tsv"
            sheet.write_text("".join("\t".join(map(_cell, row)) + "\n" for row in rows.values))
            cursor.execute(f"LOAD DATA LOCAL INFILE '{sheet}' INTO TABLE {_into(rows)}".replace("(", " (", 1))
        server.commit()


def _fill_file(file: sqlite3.Connection, made: Iterable[Rows]) -> None:
    """Put rows into a file; indexes are made when all are there, which takes half the time."""
    file.execute("PRAGMA synchronous=OFF")
    file.execute("PRAGMA journal_mode=OFF")  # what breaks off here is begun anew
    file.execute("PRAGMA cache_size=-500000")
    dropped: dict[str, list[str]] = {}
    for rows in made:
        table = rows.table.__tablename__
        if table not in dropped:
            of_table = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?"
            indexes = file.execute(of_table, (table,)).fetchall()
            dropped[table] = [made_by for _, made_by in indexes]
            for name, _ in indexes:
                file.execute(f"DROP INDEX {name}")
        marks = ",".join("?" * len(rows.columns))
        file.executemany(f"INSERT INTO {_into(rows)} VALUES ({marks})", rows.values)
    for statements in dropped.values():
        for statement in statements:
            file.execute(statement)
    file.commit()
    file.execute("PRAGMA journal_mode=WAL")


def _into(rows: Rows) -> str:
    return f"{rows.table.__tablename__}({','.join(f'`{name}`' for name in rows.columns)})"


def _cell(value: object) -> str:
    if value is None:
        return "\\N"
    return str(int(value)) if isinstance(value, bool) else str(value)
