"""One sweep, for whoever asks for it now: what the service does again and again."""

from __future__ import annotations

import threading

from gatehouse_common.db import Deletions, Facts
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.errors import Conflict
from gatehouse_common.retention import CameraRules, copy_holds, know_holds
from gatehouse_common.runtime import Core

from .giving_back import GivingBack
from .guards import CONFIRMED, StoreGuard
from .removal import Freed, Removal
from .sweeps import Sweeps


def sweep_once(
    core: Core, stop: threading.Event, *, force: bool = False, adopt_store: bool = False
) -> tuple[Freed, str]:
    """Delete what is too old or takes more room than it may; return what went, and what is wrong if anything is.

    Args:
        core: what to work with.
        stop: breaks it off.
        force: even if more than half of a class goes.
        adopt_store: the store is right, though it is not the one that was known.

    That it was called says that index, settings and clock are right, to whoever waits for somebody to say so.

    Raises:
        Conflict: the store is not the one that is known, nothing is to be deleted by the settings, or holds of a store
            whose index is new were placed just now, or could not be.
        GatehouseError: store or database do not answer.
    """
    if not core.settings.values.retention.enabled and not force:
        raise Conflict("nothing is deleted, for retention.enabled is false; --force deletes all the same.")
    deletions, store = Deletions(core.db), StoreGuard(core)
    removal = Removal(core, deletions, store.check, core.clock.now_us)
    sweeps = Sweeps(core, removal, deletions, core.clock.now_us)
    store.check(adopt=adopt_store)
    now_us, facts = core.clock.now_us(), Facts(core.db)
    rebuilt = facts.get(INDEX_REBUILT)
    know_holds(core.db, core.store, now_us)
    if facts.get(INDEX_REBUILT) != rebuilt:
        raise Conflict("the index is new, and holds were looked for just now: see `gatehouse hold list`, then again.")
    copy_holds(core.db, core.store, now_us)
    facts.put(CONFIRMED, str(now_us), now_us)
    GivingBack(core, deletions, core.clock.now_us).look()
    freed = removal.finish(stop)
    rules = CameraRules(core.settings.values, core.db)
    some, trouble = sweeps.by_age(rules, stop, force=force)
    more, too_large = sweeps.by_quota(rules, stop, force=force)
    return freed + some + more, trouble or too_large or removal.refused
