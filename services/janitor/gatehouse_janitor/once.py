"""One sweep, for whoever asks for it now: what the service does again and again."""

from __future__ import annotations

import threading

from gatehouse_common.db import Deletions
from gatehouse_common.retention import CameraRules
from gatehouse_common.runtime import Core

from .guards import StoreGuard
from .removal import Removal
from .sweeps import Freed, Sweeps


def sweep_once(
    core: Core, stop: threading.Event, *, force: bool = False, adopt_store: bool = False
) -> tuple[Freed, str]:
    """Delete what is too old or takes more room than it may; return what went, and what is wrong if anything is.

    Args:
        core: what to work with.
        stop: breaks it off.
        force: even if more than half of a class goes.
        adopt_store: the store is right, though it is not the one that was known.

    Raises:
        Conflict: the store is not the one that is known.
        GatehouseError: store or database do not answer.
    """
    deletions = Deletions(core.db)
    removal = Removal(core, deletions)
    sweeps = Sweeps(core, removal, deletions)
    StoreGuard(core).check(adopt=adopt_store)
    removal.finish()
    rules = CameraRules(core.settings.values, core.db)
    freed, trouble = sweeps.by_age(rules, stop, force=force)
    freed += sweeps.by_quota(rules, stop)
    return freed, trouble or removal.refused
