"""The journal of durable messages in SQLite: queues, deliveries and dead letters.

One file, WAL mode, ``synchronous=NORMAL``: a killed process loses nothing; a power cut may lose the last
moments of the journal, and what those messages told is found again in the chunk files at the next start.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatehouse_common.errors import Unavailable

from .port import DeadLetter

SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of publishing
    queue TEXT NOT NULL,
    data BLOB NOT NULL,                    -- the encoded message
    attempts INTEGER NOT NULL DEFAULT 0,   -- times it was handed out
    taken INTEGER NOT NULL DEFAULT 0       -- 1 while in the hand of a consumer of this process
);
CREATE INDEX IF NOT EXISTS waiting_by_queue ON waiting (queue, taken, id);
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    data BLOB NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    died_us INTEGER NOT NULL               -- microseconds UTC
);
UPDATE waiting SET taken = 0;
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A journalled message that has just been taken by a consumer."""

    id: int
    data: bytes
    attempts: int


class Journal:
    """Durable queues in one SQLite database; every method is one transaction and safe for many threads.

    Args:
        path: the database file, or ``:memory:`` for a journal that dies with the process.

    Raises:
        Unavailable: from every method, when the database cannot be read or written.
    """

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA journal_size_limit=4194304")
            self._db.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise Unavailable(f"the message journal {path} cannot be opened: {error}") from error

    def add(self, queues: Iterable[str], data: bytes) -> None:
        """Append a message to each of ``queues``."""
        rows = [(queue, data) for queue in queues]
        self._many("INSERT INTO waiting (queue, data) VALUES (?, ?)", rows)

    def take(self, queue: str) -> Waiting | None:
        """Return the oldest message of a queue that nobody has in hand, and mark it taken."""
        rows = self._all(
            "UPDATE waiting SET taken = 1, attempts = attempts + 1 WHERE id = "
            "(SELECT id FROM waiting WHERE queue = ? AND taken = 0 ORDER BY id LIMIT 1) "
            "RETURNING id, data, attempts",
            (queue,),
        )
        return Waiting(*rows[0]) if rows else None

    def done(self, message_id: int) -> None:
        """Forget a message whose effect is durable."""
        self._all("DELETE FROM waiting WHERE id = ?", (message_id,))

    def release(self, message_id: int) -> None:
        """Give a message back to the head of its queue."""
        self._all("UPDATE waiting SET taken = 0 WHERE id = ?", (message_id,))

    def bury(self, message_id: int, reason: str, now_us: int) -> None:
        """Move a message to the dead letters."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute(
                    "INSERT INTO dead (queue, data, reason, attempts, died_us) "
                    "SELECT queue, data, ?, attempts, ? FROM waiting WHERE id = ?",
                    (reason, now_us, message_id),
                )
                self._db.execute("DELETE FROM waiting WHERE id = ?", (message_id,))
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise Unavailable(f"the message journal cannot be written: {error}") from error

    def depth(self, queue: str | None = None) -> int:
        """Return how many messages a queue holds, those in hand included; all queues' if none is named."""
        if queue is None:
            return int(self._all("SELECT count(*) FROM waiting", ())[0][0])
        return int(self._all("SELECT count(*) FROM waiting WHERE queue = ?", (queue,))[0][0])

    def dead(self, queue: str | None) -> list[DeadLetter]:
        """Return the dead letters, of one queue or of all, oldest first."""
        rows = self._all(
            "SELECT id, queue, data, reason, attempts, died_us FROM dead WHERE ? IS NULL OR queue = ? ORDER BY id",
            (queue, queue),
        )
        return [DeadLetter(*row) for row in rows]

    def replay(self, ids: Collection[int]) -> int:
        """Put dead letters back at the end of their queues."""
        with self._lock:
            moved = 0
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for one in ids:
                    moved += self._db.execute(
                        "INSERT INTO waiting (queue, data) SELECT queue, data FROM dead WHERE id = ?", (one,)
                    ).rowcount
                    self._db.execute("DELETE FROM dead WHERE id = ?", (one,))
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise Unavailable(f"the message journal cannot be written: {error}") from error
            return moved

    def drop(self, ids: Collection[int]) -> int:
        """Delete dead letters."""
        return sum(len(self._all("DELETE FROM dead WHERE id = ? RETURNING id", (one,))) for one in ids)

    def check(self) -> None:
        """Prove that the journal can be written."""
        self._all("DELETE FROM waiting WHERE id = -1", ())

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _all(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise Unavailable(f"the message journal cannot be used: {error}") from error

    def _many(self, sql: str, rows: list[tuple[str, bytes]]) -> None:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(sql, rows)
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise Unavailable(f"the message journal cannot be written: {error}") from error
