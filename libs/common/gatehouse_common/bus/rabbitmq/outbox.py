"""Messages on their way to the broker, kept on this machine's disk until the broker has them.

One SQLite file, WAL mode, ``synchronous=NORMAL``: a killed process loses nothing. A power cut may lose the last
moments; what those messages told is found again in the chunk files.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatehouse_common.errors import Unavailable
from gatehouse_common.observability.metrics import BUS_OUTBOX, BUS_OUTBOX_REFUSED

MOST_MESSAGES = 200_000
MOST_BYTES = 256 << 20
_BUSY_S = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of publishing
    exchange TEXT NOT NULL,
    key TEXT NOT NULL,                     -- routing key
    headers TEXT NOT NULL,                 -- JSON object
    data BLOB NOT NULL                     -- the encoded message
);
"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that the broker has not confirmed yet."""

    id: int
    exchange: str
    key: str
    headers: dict[str, Any]
    data: bytes


class DiskOutbox:
    """Messages in order of publishing. Safe for use by many threads.

    Args:
        path: the file.
        most_messages: so many wait at most, and ``most_bytes`` bytes of them.

    Raises:
        Unavailable: from every method, when the file cannot be read or written.
    """

    def __init__(self, path: Path | str, most_messages: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_messages, most_bytes
        self._lock = threading.Lock()
        with self._translated():
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA journal_size_limit=4194304")
            self._db.executescript(_SCHEMA)
            found = self._db.execute("SELECT count(*), coalesce(sum(length(data)), 0) FROM outbox").fetchone()
        self._count, self._bytes = int(found[0]), int(found[1])
        BUS_OUTBOX.set(self._count)

    def add(self, exchange: str, key: str, data: bytes, headers: Mapping[str, Any] | None = None) -> int:
        """Append a message and return its number; numbers only grow.

        Raises:
            Unavailable: there are too many already: the broker has been away for too long.
        """
        with self._lock:
            if self._count >= self._most[0] or self._bytes + len(data) > self._most[1]:
                BUS_OUTBOX_REFUSED.inc()
                raise Unavailable(f"{self._count} messages wait for the broker, and that is the limit")
            with self._translated():
                values = (exchange, key, json.dumps(dict(headers or {})), data)
                row = self._db.execute("INSERT INTO outbox (exchange, key, headers, data) VALUES (?, ?, ?, ?)", values)
            self._count, self._bytes = self._count + 1, self._bytes + len(data)
            BUS_OUTBOX.set(self._count)
            return int(row.lastrowid or 0)

    def oldest(self, limit: int) -> list[Outgoing]:
        """Return the messages that were published first."""
        with self._lock, self._translated():
            rows = self._db.execute(
                "SELECT id, exchange, key, headers, data FROM outbox ORDER BY id LIMIT ?", (limit,)
            ).fetchall()
        return [Outgoing(i, exchange, key, json.loads(headers), data) for i, exchange, key, headers, data in rows]

    def done(self, sent: Sequence[Outgoing]) -> None:
        """Forget messages that the broker has confirmed."""
        if not sent:
            return
        with self._lock, self._translated():
            marks = ",".join("?" * len(sent))
            gone = self._db.execute(f"DELETE FROM outbox WHERE id IN ({marks})", [one.id for one in sent]).rowcount  # noqa: S608
            self._count -= gone
            self._bytes -= sum(len(one.data) for one in sent)
            BUS_OUTBOX.set(self._count)

    def __len__(self) -> int:
        """Return how many wait."""
        return self._count

    def close(self) -> None:
        """Close the file; what waits stays in it."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise Unavailable(f"the outbox cannot be used: {error}") from error
