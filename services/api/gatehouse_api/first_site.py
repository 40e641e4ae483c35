"""What whoever sets an installation up may say of the site at once: its name, its zone, whether others sign up."""

from __future__ import annotations

from typing import Any

from gatehouse_common.db import Deed
from gatehouse_common.settings.changeable import is_free

from .auth.login_desk import Caller
from .context import Context

_OF_THE_SITE = ("site_name", "timezone", "auth.sign_up")


def fixed_elsewhere(ctx: Context) -> frozenset[str]:
    """Return what of it the command line, the environment or a file says, so that the page does not."""
    settings = ctx.settings.settings
    return frozenset(name for name in _OF_THE_SITE if not is_free(settings, name))


def read_first_site(ctx: Context, name: str, timezone: str, *, sign_up: bool) -> dict[str, Any]:
    """Return the settings of a form; nothing is kept yet.

    Raises:
        InvalidInput: one of them cannot be.
    """
    found: dict[str, Any] = {"site_name": name, "auth.sign_up": sign_up}
    if timezone:
        found["timezone"] = timezone
    ctx.settings.check(found)
    return found


def keep_first_site(ctx: Context, site: dict[str, Any], who: str, caller: Caller) -> None:
    """Keep settings, which are in force at once; it is on record that whoever set up did so."""
    changed = ctx.settings.save(site)
    if not changed:
        return
    user = ctx.doorkeeper.users.named(who)
    detail = {name: [old, new] for name, (old, new) in changed.items()}
    asked = None if user is None else user.id
    deed = Deed("settings.changed", "settings", who, asked, None, caller.address, detail)
    ctx.audit.write(deed, ctx.core.clock.now_us())
