"""A process's fair share of a work, kept right while others come, go and die."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db.leases import Lease, Member, Sight
from gatehouse_common.errors import GatehouseError
from gatehouse_common.observability.metrics import LEASES_HELD, LEASES_TAKEN_OVER

from .quota import quota
from .watching import Watch

log = structlog.get_logger(__name__)

TTL_US = 5 * SECOND
_SETTLED_LOOKS = 2


class _Leases(Protocol):
    """Where leases are kept; see ``LeaseRepository``."""

    def beat(self, name: str) -> None: ...

    def look(self) -> Sight: ...

    def take(self, resource: str, seen: Lease | None, name: str) -> int | None: ...

    def release(self, resource: str, name: str) -> None: ...

    def leave(self, name: str) -> None: ...

    def forget(self, members: list[Member]) -> None: ...


class FairShare:
    """Takes its share, gives up what is too much, and takes over from the dead. Call ``look`` once a second.

    A lease is another's for as long as signs of life of it are seen, and for ``ttl_us`` more (see ``Watch``). While the
    index is away everybody keeps what they have. Nothing is released before whoever does the work has stopped.

    Args:
        leases: where they are kept.
        name: of this process, of its own among all.
        parts: returns all parts of the work that there are; raises ``GatehouseError`` if that is not known now.
        now_us: a clock that only goes forward, microseconds.
        ttl_us: for how long somebody may give no sign of life.
        work: for logs and metrics.
    """

    def __init__(
        self,
        leases: _Leases,
        name: str,
        parts: Callable[[], Collection[str]],
        now_us: Callable[[], int],
        *,
        ttl_us: int = TTL_US,
        work: str = "",
    ) -> None:
        self._leases, self._name, self._parts, self._now, self._ttl_us = leases, name, parts, now_us, ttl_us
        self._work = work
        self._watch = Watch()
        self._held: dict[str, int] = {}
        self._leaving: set[str] = set()
        self._too_many = 0
        self._trouble = ""

    def held(self) -> Mapping[str, int]:
        """Return the parts that are this process's to do, each with its epoch."""
        return {part: epoch for part, epoch in list(self._held.items()) if part not in self._leaving}

    def look(self, working: Collection[str]) -> bool:
        """Give a sign of life, see how things stand, and take or give up what follows; return whether that is anything.

        Args:
            working: the parts that are being done by this process at this moment.
        """
        before = self.held()
        try:
            parts = frozenset(self._parts())
            self._leases.beat(self._name)
            sight = self._leases.look()
            self._settle(sight, parts, working)
        except GatehouseError as error:
            self._watch.blind()
            if error.message != self._trouble:
                log.warning("shares cannot be looked at; everybody keeps theirs", work=self._work, reason=error.message)
            self._trouble = error.message
            return False
        self._trouble = ""
        LEASES_HELD.labels(self._work).set(len(self.held()))
        return self.held() != before

    def leave(self) -> None:
        """Give up everything, so that others need not wait: whoever did the work has stopped."""
        try:
            self._leases.leave(self._name)
        except GatehouseError as error:
            log.warning("leases are left to run out", work=self._work, reason=error.message)
        self._held.clear()
        self._leaving.clear()
        LEASES_HELD.labels(self._work).set(0)

    def _settle(self, sight: Sight, parts: frozenset[str], working: Collection[str]) -> None:
        now = self._now()
        known = {lease.resource: lease for lease in sight.leases}
        stamps = {("lease", r): (one.owner, one.epoch, one.renewals) for r, one in known.items()}
        self._watch.see(stamps | {("member", m.name): m.renewals for m in sight.members}, now)
        self._find_out(known)
        self._release(parts, working)
        others = [m for m in sight.members if m.name != self._name]
        dead = [m for m in others if self._watch.same_for_us(("member", m.name), now) >= self._ttl_us]
        self._leases.forget(dead)
        holding = {m.name: 0 for m in others if m not in dead}
        for lease in known.values():
            if lease.owner in holding:
                holding[lease.owner] += 1
        holding[self._name] = len(self._held)
        share = quota(self._name, holding, len(parts))
        if len(self._held) < share:
            self._take(known, parts, share - len(self._held), now)
        self._give_up(share)

    def _find_out(self, known: Mapping[str, Lease]) -> None:
        """See which leases have become another's: only after this process was taken for dead."""
        for part, epoch in list(self._held.items()):
            lease = known.get(part)
            if lease is None or lease.owner != self._name or lease.epoch != epoch:
                log.warning("another has taken over", work=self._work, part=part, owner=lease.owner if lease else None)
                del self._held[part]
                self._leaving.discard(part)
        for lease in known.values():
            # Of this name from before a crash: nobody else has it, so it goes on being ours, as a new epoch.
            if lease.owner == self._name and lease.resource not in self._held:
                again = self._leases.take(lease.resource, lease, self._name)
                if again is not None:
                    self._held[lease.resource] = again

    def _release(self, parts: frozenset[str], working: Collection[str]) -> None:
        """Let others have what is not done here any more."""
        self._leaving |= self._held.keys() - parts
        for part in sorted(self._leaving):
            if part not in working:
                self._leases.release(part, self._name)
                self._leaving.discard(part)
                del self._held[part]

    def _take(self, known: Mapping[str, Lease], parts: frozenset[str], count: int, now_us: int) -> None:
        for part in sorted(parts - self._held.keys()):
            if count <= 0:
                return
            lease = known.get(part)
            expired = self._watch.same_for_us(("lease", part), now_us) >= self._ttl_us
            if lease is not None and lease.owner is not None and not expired:
                continue
            epoch = self._leases.take(part, lease, self._name)
            if epoch is not None:
                count -= 1
                self._held[part] = epoch
                if lease is not None and lease.owner is not None:
                    LEASES_TAKEN_OVER.labels(self._work).inc()
                    log.warning("taken over", work=self._work, part=part, owner=lease.owner, epoch=epoch)

    def _give_up(self, share: int) -> None:
        """Give up what is more than the share, if it is so at two looks: somebody has joined."""
        surplus = len(self._held) - len(self._leaving) - share
        self._too_many = self._too_many + 1 if surplus > 0 else 0
        if self._too_many >= _SETTLED_LOOKS:
            self._too_many = 0
            staying = sorted(self._held.keys() - self._leaving)
            self._leaving |= set(staying[len(staying) - surplus :])
