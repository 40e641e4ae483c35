"""Whose a file is that an index knew which was lost: users by name, who cannot log in until somebody lets them."""

from __future__ import annotations

from gatehouse_common.accounts import Role
from gatehouse_common.db import User, Users
from gatehouse_common.errors import InvalidInput
from gatehouse_common.runtime import Core

_NOBODY = "unknown"


def user_of(core: Core, name: str) -> User:
    """Return the user of a name; one that is not there any more is added, and can do nothing.

    Raises:
        GatehouseError: the index does not answer.
    """
    users = Users(core.db)
    found = users.named(name)
    if found is not None:
        return found
    now_us = core.clock.now_us()
    try:
        return users.add(name, Role.UPLOADER, now_us, state="disabled")
    except InvalidInput:  # names were stricter since
        return users.named(_NOBODY) or users.add(_NOBODY, Role.UPLOADER, now_us, state="disabled")
