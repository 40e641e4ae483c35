"""Many things, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(things: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Yield ``size`` things together, at the end those that are left."""
    left = iter(things)
    while some := tuple(islice(left, size)):
        yield some
