"""Reasons to delete nothing: the store is not the one that is known, the clock has jumped, or too much would go."""

from __future__ import annotations

import json

import structlog

from gatehouse_common.clock import HOUR, Clock
from gatehouse_common.db import Facts
from gatehouse_common.errors import Conflict, DataLoss, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

log = structlog.get_logger(__name__)

STORE_ID = "store.id"
MOST_SHARE = 0.5
FEW = 24
"""Of so few objects any share may go."""


class StoreGuard:
    """Knows the store by a small object in it: a disk that is not mounted, or a wrong bucket, has none, or another."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._facts = Facts(core.db)

    def check(self, *, adopt: bool = False) -> None:
        """Return if the store is the one whose objects the index tells of; the first time, it becomes that.

        Args:
            adopt: let it become that now, whatever it was.

        Raises:
            Conflict: it is another, or not there.
            GatehouseError: store or database do not answer.
        """
        core, known = self._core, self._facts.get(STORE_ID)
        found = self._read()
        if known is not None and found == known:
            return
        if known is not None and not adopt:
            what = "has no sign of this installation" if found is None else "belongs to another installation"
            raise Conflict(
                f"the store {what}: is its disk mounted, is it the right bucket? Nothing is deleted until it is there; "
                "if it is right as it is, tell so with `gatehouse retention run --adopt-store`."
            )
        now_us = core.clock.now_us()
        if adopt:
            self._facts.put(STORE_ID, found or new_id(), now_us)
        agreed = self._facts.first(STORE_ID, found or new_id(), now_us)
        if agreed != found:
            core.store.put_bytes(keys.STORE_SIGN, json.dumps({"store": agreed}).encode() + b"\n", overwrite=True)

    def _read(self) -> str | None:
        try:
            return str(json.loads(self._core.store.read(keys.STORE_SIGN))["store"])
        except NotFound:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise DataLoss(f"{keys.STORE_SIGN} in the store is damaged: {type(error).__name__}") from error


class ClockGuard:
    """Notices when the wall clock jumps: ages are not to be believed for an hour then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._now()
        self._until_us: int | None = None

    def trusted(self) -> bool:
        """Return whether ages may be believed; look at least every few minutes."""
        offset = self._now()
        if abs(offset - self._offset) > HOUR:
            log.warning("the clock has jumped: nothing is deleted for its age for an hour", by_us=offset - self._offset)
            self._until_us = self._clock.monotonic_us() + HOUR
        self._offset = offset
        if self._until_us is not None and self._clock.monotonic_us() >= self._until_us:
            self._until_us = None
        return self._until_us is None

    def _now(self) -> int:
        return self._clock.now_us() - self._clock.monotonic_us()


def refuse_too_much(kind: str, going: int, objects: int) -> str:
    """Return why objects of a class are not deleted in one run; empty: they may be.

    Args:
        kind: the class.
        going: how many would go.
        objects: how many there are.
    """
    if going <= FEW or going <= MOST_SHARE * objects:
        return ""
    return (
        f"{going} of {objects} objects of {kind} footage have come of age at once, more than half: is the clock right, "
        "are the settings? If so, `gatehouse retention run --force` deletes them."
    )
