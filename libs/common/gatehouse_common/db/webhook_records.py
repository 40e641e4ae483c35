"""Webhooks and deliveries as they are read. Times are microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of events.

    Attributes:
        id: UUIDv7.
        url: where to; its path may be a secret. Empty: it was sealed with another key.
        note: what it is for.
        events: names of events, each may end in ``*``.
        cameras: slugs; None: all cameras.
        active: whether it is told anything.
        not_before_us: nothing is sent before: it asked for that.
        ended: why it was made inactive by itself; empty: it was not.
        created_us: when it was made.
        created_by: who did.
        version: counts changes by people.
        secrets: what it is signed with now, the newest first; ``whsec_...``.
            None: the newest was sealed with another key.
    """

    id: str
    url: str = field(repr=False)
    note: str
    events: tuple[str, ...]
    cameras: tuple[str, ...] | None
    active: bool
    not_before_us: int
    ended: str
    created_us: int
    created_by: str
    version: int
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def tag(self) -> str:
        """What it is called as it is: another text once people have changed it."""
        return f"{self.id}-{self.version}"

    @property
    def is_locked(self) -> bool:
        """Whether it cannot be told anything: where to, or what to sign with, was sealed with a key that is lost."""
        return not self.url or not self.secrets

    def wants(self, name: str, camera: str) -> bool:
        """Return whether it is to be told of an event of that name, of a camera; of none, if that is empty."""
        if self.cameras is not None and camera not in self.cameras:
            return False
        return any(fits(one, name) for one in self.events)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that a webhook is to be told of, or was.

    Attributes:
        id: UUIDv7.
        webhook: id of the webhook.
        event: the ``webhook-id`` of what is sent: the same at every try, for who has had it already.
        name: of the event.
        subject: id of what it happened to.
        camera: slug; empty: it is of none.
        time_us: when it happened.
        data: what is told of it, JSON; None: it is looked up.
        body: as it was sent first; None: not yet.
        state: ``waiting``, ``delivered`` or ``failed``.
        tries: begun so far.
        next_us: while it waits, not to be tried before; while it is sent, when its sender is given up.
        owner: who sends it now; None: nobody.
        status: of the last answer; None: there was none.
        answer: how the last answer began.
        detail: what was wrong last; empty: nothing.
        lasted_us: how long the last try took.
        created_us: when it was put here.
        tried_us: when it was tried last; None: not yet.
        ended_us: when it was delivered or given up; None: it waits.
    """

    id: str
    webhook: str
    event: str
    name: str
    subject: str
    camera: str
    time_us: int
    data: str | None
    body: str | None
    state: str
    tries: int
    next_us: int
    owner: str | None
    status: int | None
    answer: str
    detail: str
    lasted_us: int
    created_us: int
    tried_us: int | None
    ended_us: int | None


def fits(wanted: str, name: str) -> bool:
    """Return whether an event is one that is wanted: of that name, or beginning with what stands before a ``*``."""
    return name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted
