"""Transactions that got in one another's way: they are rolled back, and done again from their beginning."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog

from gatehouse_common.errors import Unavailable

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

_TRIES = 6
_FIRST_PAUSE_S = 0.02


class Contention(Unavailable):
    """The database gave a transaction up in favour of another: a deadlock, or a lock that was held too long."""


def retried(method: Callable[P, R]) -> Callable[P, R]:
    """Do a method again that is one transaction and got in the way of another, after a pause that grows, with jitter.

    Raises:
        Contention: after six tries.
    """

    @wraps(method)
    def do(*args: P.args, **kwargs: P.kwargs) -> R:
        pause = _FIRST_PAUSE_S
        for _ in range(_TRIES - 1):
            try:
                return method(*args, **kwargs)
            except Contention as error:
                log.debug("a transaction is done again", what=method.__name__, reason=error.message)
                threading.Event().wait(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                pause *= 2
        return method(*args, **kwargs)

    return do
