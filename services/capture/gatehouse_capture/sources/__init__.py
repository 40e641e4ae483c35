"""Where pictures come from: one module per kind of camera, all behind one port."""

from gatehouse_common.camera_url import CameraUrl
from gatehouse_common.clock import Clock

from .port import Packet, Source, StreamInfo

__all__ = ["Packet", "Source", "StreamInfo", "open_source"]


def open_source(url: CameraUrl, clock: Clock, idle_s: float) -> Source:
    """Return the source for a camera URL; nothing is connected yet.

    Kinds are imported when they are asked for: a recorder of network cameras draws no pictures.
    """
    if url.scheme in {"rtsp", "rtsps"}:
        from .rtsp import RtspSource  # noqa: PLC0415

        return RtspSource(url, clock, idle_s)
    if url.scheme in {"http", "https"}:
        from .http_mjpeg import HttpMjpegSource  # noqa: PLC0415

        return HttpMjpegSource(url, clock, idle_s)
    if url.scheme == "v4l2":
        from .device import DeviceSource  # noqa: PLC0415

        return DeviceSource(url, clock, idle_s)
    if url.scheme == "file":
        from .file import FileSource  # noqa: PLC0415

        return FileSource(url, clock)
    from .synthetic import SyntheticSource  # noqa: PLC0415

    return SyntheticSource(url, clock)
