"""Where live view comes from: the recorder in this process, or the worker on another machine that records a camera."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from gatehouse_common.bus import Delivery, Handler, Subscription
from gatehouse_common.clock import SECOND
from gatehouse_common.db import FootageReader
from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import LiveMedia, LivePreview, LiveRequested
from gatehouse_common.messages.live import LiveKind, read_frames
from gatehouse_common.runtime import Core

log = structlog.get_logger(__name__)

_TTL_US = 10 * SECOND
_AGAIN_S = 1.0
_LOOK_US = 3 * SECOND


class LiveFeeds:
    """Opens the feed of a camera."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._footage = FootageReader(core.db)

    def open(self, camera: str, kind: LiveKind, handler: Handler, maxlen: int) -> Subscription:
        """Hand everything of one kind that comes from a camera to ``handler``, until the subscription is closed."""
        if not self._core.settings.values.service.token:
            types = [LiveMedia] if kind == "media" else [LivePreview]
            return self._core.live.subscribe_transient(types, handler, cameras=[camera], maxlen=maxlen)
        return _AnyFeed(self._core, lambda: self._footage.live_url(camera), camera, kind, handler, maxlen)

    def ask(self, camera: str, kind: LiveKind) -> None:
        """Ask a recorder in this process for a camera's live view; another worker's stream asks for itself."""
        wall = self._core.clock.now_us()
        self._core.live.publish(LiveRequested(camera=camera, time_us=wall, kinds=[kind], ttl_us=_TTL_US))


class _AnyFeed:
    """Follows a camera to the worker that records it, wherever that is by now."""

    def __init__(
        self, core: Core, address: Callable[[], str], camera: str, kind: LiveKind, handler: Handler, maxlen: int
    ) -> None:
        self._core, self._address, self._path = core, address, f"live/{camera}/{kind}"
        self._handler = handler
        types = [LiveMedia] if kind == "media" else [LivePreview]
        self._here = core.live.subscribe_transient(types, handler, cameras=[camera], maxlen=maxlen)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"live-{camera}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Messages dropped on the way inside this process."""
        return self._here.dropped

    def close(self) -> None:
        """Stop; a read that waits ends with the next sign of life, and nothing is handed on after this."""
        self._stop.set()
        self._here.close()

    def _follow(self) -> None:
        trouble = ""
        while not self._stop.is_set():
            try:
                url = self._address()
                if not self._core.spools.is_local(url):
                    self._listen(url)
                trouble = ""
            except GatehouseError as error:
                if error.message != trouble:
                    log.warning("no live view for now", reason=error.message)
                trouble = error.message
            self._stop.wait(_AGAIN_S)

    def _listen(self, url: str) -> None:
        """Hand on what comes from a worker, for as long as it is the one that records the camera."""
        clock = self._core.clock
        look_us = clock.monotonic_us() + _LOOK_US
        with self._core.spools.at(url).stream(self._path) as read:
            for found in read_frames(read):
                if self._stop.is_set():
                    return
                if found is not None:
                    self._handler(Delivery(*found))
                if clock.monotonic_us() > look_us:
                    look_us = clock.monotonic_us() + _LOOK_US
                    if self._moved(url):
                        return

    def _moved(self, url: str) -> bool:
        try:
            return self._address() != url
        except GatehouseError:  # the index is away: then nobody takes a camera over
            return False
