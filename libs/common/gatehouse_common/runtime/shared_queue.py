"""A queue whose partitions are shared by all processes of a service."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from gatehouse_common.bus import Subscription
from gatehouse_common.bus.port import partition_names, partition_of
from gatehouse_common.db import LeaseRepository
from gatehouse_common.sharing import FairShare

from .buses import partitions_of
from .core import Core

log = structlog.get_logger(__name__)

_LOOK_S = 1.0


class SharedQueue:
    """Subscribes to this process's share of a queue's partitions; where there is no broker, to all of it.

    Args:
        core: what services are built from.
        queue: which.
        subscribe: subscribes to a partition by its name.
    """

    def __init__(self, core: Core, queue: str, subscribe: Callable[[str], Subscription]) -> None:
        self._subscribe = subscribe
        self._partitions = partitions_of(core.settings)
        self._names = partition_names(queue, self._partitions)
        self._subscribed: dict[str, Subscription] = {}
        self._closing: dict[str, threading.Thread] = {}
        self._stop = threading.Event()
        self._share: FairShare | None = None
        self._thread: threading.Thread | None = None
        if self._partitions == 1:
            self._subscribed[queue] = self._subscribe(queue)
            return
        leases = LeaseRepository(core.signs, queue)
        self._share = FairShare(leases, core.name, lambda: self._names, core.clock.monotonic_us, work=queue)
        self._thread = threading.Thread(target=self._keep, args=(self._share,), name=f"share-{queue}", daemon=True)
        self._thread.start()

    def is_mine(self, camera: str) -> bool:
        """Return whether the messages of a camera come to this process now."""
        if self._partitions == 1:
            return True
        return self._names[partition_of(camera, self._partitions)] in self._subscribed

    def close(self) -> None:
        """Stop after the messages in hand have been handled, and let others have the share."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for name in list(self._subscribed):
            self._close_soon(name)
        for thread in self._closing.values():
            thread.join()
        if self._share is not None:
            self._share.leave()

    def _close_soon(self, name: str) -> None:
        """Close a subscription; whoever handles its message may wait for the store, and we must go on to show signs."""
        thread = threading.Thread(target=self._subscribed.pop(name).close, name=f"close-{name}", daemon=True)
        thread.start()
        self._closing[name] = thread

    def _keep(self, share: FairShare) -> None:
        while not self._stop.is_set():
            try:
                self._closing = {name: thread for name, thread in self._closing.items() if thread.is_alive()}
                share.look({*self._subscribed, *self._closing})
                held = share.held()
                for name in [n for n in self._subscribed if n not in held]:
                    self._close_soon(name)
                for name in held:
                    if name not in self._subscribed and name not in self._closing:
                        self._subscribed[name] = self._subscribe(name)
            except Exception:  # a fault in one look must not end the queue's reader
                log.exception("a share could not be kept")
            self._stop.wait(_LOOK_S)
