"""Whose an upload is."""

from __future__ import annotations

from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_common.accounts import Scope
from gatehouse_common.db import media_records
from gatehouse_common.errors import Conflict, InvalidInput

from .engine import Owner


def owner_of(named: str = "", *, add: bool = True) -> Owner:
    """Return whose what is sent now is: of who sends it, or of whom they name.

    Args:
        named: a name, in which only oneself may upload where people are known.
        add: where nobody is known, add a user of a new name.

    Raises:
        Forbidden: it is another's, in whose name who asks may not upload.
        NotFound: there is no such user.
        InvalidInput: the name cannot be one.
    """
    asks = caller()
    if named:
        desk = context().recorder
        try:
            user = desk.user(named, asks, add=add)
        except Conflict:  # another request has added them at this moment
            user = desk.user(named, asks, add=add)
        return Owner(user.number, user.name)
    return Owner(asks.number, asks.name)


def needed_owner(named: object, *, add: bool = True) -> Owner:
    """Return whose it is where a name has to be told.

    Raises:
        InvalidInput: there is none, or as ``owner_of``.
        Forbidden: as ``owner_of``.
        NotFound: as ``owner_of``.
    """
    if not isinstance(named, str) or not named.strip():
        raise InvalidInput("username is required.", "username")
    return owner_of(named, add=add)


def whose() -> int | None:
    """Return whose uploads there are for who asks: their own; None: all, for who may send in any name."""
    asks = caller()
    return None if asks.number == media_records.NOBODY or asks.may(Scope.RECORDS_IMPERSONATE) else asks.number
