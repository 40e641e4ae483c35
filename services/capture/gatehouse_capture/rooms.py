"""What capture gives to the other services over its inner address: its spool, and live view.

``/spool`` lists the files, ``/spool/{camera}/{run}/{start}.mp4`` gives bytes by range, ``/index/spool/...`` the sample
index of what is whole by now, ``/live/{camera}/{media|preview}`` an endless stream of :func:`frame`.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from typing import cast, get_args

from werkzeug.wrappers import Request, Response

from gatehouse_common.bus import Delivery
from gatehouse_common.bus.transient import TransientTopics
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import NotFound
from gatehouse_common.media.index_blob import encode_index
from gatehouse_common.media.open_chunks import OpenChunks
from gatehouse_common.messages import LiveMedia, LivePreview, LiveRequested
from gatehouse_common.messages.live import LiveKind, frame
from gatehouse_common.runtime import Core
from gatehouse_common.runtime.inner_address import InnerAddress
from gatehouse_common.storage import LocalStore, keys

_HELD_OPEN = 256
_ASK_AGAIN_S = 3.0
_TTL_US = 10 * SECOND
_WAITING = 900
_BINARY = "application/octet-stream"


def open_rooms(core: Core, inner: InnerAddress) -> OpenChunks:
    """Open the rooms; return what holds files open for them, to be closed in the end."""
    chunks = OpenChunks(core.spool.root, _HELD_OPEN)
    spool = SpoolRoom(core.spool, chunks)
    inner.open_room("spool", spool.files)
    inner.open_room("index", spool.index)
    inner.open_room("live", LiveRoom(core.live, core.clock, inner.ending).stream)
    return chunks


class SpoolRoom:
    """Reads the spool for others."""

    def __init__(self, spool: LocalStore, chunks: OpenChunks) -> None:
        self._spool, self._chunks = spool, chunks

    def files(self, request: Request, rest: str) -> Response:
        """Answer with the list of files, or with bytes of one.

        Raises:
            NotFound: there is no such file.
        """
        if not rest:
            found = [{"key": f.key, "size": f.size} for f in self._spool.list(keys.SPOOL) if keys.parse_spool(f.key)]
            return Response(json.dumps({"files": found}), content_type="application/json")
        key = _checked(keys.SPOOL + rest)
        size = self._spool.stat(key).size
        headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store"}
        if request.range is None:
            return self._bytes(request, key, 0, size, 200, headers)
        wanted = request.range.range_for_length(size)
        if wanted is None:
            return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
        start, end = wanted
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return self._bytes(request, key, start, end, 206, headers)

    def index(self, _request: Request, rest: str) -> Response:
        """Answer with the compact sample index of a file, 204 while nothing is whole in it.

        Raises:
            NotFound: there is no such file.
        """
        media = self._chunks.media(_checked(rest))
        return Response(status=204) if media is None else Response(encode_index(media), content_type=_BINARY)

    def _bytes(
        self, request: Request, key: str, start: int, end: int, status: int, headers: dict[str, str]
    ) -> Response:
        head = request.method == "HEAD"
        pieces = iter(()) if head else self._spool.open_range(key, start, end - start)
        answer = Response(pieces, status, headers, content_type=_BINARY, direct_passthrough=True)
        answer.content_length = end - start
        return answer


class LiveRoom:
    """Passes live view on; asks the camera's tap for it for as long as somebody listens."""

    def __init__(self, live: TransientTopics, clock: Clock, ending: threading.Event) -> None:
        self._live, self._clock, self._ending = live, clock, ending

    def stream(self, _request: Request, rest: str) -> Response:
        """Answer with an endless stream of fragments or pictures of a camera.

        Raises:
            NotFound: there is no such kind.
        """
        camera, _, kind = rest.partition("/")
        if kind not in get_args(LiveKind):
            raise NotFound("live view is /live/{camera}/media or /live/{camera}/preview")
        pieces = self._frames(camera, cast("LiveKind", kind))
        return Response(pieces, content_type=_BINARY, direct_passthrough=True)

    def _frames(self, camera: str, kind: LiveKind) -> Iterator[bytes]:
        waiting: queue.Queue[Delivery] = queue.Queue(_WAITING)
        types = [LiveMedia] if kind == "media" else [LivePreview]
        subscription = self._live.subscribe_transient(types, waiting.put, cameras=[camera], maxlen=_WAITING)
        try:
            asked = float("-inf")
            while not self._ending.is_set():
                now = self._clock.monotonic_us() / SECOND
                if now - asked > _ASK_AGAIN_S:
                    asked = now
                    wall = self._clock.now_us()
                    self._live.publish(LiveRequested(camera=camera, time_us=wall, kinds=[kind], ttl_us=_TTL_US))
                try:
                    delivery = waiting.get(timeout=0.5)
                except queue.Empty:
                    yield b"\0\0\0\0"  # nothing yet; that a listener has left shows only when something is sent
                    continue
                if delivery.body is not None:
                    yield frame(delivery.message, delivery.body)
        finally:
            while not waiting.empty():  # so that a handler that waits for room goes on, and can be ended
                waiting.get_nowait()
            subscription.close()


def _checked(key: str) -> str:
    if keys.parse_spool(key) is None:
        raise NotFound(f"{key[:100]!r} is not a file of the spool")
    return key
