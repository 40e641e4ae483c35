"""An index, and who tells webhooks of what is in it, by a clock that tests own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatehouse_api.event_sources import EventSources
from gatehouse_api.routes.cameras import view
from gatehouse_api.webhooks.bodies import Bodies
from gatehouse_api.webhooks.notifier import Notifier
from gatehouse_api.webhooks.sending import Postman, Sender
from gatehouse_common.db import CameraRepository, Deliveries, Webhook, Webhooks
from gatehouse_common.db.happenings import note
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.testing.clock import FakeClock
from webhook_receiver import SECRET


class Site:
    """An index, and who tells webhooks of what is in it."""

    def __init__(self, core: Core, clock: FakeClock, timeout_s: float = 5.0) -> None:
        self.core, self.clock = core, clock
        self.webhooks, self.deliveries = Webhooks(core.db), Deliveries(core.db)
        self.notifier = self.another(timeout_s)

    def another(self, timeout_s: float = 5.0) -> Notifier:
        """Another process that does the same."""
        sources = EventSources(self.core.db, CameraRepository(self.core.db), view, lambda camera: camera)
        postman = Postman(self.core.settings.values.webhooks, self.clock, timeout_s=timeout_s)
        bodies = Bodies(sources, "https://cameras.example.org")
        sender = Sender(self.deliveries, self.webhooks, bodies, postman, self.clock)
        return Notifier(self.core, sender, {})

    def add(self, url: str, *events: str, secret: str = SECRET) -> Webhook:
        return self.webhooks.add(url, secret, events or ("*",), None, "", "ann", self.clock.now_us())

    def happen(self, name: str = "recording.gap", subject: str = "gate", data: str | None = '{"a":1}') -> None:
        with self.core.db.begin() as c:
            note(c, name, subject, "gate", self.clock.now_us(), data)

    def go(self, advance_us: int = 0) -> None:
        """Let time pass, and all that is due by then be sent."""
        self.clock.advance(advance_us)
        self.notifier.look()
        assert self.notifier.join(20)

    def states(self, webhook: Webhook) -> list[tuple[str, int | None, int]]:
        """State, last status and tries of all deliveries, the oldest first."""
        found = self.deliveries.list(webhook.id, 500)
        return [(one.state, one.status, one.tries) for one in reversed(found)]


@contextmanager
def site_at(data: Path, **settings: object) -> Iterator[Site]:
    clock = FakeClock(time.time_ns() // 1000)
    known = {"webhooks.allow_private": True, "webhooks.allow_http": True, **settings}
    core = Core.open(load({"data_dir": str(data), "auth.mode": "open", **known}, environ={}), clock)
    try:
        core.db.upgrade()
        yield Site(core, clock)
    finally:
        core.close()
