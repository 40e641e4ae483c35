"""A film as a camera: at its own pace or as fast as it goes, once or for ever, its times going on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from av.container import InputContainer

from gatehouse_common.camera_url import CameraUrl, Codec
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import InvalidInput, SourceUnavailable
from gatehouse_common.media.samples import VIDEO_TIMESCALE

from .container import ContainerReader, can_be_copied, close_quietly, open_container
from .decoded import DecodedReader
from .port import Packet, StreamInfo

_COPIED: frozenset[Codec] = frozenset({"h264", "h265"})
"""What is stored as it is unless the URL says otherwise."""
_TIMELESS = frozenset({"avi", "h264", "hevc"})
"""Formats that hold no presentation times: of pictures that are shown in another order than they are stored in,
only a decoder can tell when each is shown."""


class FileSource:
    """Plays a file: ``file:///film.mp4?loop=1&pace=realtime|fast&codec=h264``.

    With ``pace=fast`` the pictures get the times they would have had in a film that ends now: a minute's film
    read in a second is still a minute of footage.

    Raises:
        InvalidInput: an option is wrong.
    """

    def __init__(self, url: CameraUrl, clock: Clock) -> None:
        self._url, self._clock = url, clock
        self._loop = url.options.get("loop", "0") not in {"0", "false", "no", ""}
        pace = url.options.get("pace", "realtime")
        if pace not in {"realtime", "fast"}:
            raise InvalidInput(f"camera option pace={pace[:20]!r} must be 'realtime' or 'fast'", "url")
        self._paced = pace == "realtime"
        if self._loop and not self._paced:
            raise InvalidInput("a film that loops needs pace=realtime: it would never end", "url")
        self._codec = url.codec()
        self._began_us = 0
        self._closed = threading.Event()
        self._container: InputContainer | None = None
        self._reader: ContainerReader | DecodedReader | None = None

    def open(self) -> StreamInfo:
        """Open the file and look at its streams."""
        info = self._open().info
        length = (self._container.duration or 0) if self._container else 0
        self._began_us = self._clock.now_us() - length
        return StreamInfo(info.init, info.formats, info.sets, info.depth, info.fps, "file", self._paced, None)

    def _open(self) -> ContainerReader | DecodedReader:
        self._container = open_container(self._url.path, "the film cannot be read")
        if self._can_be_copied(self._container):
            self._reader = ContainerReader(self._container, self._clock, "file", live=self._paced)
        else:
            timeless = self._container.format.name in _TIMELESS
            self._reader = DecodedReader(
                self._container, self._clock, "file", live=self._paced, timeless=timeless, codec=self._codec
            )
        return self._reader

    def _can_be_copied(self, container: InputContainer) -> bool:
        reordered = any(v.codec_context.has_b_frames for v in container.streams.video[:1])
        timeless = container.format.name in _TIMELESS
        return can_be_copied(container, self._codec, _COPIED) and not (reordered and timeless)

    def packets(self) -> Iterator[Packet]:
        """Yield the film's packets; ends after the last unless it loops.

        Raises:
            SourceUnavailable: it cannot be read on, or holds not one picture.
        """
        began_us = self._clock.monotonic_us()
        shift = 0
        while self._reader is not None:
            start: int | None = None
            end = 0
            for packet in self._reader.packets():
                if self._closed.is_set():
                    return
                scale = self._reader.info.formats[packet.track].timescale
                if packet.track == 0:
                    start = packet.pts if start is None else start
                    end = max(end, packet.pts + (packet.dur or VIDEO_TIMESCALE // 30))
                packet.pts += shift * scale // VIDEO_TIMESCALE
                ticks = packet.pts * VIDEO_TIMESCALE - (start or 0) * scale
                due_us = ticks * SECOND // (scale * VIDEO_TIMESCALE)
                if not self._paced:
                    packet.arrival_us = self._began_us + due_us
                elif packet.track == 0:
                    self._pace(due_us, began_us)
                    packet.arrival_us = self._clock.now_us()
                else:  # read with the picture before it, however much sooner that is
                    packet.arrival_us = self._clock.now_us() + due_us - (self._clock.monotonic_us() - began_us)
                yield packet
            if start is None:  # played again, it would go round without ever showing anything
                raise SourceUnavailable("the film holds no pictures")
            if not self._loop:
                return
            shift += end - (start or 0)
            if self._container is not None:
                self._container.close()
            self._open()

    def _pace(self, due_us: int, began_us: int) -> None:
        ahead_us = due_us - (self._clock.monotonic_us() - began_us)
        if ahead_us > 0:
            self._clock.wait(self._closed, ahead_us / SECOND)

    def interrupt(self) -> None:
        """Stop playing."""
        self._closed.set()

    def give_up(self) -> None:
        """Nothing: a film's pictures come when they are due."""

    def close(self) -> None:
        """Close the film."""
        self._closed.set()
        container, self._container = self._container, None
        if container is not None:
            close_quietly(container)
