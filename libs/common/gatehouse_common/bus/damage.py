"""A file of messages that is damaged: set aside, so that a new one can be begun."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

from gatehouse_common.errors import Unavailable

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


def open_or_begin_anew(path: Path | str, opened: Callable[[Path | str], _T]) -> _T:
    """Return what ``opened`` makes of a SQLite file, or of a new one if it is damaged; nothing is deleted.

    Recording must not wait for somebody to look at it. What its messages told of chunks is found again in their files.

    Raises:
        Unavailable: it cannot be opened for another reason: a full disk and a missing permission are no damage.
    """
    try:
        return opened(path)
    except Unavailable as error:
        cause = error.__cause__
        damaged = isinstance(cause, sqlite3.DatabaseError) and not isinstance(cause, sqlite3.OperationalError)
        if not isinstance(path, Path) or not damaged:
            raise
        aside = path.with_name(f"{path.name}.corrupt-{time.time_ns() // 1000}")
        path.rename(aside)
        for suffix in ("-wal", "-shm"):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + suffix))
        log.exception("a file of messages was damaged and has been moved aside", moved_to=str(aside))
        return opened(path)
