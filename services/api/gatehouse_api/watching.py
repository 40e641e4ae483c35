"""Live answers to who asks, each followed as a viewing."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from functools import partial
from typing import Final
from uuid import UUID

from flask import request

from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db import Watcher

from .auth.caller import caller, sender
from .context import Context

_HEAD_BYTES: Final = 512
_GRID: Final = "grid"
"""The page of those who look at many cameras: what is recorded of a page of one does not go on for them."""


def followed(ctx: Context, camera: str, pieces: Iterator[bytes]) -> Generator[bytes]:
    """Return the pieces of a live answer to the request that is being answered, followed until it is closed.

    The address may have ``viewing=<UUID>``, by which a page knows its own viewing.
    """
    asks = caller()
    watcher = Watcher(asks.number, asks.name, camera, sender().address, page_id(request.args.get("viewing", "")))
    may_record = asks.may(Scope.RECORDS_OWN) and asks.sees(camera, Permission.EXPORT)
    return ctx.viewings.follow(watcher, pieces, may_record=may_record)


def grid_followed(ctx: Context, cameras: Iterable[str], pieces: Iterator[bytes], head: str) -> Iterator[bytes]:
    """Return the pieces of a live answer of many cameras, followed as a viewing of each; none of them is recorded.

    Args:
        ctx: the desk of viewings.
        cameras: of which cameras.
        pieces: of the answer.
        head: what a piece of a camera begins with somewhere, with ``{camera}`` in the place of its id.
    """
    asks = caller()
    for camera in cameras:
        watcher = Watcher(asks.number, asks.name, camera, sender().address, _GRID)
        mark = head.format(camera=camera).encode()
        pieces = ctx.viewings.follow(watcher, pieces, may_record=False, counts=partial(_has, mark))
    return pieces


def _has(mark: bytes, piece: bytes) -> bool:
    return mark in piece[:_HEAD_BYTES]


def page_id(text: str) -> str:
    """Return the UUID that a page gave itself as it is kept, empty if it is none."""
    try:
        return str(UUID(text[:64]))
    except ValueError:
        return ""
