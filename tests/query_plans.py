"""How a database reads the tables of a query: by which index, and whether it sorts what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import event

from databases import mysql_database, mysql_url
from gatehouse_common.db import Database


@dataclass(frozen=True)
class Step:
    """How one table of a query is read."""

    table: str
    index: str
    sorts: bool
    """Whether the query sorts what it finds."""


@contextmanager
def index_url(kind: str, folders: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of an empty database, ``sqlite`` or ``mysql``: plans depend on what else is in a table."""
    if kind == "sqlite":
        yield f"sqlite:///{folders.mktemp('plans')}/index.db"
        return
    with mysql_database(mysql_url(lambda: folders.mktemp("mariadb"))) as url:
        yield url


def steps_of(db: Database, ask: Callable[[Database], object]) -> list[Step]:
    """Return what the database does for the queries that ``ask`` runs."""
    asked: list[tuple[str, Any]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    engines = {id(engine): engine for engine in (db.engine, db._lookups)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    try:
        ask(db)
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", hear)
    selects = [(statement, parameters) for statement, parameters in asked if statement.startswith("SELECT")]
    return [step for statement, parameters in selects for step in explain(db, statement, parameters)]


def explain(db: Database, statement: str, parameters: Any) -> list[Step]:
    with db.read() as connection:
        if connection.dialect.name == "sqlite":
            lines = [row.detail for row in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)]
            sorts = any("TEMP B-TREE FOR ORDER BY" in line or "FOR DISTINCT" in line for line in lines)
            reads = [[*line.split(" ", 2), line.partition("INDEX ")[2].split(" ")[0]] for line in lines if " " in line]
            return [
                Step(table, key, sorts)
                for how, table, *_, key in reads
                if how in {"SCAN", "SEARCH"} and table != "CONSTANT"
            ]
        rows = connection.exec_driver_sql("EXPLAIN " + statement, parameters).all()
        sorts = any("filesort" in (row.Extra or "") for row in rows)
        return [Step(row.table, row.key or "", sorts) for row in rows if row.table and row.type != "const"]
