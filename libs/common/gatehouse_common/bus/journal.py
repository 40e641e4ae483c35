"""The journal of durable messages in SQLite: queues, deliveries and dead letters.

One file, WAL mode, ``synchronous=NORMAL``: a killed process loses nothing; a power cut may lose the last
moments of the journal, and what those messages told is found again in the chunk files at the next start.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
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
    attempts INTEGER NOT NULL DEFAULT 0    -- times it was handed out
);
CREATE INDEX IF NOT EXISTS waiting_in_order ON waiting (queue, id);
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    data BLOB NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    died_us INTEGER NOT NULL               -- microseconds UTC
);
"""
_BUSY_S = 5.0
"""How long a statement waits for another program that has locked the file, e.g. one that copies it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A journalled message that has just been taken by a consumer."""

    id: int
    data: bytes
    attempts: int


class Journal:
    """Durable queues in one SQLite database; every method is one transaction and safe for many threads.

    Which messages are in a consumer's hand is known in memory alone: it means nothing to another process, and giving
    one back must not fail.

    Args:
        path: the database file, or ``:memory:`` for a journal that dies with the process.

    Raises:
        Unavailable: from every method but ``give_back``, when the database cannot be read or written.
    """

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        self._in_hand: set[int] = set()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA journal_size_limit=4194304")
            self._db.executescript(SCHEMA)
            self._counted = Counter(dict(self._db.execute("SELECT queue, count(*) FROM waiting GROUP BY queue")))
        except sqlite3.Error as error:
            raise Unavailable(f"the message journal {path} cannot be opened: {error}") from error

    def add(self, queues: Iterable[str], data: bytes) -> None:
        """Append a message to each of ``queues``."""
        each = list(queues)
        with self._transaction() as db:
            db.executemany("INSERT INTO waiting (queue, data) VALUES (?, ?)", [(queue, data) for queue in each])
        self._count(each, 1)

    def take(self, queue: str) -> Waiting | None:
        """Return the oldest message of a queue that nobody has in hand, and count the attempt."""
        with self._lock, self._translated():
            rows = self._db.execute(
                "SELECT id, data, attempts + 1 FROM waiting WHERE queue = ? ORDER BY id LIMIT ?",
                (queue, len(self._in_hand) + 1),
            ).fetchall()
            if len(rows) <= len(self._in_hand):  # that is all; another program may have changed it
                self._counted[queue] = len(rows)
            free = next((Waiting(*row) for row in rows if row[0] not in self._in_hand), None)
            if free is not None:
                self._db.execute("UPDATE waiting SET attempts = ? WHERE id = ?", (free.attempts, free.id))
                self._in_hand.add(free.id)
            return free

    def done(self, message_id: int) -> None:
        """Forget a message whose effect is durable."""
        gone = self._all("DELETE FROM waiting WHERE id = ? RETURNING queue", (message_id,))
        self._count((queue for (queue,) in gone), -1)
        self.give_back(message_id)

    def give_back(self, message_id: int) -> None:
        """Let others take a message that was in hand: if it still waits, it is at the head of its queue."""
        with self._lock:
            self._in_hand.discard(message_id)

    def untried(self, message_id: int) -> None:
        """Give a message back that nobody has tried to handle after all."""
        self._all("UPDATE waiting SET attempts = attempts - 1 WHERE id = ?", (message_id,))
        self.give_back(message_id)

    def bury(self, message_id: int, reason: str, now_us: int) -> None:
        """Move a message to the dead letters."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO dead (queue, data, reason, attempts, died_us) "
                "SELECT queue, data, ?, attempts, ? FROM waiting WHERE id = ?",
                (reason, now_us, message_id),
            )
            gone = db.execute("DELETE FROM waiting WHERE id = ? RETURNING queue", (message_id,)).fetchall()
        self._count((queue for (queue,) in gone), -1)
        self.give_back(message_id)

    def counted(self, queue: str) -> int:
        """Return how many messages a queue holds, as far as is known here: at once, though the disk does not answer."""
        return max(0, self._counted[queue])

    def depth(self, queue: str | None = None) -> int:
        """Return how many messages a queue holds, those in hand included; all queues' if none is named."""
        if queue is None:
            return int(self._all("SELECT count(*) FROM waiting", ())[0][0])
        return int(self._all("SELECT count(*) FROM waiting WHERE queue = ?", (queue,))[0][0])

    def dead(self) -> list[DeadLetter]:
        """Return the dead letters, oldest first."""
        rows = self._all("SELECT id, queue, data, reason, attempts, died_us FROM dead ORDER BY id", ())
        return [DeadLetter(*row) for row in rows]

    def dead_count(self) -> int:
        """Return how many dead letters there are."""
        return int(self._all("SELECT count(*) FROM dead", ())[0][0])

    def replay(self, ids: Collection[int]) -> int:
        """Put dead letters back at the end of their queues."""
        moved: list[str] = []
        with self._transaction() as db:
            for one in ids:
                db.execute("INSERT INTO waiting (queue, data) SELECT queue, data FROM dead WHERE id = ?", (one,))
                moved += [queue for (queue,) in db.execute("DELETE FROM dead WHERE id = ? RETURNING queue", (one,))]
        self._count(moved, 1)
        return len(moved)

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

    def _count(self, queues: Iterable[str], change: int) -> None:
        with self._lock:
            for queue in queues:
                self._counted[queue] += change

    def _all(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock, self._translated():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise Unavailable(f"the message journal cannot be used: {error}") from error
