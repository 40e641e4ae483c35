"""What sharing the cameras costs recorders: each looks once a second who has which, twice whether one was changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from gatehouse_capture.roster import Roster
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import CameraRepository, Database, FootageReader, LeaseRepository
from gatehouse_common.sharing import FairShare

from .costs import watched
from .live import SHARED

_TIMES = 10
_ROUNDS = 30
_ROSTER_LOOKS = 2
"""In a second: capture asks for changes twice."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What one recorder of several costs in each second.

    Attributes:
        recorders: how many there are, of 64 cameras each.
        share_ms: signs of life and a look at the others, milliseconds of its processor.
        roster_ms: looks for changes of cameras, the same.
        statements: that it sends.
    """

    recorders: int
    share_ms: float
    roster_ms: float
    statements: float


def measure(url: str, folder: Path, count: int) -> Shares:
    """Let recorders take their shares of the cameras in an index, then count what one of them does in a second."""
    db, clock = Database(url), SystemClock()
    cameras, leases = CameraRepository(db), LeaseRepository(db, "camera")
    recorders = -(-count // SHARED)
    shares = [FairShare(leases, f"recorder-{k}", cameras.enabled, clock.monotonic_us) for k in range(recorders)]
    for _ in range(_ROUNDS):  # the first one takes all, and gives up what is too much when others have joined
        for share in shares:
            share.look(frozenset(share.held()))
        held = [len(share.held()) for share in shares]
        if sum(held) == count and max(held) - min(held) <= 1:
            break
    else:
        raise RuntimeError(f"{count} cameras are not shared, but {held}")
    mine = shares[-1]
    roster = Roster(cameras, FootageReader(db), folder / "cameras.json", mine.held)
    roster.load()
    with watched() as so_far:
        began = time.thread_time()
        for _ in range(_TIMES):
            mine.look(frozenset(mine.held()))
        shared = time.thread_time()
        for _ in range(_TIMES * _ROSTER_LOOKS):
            if roster.changed():
                raise RuntimeError("a camera is said to have changed")
        looked = time.thread_time()
        statements = sum(so_far().statements.values()) / _TIMES
    db.close()
    return Shares(recorders, 1000 * (shared - began) / _TIMES, 1000 * (looked - shared) / _TIMES, statements)
