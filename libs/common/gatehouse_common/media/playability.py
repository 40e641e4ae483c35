"""Whether browsers play what was recorded, and if not, why (C-7)."""

from __future__ import annotations

_REASONS = {
    "hvc1": "H.265 plays only in browsers that have a decoder for it",
    "hev1": "H.265 plays only in browsers that have a decoder for it",
    "mp4v.6c": "browsers do not play films of JPEGs",
    "mp4v": "browsers do not play MPEG-4 part 2",
}


def why_unplayable(codec: str) -> str:
    """Return why not every browser plays a video codec, named by RFC 6381; nothing if they do, or it is not known.

    Such footage is there as H.264 when it is asked for: ``codec=h264``.
    """
    name = codec.lower()
    return _REASONS.get(name) or _REASONS.get(name.split(".", maxsplit=1)[0], "")
