"""Live answers to who asks, each followed as a viewing."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from uuid import UUID

from flask import request

from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db import Watcher

from .auth.caller import caller, sender
from .context import Context


def followed(ctx: Context, camera: str, pieces: Iterator[bytes]) -> Generator[bytes]:
    """Return the pieces of a live answer to the request that is being answered, followed until it is closed.

    The address may have ``viewing=<UUID>``, by which a page knows its own viewing.
    """
    asks = caller()
    watcher = Watcher(asks.number, asks.name, camera, sender().address, page_id(request.args.get("viewing", "")))
    may_record = asks.may(Scope.RECORDS_OWN) and asks.sees(camera, Permission.EXPORT)
    return ctx.viewings.follow(watcher, pieces, may_record=may_record)


def page_id(text: str) -> str:
    """Return the UUID that a page gave itself as it is kept, empty if it is none."""
    try:
        return str(UUID(text[:64]))
    except ValueError:
        return ""
