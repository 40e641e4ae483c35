"""What is written down of who asks."""

from __future__ import annotations

from collections.abc import Mapping

from gatehouse_common.accounts import Principal
from gatehouse_common.db import Deed

from .login_desk import Caller


def deed_of(asks: Principal, caller: Caller, action: str, subject: str, detail: Mapping[str, object]) -> Deed:
    """Return what somebody does to something; where nobody has to be known, nobody's."""
    return Deed(action, subject, asks.name, asks.user or None, asks.token, caller.address, dict(detail))
