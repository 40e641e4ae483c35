"""Goes on telling webhooks what happens: each by threads of its own, so that none waits for another."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import structlog

from gatehouse_api.lookouts import States
from gatehouse_common.bus import Delivery as BusDelivery
from gatehouse_common.bus import Subscription
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import Deliveries, Delivery, LeaseRepository, Webhook, Webhooks
from gatehouse_common.errors import GatehouseError
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ClipStored, JobChanged, PlateIndexed, PlateListed
from gatehouse_common.observability.metrics import WEBHOOK_DELIVERIES, WEBHOOK_OLDEST, WEBHOOK_WAITING
from gatehouse_common.runtime import Core
from gatehouse_common.runtime.buses import is_shared
from gatehouse_common.sharing import FairShare

from .bodies import bounded
from .schedule import LONGEST_US, held_until_us
from .sending import LOCKED, Sender

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""So much is on its way to one webhook at once, from this process."""
MOST_WAITING = 20_000
"""Of one webhook: what nobody hears must not fill the disk of the index."""
_MOST_PAGES = 50
_LOOK_S = 0.5
_STATES_US = 2 * SECOND
_SHARE_US = SECOND
_COUNT_US = 10 * SECOND
_PURGE_US = 10 * MINUTE
_END_S = 3.0
_WORK, _STATES = "webhooks", "states"
_HINTS: Final = (PlateIndexed, PlateListed, ClipStored, JobChanged)
_ENDED = frozenset({"done", "failed", "cancelled"})


class Notifier:
    """Puts what has happened before the webhooks that want it, and sends what is due.

    Any number of processes do so at once: see ``Deliveries``. One of them, by a lease, looks at what has states.

    Args:
        core: the index, the bus, the time.
        sender: sends what was taken.
        states: by topic, what is looked at: what no row of its own tells of.
    """

    def __init__(self, core: Core, sender: Sender, states: Mapping[str, States]) -> None:
        self._core, self._sender, self._states = core, sender, states
        self._webhooks, self._deliveries = Webhooks(core.db), Deliveries(core.db)
        self._keep_us = round(core.settings.values.webhooks.keep_days * 24 * HOUR)
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._sending: Counter[str] = Counter()
        self._threads: set[threading.Thread] = set()
        self._due: dict[str, int] = {}
        self._trouble = ""
        self._locked: set[str] = set()
        self._ahead_us = core.clock.now_us() - core.clock.monotonic_us()
        """By how much the wall clock is ahead of the other one."""
        self._went_back = True
        """Whether it may have been set back: before this process began, nobody here knows."""
        self._share: FairShare | None = None
        if is_shared(core.settings):
            leases = LeaseRepository(core.signs, _WORK)
            self._share = FairShare(leases, core.name, lambda: [_STATES], core.clock.monotonic_us, work=_WORK)

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; what is on its way then has a moment to end."""
        heard: Subscription | None = None
        try:
            heard = self._core.bus.subscribe_transient(_HINTS, self._hear)
        except GatehouseError as error:  # these are hints: without them it is half a second later
            log.warning("webhooks are told without hints", reason=error.message)
        try:
            while not stop.is_set():
                self._guarded_look()
                self._wake.wait(_LOOK_S)
                self._wake.clear()
        finally:
            if heard is not None:
                heard.close()
            if self._share is not None:
                self._share.leave()
            self.join(_END_S)

    def look(self) -> None:
        """Do what is to be done now.

        Raises:
            GatehouseError: the index is away.
        """
        now_us = self._core.clock.now_us()
        if self._is_time("share", _SHARE_US) and self._share is not None:
            self._share.look(self._share.held())
        webhooks = self._webhooks.list(now_us, active=True)
        if self._is_time("states", _STATES_US):
            self._look_at_states(webhooks, now_us)
        leads = self._share is None or _STATES in self._share.held()
        if webhooks and leads:  # one alone: two at once would hold up whoever notes what happens
            self._deliveries.spread(webhooks, now_us)
        for webhook in webhooks:
            is_held = held_until_us(webhook.not_before_us, now_us) is not None
            if not is_held and not self._is_locked(webhook):
                self._begin(webhook, now_us)
        if self._is_time("count", _COUNT_US):
            waiting = self._deliveries.waiting()
            WEBHOOK_WAITING.set(sum(waiting.values()))
            oldest_us = self._deliveries.oldest({webhook.id for webhook in webhooks})
            WEBHOOK_OLDEST.set(0 if oldest_us is None else max(0, now_us - oldest_us) / SECOND)
            for webhook_id, count in waiting.items() if leads else ():
                if count > MOST_WAITING:
                    self._give_up(webhook_id, count - MOST_WAITING, now_us)
        self._went_back = self._went_back or self._is_back(now_us)
        if self._went_back:  # some at a time, until there are no more
            ids = {webhook.id for webhook in webhooks}
            self._went_back = self._deliveries.bring_forward(ids, LONGEST_US, now_us) > 0
        if leads and self._is_time("purge", _PURGE_US):
            self._purge(webhooks, now_us - self._keep_us, now_us)

    def _is_back(self, now_us: int) -> bool:
        """Whether the clock has been set back since this was asked last."""
        ahead_us = now_us - self._core.clock.monotonic_us()
        went_back = ahead_us < self._ahead_us - MINUTE
        if went_back or ahead_us > self._ahead_us:
            self._ahead_us = ahead_us
        return went_back

    def _is_locked(self, webhook: Webhook) -> bool:
        """Return whether the key is lost with which it was sealed: its deliveries wait, for no try could be heard."""
        if not webhook.is_locked:
            self._locked.discard(webhook.id)
        elif webhook.id not in self._locked:
            self._locked.add(webhook.id)
            log.error("a webhook is told nothing", webhook=webhook.id, reason=LOCKED)
        return webhook.is_locked

    def _purge(self, webhooks: list[Webhook], before_us: int, now_us: int) -> None:
        failed = self._deliveries.fail_older(before_us, now_us)
        WEBHOOK_DELIVERIES.labels("failed").inc(failed)
        for _ in range(_MOST_PAGES):
            if not self._deliveries.purge(before_us, happenings=not webhooks):
                return

    def _give_up(self, webhook_id: str, many: int, now_us: int) -> None:
        failed = self._deliveries.fail_oldest(webhook_id, many, now_us)
        WEBHOOK_DELIVERIES.labels("failed").inc(failed)
        log.warning("the oldest deliveries of a webhook were given up: too many wait", webhook=webhook_id, count=failed)

    def join(self, timeout_s: float) -> bool:
        """Wait until nothing is on its way from here; return whether that came in time."""
        for thread in list(self._threads):
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in list(self._threads))

    def wake(self) -> None:
        """Look now: there may be something to do."""
        self._wake.set()

    def _hear(self, delivery: BusDelivery) -> None:
        message = delivery.message
        is_update = isinstance(message, PlateIndexed) and message.change == "updated"  # many, and nobody waits for one
        if not is_update and (not isinstance(message, JobChanged) or message.state in _ENDED):
            self._wake.set()

    def _guarded_look(self) -> None:
        try:
            self.look()
        except GatehouseError as error:
            if error.message != self._trouble:
                log.warning("webhooks are told later", reason=error.message)
            self._trouble = error.message
        except Exception:  # a fault in one look must not end the looking
            log.exception("webhooks could not be looked at")
        else:
            self._trouble = ""

    def _look_at_states(self, webhooks: list[Webhook], now_us: int) -> None:
        if self._share is not None and _STATES not in self._share.held():
            return
        if not webhooks:
            self._deliveries.forget_states()
            return
        found = {
            subject: (one.name, one.camera, bounded(subject, one.data))
            for look in self._states.values()
            for subject, one in look().items()
        }
        self._deliveries.note_states(found, now_us)

    def _begin(self, webhook: Webhook, now_us: int) -> None:
        room = AT_ONCE - self._sending[webhook.id]
        if room <= 0:
            return
        for seen in self._deliveries.due(webhook.id, now_us, room):
            mine = self._deliveries.take(seen, f"{self._core.name[:60]}-{new_id()}", now_us)
            if mine is None:
                continue
            thread = threading.Thread(target=self._work(webhook, mine), name="webhook", daemon=True)
            with self._lock:
                self._sending[webhook.id] += 1
            try:
                thread.start()
            except RuntimeError as error:  # no more threads: it is sent again once this sender is given up
                with self._lock:
                    self._sending[webhook.id] -= 1
                log.warning("a webhook is told later", delivery=mine.id, reason=str(error))
                return
            self._threads = {one for one in self._threads if one.is_alive()} | {thread}

    def _work(self, webhook: Webhook, mine: Delivery) -> Callable[[], None]:
        def work() -> None:
            try:
                self._sender.attempt(webhook, mine)
            except GatehouseError as error:
                log.warning("what came of a webhook could not be kept", delivery=mine.id, reason=error.message)
            except Exception:  # a fault with one delivery: it is tried again when it would be otherwise
                log.exception("a webhook could not be told", delivery=mine.id)
                with suppress(GatehouseError):  # it is sent again once this sender is given up
                    self._sender.stumbled(mine)
            finally:
                with self._lock:
                    self._sending[webhook.id] -= 1
                self._wake.set()

        return work

    def _is_time(self, what: str, every_us: int) -> bool:
        now = self._core.clock.monotonic_us()
        if now < self._due.get(what, now):
            return False
        self._due[what] = now + every_us
        return True
