"""USB cameras by Video4Linux: MJPEG from the device where it has it, else raw; encoded once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from av.container import InputContainer

from gatehouse_common.camera_url import CameraUrl
from gatehouse_common.clock import Clock
from gatehouse_common.errors import SourceUnavailable

from .container import close_quietly, open_container
from .decoded import DecodedReader
from .port import Packet, StreamInfo

_SYSFS = Path("/sys/class/video4linux")


def list_devices(sysfs: Path = _SYSFS) -> list[str]:
    """Return the paths of the capture devices there are, without opening any of them."""
    if not sysfs.is_dir():
        return []
    names = [p.name for p in sysfs.iterdir() if _captures(p)]
    return [f"/dev/{name}" for name in sorted(names, key=lambda n: int(n.removeprefix("video") or 0))]


def _captures(entry: Path) -> bool:
    # A camera has one node for pictures (index 0) and often another for metadata.
    index = entry / "index"
    return entry.name.startswith("video") and (not index.exists() or index.read_text().strip() == "0")


class DeviceSource:
    """One opening of a device; another device that works stands in for one that is missing."""

    def __init__(self, url: CameraUrl, clock: Clock) -> None:
        self._url, self._clock = url, clock
        self._container: InputContainer | None = None
        self._reader: DecodedReader | None = None

    def open(self) -> StreamInfo:
        """Open the configured device, else the first other one that gives pictures."""
        wanted = self._url.path
        reasons: list[str] = []
        for device in [wanted, *(d for d in list_devices() if d != wanted)]:
            for pixels in ("mjpeg", ""):
                try:
                    info = self._open_device(device, pixels)
                except SourceUnavailable as error:
                    reasons.append(f"{device}: {error.message}")
                    continue
                if device == wanted:
                    return info
                return StreamInfo(
                    info.init, info.formats, info.sets, info.depth, info.fps, info.backend, info.live, device
                )
        raise SourceUnavailable(f"no camera device gives pictures ({reasons[0]})")

    def _open_device(self, device: str, pixels: str) -> StreamInfo:
        width, height = self._url.size((1280, 720))
        fps = self._url.number("fps", 30, 1, 240)
        options = {"video_size": f"{width}x{height}", "framerate": f"{fps:g}", "ts": "abs"}
        if pixels:
            options["input_format"] = pixels
        container = open_container(device, f"{device} cannot be opened", format="v4l2", options=options)
        try:
            self._reader = DecodedReader(container, self._clock, "V4L2", live=True)
        except SourceUnavailable:
            close_quietly(container)
            raise
        self._container = container
        return self._reader.info

    def packets(self) -> Iterator[Packet]:
        """Yield encoded pictures; a device that ends has been unplugged."""
        if self._reader is not None:
            yield from self._reader.packets()
        raise SourceUnavailable("the device gives no more pictures")

    def interrupt(self) -> None:
        """Nothing can be done from here: the next packet, or the time limit of reading, ends it."""

    def close(self) -> None:
        """Close the device."""
        container, self._container = self._container, None
        if container is not None:
            close_quietly(container)
