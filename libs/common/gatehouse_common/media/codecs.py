"""Which codecs this installation's media libraries have."""

from __future__ import annotations

import av
from av.codec import Codec

NEEDED: tuple[tuple[str, str, str], ...] = (
    ("h264", "r", "showing and checking H.264"),
    ("hevc", "r", "showing H.265"),
    ("mjpeg", "r", "cameras that send MJPEG"),
    ("mpeg4", "r", "cameras that send MPEG-4 part 2"),
    ("aac", "w", "sound of cameras that send G.711"),
    ("libx264", "w", "cameras that send pictures unencoded"),
)
"""``(name, r to decode or w to encode, what it is for)``."""


def missing_codecs() -> list[str]:
    """Return what is missing, each with what it is for."""
    missing = []
    for name, mode, use in NEEDED:
        try:
            Codec(name, "w" if mode == "w" else "r")
        except ValueError:
            missing.append(f"{name} ({use})")
    return missing


def library_versions() -> str:
    """Return the versions of PyAV and of the FFmpeg libraries in it."""
    libavcodec = ".".join(str(n) for n in av.library_versions.get("libavcodec", ()))
    return f"PyAV {av.__version__}, libavcodec {libavcodec}"
