"""What the janitor plans and deletes in an index of N cameras."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from gatehouse_common.clock import HOUR
from gatehouse_common.retention import look_ahead
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.testing.chunk_rows import seed_objects
from gatehouse_janitor.once import sweep_once

from .history import CHUNK_US
from .scale import Scale

FILE_BYTES, INDEX_BYTES = 4096, 20_000
_PLANS = 3


@dataclass(frozen=True, slots=True)
class Ageing:
    """Seconds of a plan of what goes next, and of an idle sweep; objects deleted, and in which time."""

    plan_s: float
    idle_s: float
    deleted: int
    sweep_s: float

    @property
    def rate(self) -> float:
        """Objects a second."""
        return self.deleted / self.sweep_s


def age(settings: dict[str, object], count: int, scale: Scale, start_us: int) -> Ageing:
    """Plan, delete what has come of age, and look once more when there is nothing to do.

    Raises:
        RuntimeError: something else went than what was to go.
    """
    due = scale.old * count
    core = Core.open(load(settings, config=None, environ={}))
    try:
        seed_objects(core.db, core.store, due, FILE_BYTES, INDEX_BYTES)
        _plan(core)
        plan_s = sorted(_plan(core) for _ in range(_PLANS))[_PLANS // 2]
        keep_us = core.clock.now_us() - start_us - scale.old * CHUNK_US - CHUNK_US // 2
    finally:
        core.close()
    core = Core.open(load({**settings, "retention.continuous_hours": keep_us / HOUR}, config=None, environ={}))
    try:
        deleted, sweep_s = _sweep(core)
        if deleted != due:
            raise RuntimeError(f"{deleted} objects went, not {due}")
        _, idle_s = _sweep(core)
    finally:
        core.close()
    return Ageing(plan_s, idle_s, deleted, sweep_s)


def _plan(core: Core) -> float:
    began = time.perf_counter()
    look_ahead(core.settings.values, core.db, core.store.capacity(), core.clock.now_us(), core.zone)
    return time.perf_counter() - began


def _sweep(core: Core) -> tuple[int, float]:
    began = time.perf_counter()
    freed, trouble = sweep_once(core, threading.Event())
    if trouble:
        raise RuntimeError(trouble)
    return freed.objects, time.perf_counter() - began
