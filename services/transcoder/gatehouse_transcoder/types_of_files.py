"""Media types, and the extensions of the names of objects."""

from __future__ import annotations

_EXTENSIONS = {
    "video/webm": "webm",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "video/x-msvideo": "avi",
    "video/mp2t": "ts",
    "video/mpeg": "mpg",
    "video/x-flv": "flv",
    "video/ogg": "ogv",
    "audio/webm": "webm",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "image/gif": "gif",
}


def extension_of(media_type: str) -> str:
    """Return the extension for a media type; ``bin`` for one that is not known."""
    return _EXTENSIONS.get(media_type.partition(";")[0].strip().lower(), "bin")
