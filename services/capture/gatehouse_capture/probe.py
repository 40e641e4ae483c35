"""Looking at a camera without recording it."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SECOND, Clock

from .sources import open_source


@dataclass(frozen=True, slots=True)
class Probe:
    """What a camera sends: codecs by RFC 6381, size in pixels, rates and times measured."""

    video_codec: str
    audio_codec: str | None
    width: int
    height: int
    stated_fps: float
    measured_fps: float
    keyframe_interval_s: float | None
    backend: str
    fallback: str | None


def probe(url: str, clock: Clock, seconds: float = 4.0, idle_s: float = 5.0) -> Probe:
    """Read a camera for a few seconds and tell what it sends.

    Raises:
        InvalidInput: the URL is none of a camera.
        SourceUnavailable: it cannot be reached, or sends no video that can be recorded.
    """
    source = open_source(parse_url(url), clock, idle_s)
    try:
        info = source.open()
        began = clock.monotonic_us()
        frames, keys = 0, []
        for packet in source.packets():
            if packet.track == 0:
                frames += 1
                if packet.sync:
                    keys.append(packet.pts)
            if clock.monotonic_us() - began > seconds * SECOND:
                break
        elapsed = max(clock.monotonic_us() - began, 1) / SECOND
    finally:
        source.close()
    video = info.formats[0]
    interval = (keys[-1] - keys[0]) / (len(keys) - 1) / video.timescale if len(keys) > 1 else None
    return Probe(
        video.codec_string,
        info.formats[1].codec_string if len(info.formats) > 1 else None,
        video.width,
        video.height,
        info.fps,
        frames / elapsed,
        interval,
        info.backend,
        info.fallback,
    )
