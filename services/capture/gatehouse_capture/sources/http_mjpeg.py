"""Cameras that send JPEGs over HTTP (``multipart/x-mixed-replace``)."""

from __future__ import annotations

from collections.abc import Iterator

from av.container import InputContainer

from gatehouse_common.camera_url import CameraUrl
from gatehouse_common.clock import Clock
from gatehouse_common.errors import SourceUnavailable

from .container import close_quietly, open_container
from .decoded import DecodedReader
from .port import Packet, StreamInfo

_OPEN_S = 10.0


class HttpMjpegSource:
    """One request of an MJPEG stream."""

    def __init__(self, url: CameraUrl, clock: Clock, idle_s: float) -> None:
        self._url, self._clock, self._idle_s = url, clock, idle_s
        self._container: InputContainer | None = None
        self._reader: DecodedReader | None = None

    def open(self) -> StreamInfo:
        """Send the request and look at the first picture."""
        # The parts carry no times: pictures get the time they arrive at.
        options = {"use_wallclock_as_timestamps": "1", "strict_mime_boundary": "0"}
        self._container = open_container(
            self._url.text, "no MJPEG stream", format="mpjpeg", options=options, timeout=(_OPEN_S, self._idle_s)
        )
        self._reader = DecodedReader(self._container, self._clock, "HTTP", live=True)
        return self._reader.info

    def packets(self) -> Iterator[Packet]:
        """Yield encoded pictures; a stream that ends has failed."""
        if self._reader is not None:
            yield from self._reader.packets()
        raise SourceUnavailable("the camera ended the stream")

    def interrupt(self) -> None:
        """Nothing can be done from here: the next packet, or the time limit of reading, ends it."""

    def close(self) -> None:
        """End the request."""
        container, self._container = self._container, None
        if container is not None:
            close_quietly(container)
