"""Waiting for the database: recording goes on without it, and whoever needs it says what is wrong."""

from __future__ import annotations

import threading

import structlog

from gatehouse_common.clock import Clock
from gatehouse_common.db import Database
from gatehouse_common.errors import GatehouseError

from .service import Check

log = structlog.get_logger(__name__)


def wait_for(db: Database, stop: threading.Event, clock: Clock) -> bool:
    """Bring the schema up to date, as often as it takes; return False when told to stop before."""
    pause = 0.2
    while not stop.is_set():
        try:
            db.upgrade()
        except GatehouseError as error:
            log.warning("the database does not answer; trying again", reason=error.message)
            if clock.wait(stop, pause):
                break
            pause = min(pause * 2, 10.0)
        else:
            return True
    return False


def check(db: Database) -> Check:
    """Return whether the database answers and has the schema that this program needs."""
    try:
        db.check()
    except GatehouseError as error:
        return Check("database", ok=False, detail=error.message)
    return Check("database", ok=True)
