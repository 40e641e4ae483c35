"""The newest pictures of many cameras in one endless answer: a browser has six connections to a server, and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import simplejpeg
import structlog

from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.errors import GatehouseError, NotFound
from gatehouse_common.media.pictures import keyframe_picture
from gatehouse_common.timefmt import rfc3339

from .auth.standing import Standing
from .context import Context
from .live import Hub
from .visible_library import VisibleLibrary

log = structlog.get_logger(__name__)

BOUNDARY = "frame"
_QUALITY = 78
_PASS_S = 0.02
"""Pictures of many cameras come at any time; they are looked for no more often than this."""
_LOOK_S = 1.0
_SIGN_S = 3.0


@dataclass(slots=True)
class _Tile:
    """A camera of a grid.

    Attributes:
        hub: where its pictures come from.
        number: of the last that was sent.
        due: monotonic seconds from which the next may be.
    """

    hub: Hub
    number: int
    due: float = 0.0


class LiveGrid:
    """The endless answer to one viewer, in the thread that asks for its parts.

    A viewer that is slow gets fewer pictures, each the newest of its camera when it is sent: none waits in a queue.

    Args:
        ctx: what it works with.
        cameras: ids, looked up before.
        library: what is recorded of them, for the first picture.
        standing: whether who watches still may.
    """

    def __init__(self, ctx: Context, cameras: Sequence[str], library: VisibleLibrary, standing: Standing) -> None:
        self._ctx, self._cameras, self._library, self._standing = ctx, cameras, library, standing
        self._tiles: list[_Tile] = []

    def parts(self, width: int, fps: float) -> Iterator[bytes]:
        """Yield parts of a multipart body: a picture each, or after a while without any an empty one.

        Args:
            width: pixels that a picture is wide at least, where the camera's is.
            fps: pictures a second of each camera at most.
        """
        bell = threading.Event()
        with self._ctx.live.watch_all(self._cameras, "preview") as hubs, ExitStack() as held:
            for hub in hubs:
                held.enter_context(hub.ringing(bell))
            self._tiles = [_Tile(hub, 0) for hub in hubs]
            yield from self._first(width)
            yield from self._following(bell, width, 1 / fps)

    def _first(self, width: int) -> Iterator[bytes]:
        """Yield what was last recorded of each, so that there is something to look at, of cameras that are away too.

        Of cameras that somebody watches already there is a picture that was made anyway.
        """
        for tile in self._tiles:
            if self._ctx.stop.is_set():
                return
            camera = tile.hub.camera
            if tile.hub.newest:
                continue
            try:
                chunk = self._library.newest(camera)
                found = keyframe_picture(chunk, chunk.end_us, self._ctx.core.media, width)
            except NotFound:
                continue
            except GatehouseError as error:  # what is damaged of one camera must not darken the others
                log.warning("no first picture", camera=camera, reason=error.message)
                continue
            yield part(found.jpeg, camera, found.at_us)

    def _following(self, bell: threading.Event, width: int, step_s: float) -> Iterator[bytes]:
        looked = said = time.monotonic()
        self._look()
        while self._tiles and not self._ctx.stop.is_set():
            bell.clear()
            for tile, jpeg, at_us in self._newest(width, step_s):
                yield part(jpeg, tile.hub.camera, at_us)
                said = time.monotonic()
            now = time.monotonic()
            if now - said >= _SIGN_S:
                # That a viewer has left shows only when something is sent: else it would keep its place for ever.
                yield part(b"")
                said = now
            if now - looked >= _LOOK_S:
                self._look()
                looked = now
            bell.wait(min(_LOOK_S, step_s))
            self._ctx.stop.wait(_PASS_S)

    def _look(self) -> None:
        """Keep the cameras that who watches may still see, and ask for their pictures."""
        may = self._standing.may
        self._tiles = [tile for tile in self._tiles if may(Scope.LIVE_VIEW, tile.hub.camera, Permission.LIVE)]
        for tile in self._tiles:
            tile.hub.ask()

    def _newest(self, width: int, step_s: float) -> Iterator[tuple[_Tile, bytes, int]]:
        for tile in self._tiles:
            now = time.monotonic()
            if now < tile.due:
                continue
            one = tile.hub.newest_after(tile.number)
            if one is None:
                continue
            # By the plan, so that one that comes a little late does not make all that follow late; after a pause anew.
            tile.number, tile.due = one.number, (tile.due if now - tile.due < step_s else now) + step_s
            try:
                yield tile, narrowed(one.data, width), one.at_us
            except ValueError as error:  # a camera sent it so; the next may be whole
                log.debug("a picture cannot be read", camera=tile.hub.camera, reason=str(error))


def narrowed(jpeg: bytes, width: int) -> bytes:
    """Return a picture made smaller by eighths while it stays at least so wide: that needs no full decoding.

    Raises:
        ValueError: it is no JPEG.
    """
    columns = simplejpeg.decode_jpeg_header(jpeg, strict=False)[1]
    if columns * 7 // 8 < width:
        return jpeg
    pixels = simplejpeg.decode_jpeg(jpeg, "RGB", fastdct=True, fastupsample=True, min_width=width, strict=False)
    smaller: bytes = simplejpeg.encode_jpeg(pixels, _QUALITY, "RGB", "420")
    return smaller


def part(jpeg: bytes, camera: str = "", at_us: int = 0) -> bytes:
    """Return a part of the body: a camera's picture and its time, or an empty one."""
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n"
    if camera:
        head += f"X-Camera: {camera}\r\nX-Picture-Time: {rfc3339(at_us)}\r\n"
    return head.encode() + b"\r\n" + jpeg + b"\r\n"
