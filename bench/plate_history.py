"""A history of plates in a database, as fast as the database takes it in."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
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
    parsed = make_url(url)
    made = plate_rows(events, start_us=start_us, every_us=every_us, cameras=cameras)
    if parsed.get_backend_name() == "sqlite":
        with sqlite3.connect(str(parsed.database)) as file:
            file.execute("PRAGMA synchronous=OFF")
            file.execute("PRAGMA cache_size=-200000")
            for rows in made:
                marks = ",".join("?" * len(rows.columns))
                file.executemany(f"INSERT INTO {_into(rows)} VALUES ({marks})", rows.values)
            file.commit()
        file.close()
        return db
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
    return db


def _into(rows: Rows) -> str:
    return f"{rows.table.__tablename__}({','.join(f'`{name}`' for name in rows.columns)})"


def _cell(value: object) -> str:
    if value is None:
        return "\\N"
    return str(int(value)) if isinstance(value, bool) else str(value)
