"""IP cameras: RTSP (RFC 2326), RTP interleaved in the TCP connection; what can be stored is not decoded."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from av.container import InputContainer

from gatehouse_common.camera_url import CameraUrl, Codec
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import SourceUnavailable

from .container import COPIED_VIDEO, ContainerReader, can_be_copied, close_quietly, open_container
from .decoded import DecodedReader
from .port import Packet, StreamInfo
from .tcp_connections import addresses, cut_slowest, received

_OPEN_S = 10.0
_COMPARE_US = SECOND
_NO_PICTURES_BYTES = 2000
"""A connection that gets more than this in a second carries something; reports are a hundred bytes."""
_RTSP_PORT, _RTSPS_PORT = 554, 322
_COPIED: frozenset[Codec] = frozenset({"h264", "h265", "mpeg4"})
"""What is stored as it comes unless the URL says otherwise. JPEGs (RFC 2435) are much larger: those are decoded and
encoded once, without their sound."""


class RtspSource:
    """One session with an IP camera."""

    def __init__(self, url: CameraUrl, clock: Clock, idle_s: float) -> None:
        self._url = url
        self._clock = clock
        self._idle_s = idle_s
        self._container: InputContainer | None = None
        self._reader: ContainerReader | DecodedReader | None = None
        self._compared: tuple[int, dict[int, int]] | None = None
        parts = urlsplit(url.text)
        self._host = parts.hostname or ""
        self._port = parts.port or (_RTSPS_PORT if parts.scheme == "rtsps" else _RTSP_PORT)
        self._addresses: frozenset[str] = frozenset()

    def open(self) -> StreamInfo:
        """Connect and read the session's description."""
        # Little probing: the description names codecs and parameter sets. Not "nobuffer": it throws away what
        # was read while probing, and with it the first GOP.
        options = {"rtsp_transport": "tcp", "probesize": "500000", "analyzeduration": "500000"}
        # The time limit of reading is the socket's, in microseconds. PyAV's own is looked at before each read of each
        # RTP packet, with the GIL held: it took more processor time than all the rest of recording.
        options["timeout"] = str(round(self._idle_s * SECOND))
        timeout = (_OPEN_S, None)
        # Here, where no other camera waits for the resolver, and before they may change.
        self._addresses = addresses(self._host)
        self._container = open_container(self._url.address, "no RTSP session", options=options, timeout=timeout)
        wanted = self._url.codec()
        video = next(iter(self._container.streams.video), None)
        known = video is not None and (video.codec_context.name in COPIED_VIDEO or wanted is not None)
        if known and not can_be_copied(self._container, wanted, _COPIED):
            self._reader = DecodedReader(self._container, self._clock, "RTSP", live=True, codec=wanted)
        else:
            self._reader = ContainerReader(self._container, self._clock, "RTSP", live=True)
        return self._reader.info

    def packets(self) -> Iterator[Packet]:
        """Yield what the camera sends; a camera that ends its session has failed."""
        if self._reader is not None:
            yield from self._reader.packets()
        raise SourceUnavailable("the camera ended the session")

    def interrupt(self) -> None:
        """Nothing can be done from here: the next packet, or the time limit of reading, ends it."""

    def give_up(self) -> None:
        """Cut the connection, once it is clear which one of those to the camera carries no pictures."""
        now = self._clock.monotonic_us()
        if self._compared is None:
            self._compared = now, received(self._addresses, self._port)
        elif now - self._compared[0] >= _COMPARE_US:
            cut_slowest(self._addresses, self._port, self._compared[1], _NO_PICTURES_BYTES)
            self._compared = None

    def close(self) -> None:
        """End the session."""
        container, self._container = self._container, None
        if container is not None:
            close_quietly(container)
