"""Camera URLs: what is accepted, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from gatehouse_common.errors import InvalidInput

Codec = Literal["h264", "h265", "mpeg4", "mjpeg"]
CODEC_NAMES: dict[str, Codec] = {
    **dict.fromkeys(("h264", "avc", "avc1", "x264"), "h264"),
    **dict.fromkeys(("h265", "hevc", "hvc1", "x265"), "h265"),
    **dict.fromkeys(("mpeg4", "mp4v", "xvid"), "mpeg4"),
    **dict.fromkeys(("mjpeg", "mjpg", "jpeg"), "mjpeg"),
}
"""What a codec may be called in the option ``codec``, in lower case; other recorders have other names."""

SCHEMES = ("rtsp", "rtsps", "http", "https", "v4l2", "file", "synthetic")
_EXAMPLES = "rtsp://user:password@host/path, v4l2:///dev/video0, http://host/video.mjpg, file:///film.mp4 or synthetic:"


@dataclass(frozen=True, slots=True)
class CameraUrl:
    """A checked camera URL.

    Attributes:
        text: the URL as given; may hold credentials.
        scheme: one of ``SCHEMES``.
        path: the decoded path: a file or device.
        options: the query of ``v4l2``, ``file`` and ``synthetic`` URLs; the fragment of others, whose query is the
            camera's.
        address: the URL without its fragment, which is not for the camera.
    """

    text: str
    scheme: str
    path: str
    options: dict[str, str]

    @property
    def address(self) -> str:
        """The URL as it is connected to."""
        return self.text.partition("#")[0]

    def codec(self) -> Codec | None:
        """Return the codec to record in, None where it is left to us: copied if it can be, else H.264.

        Raises:
            InvalidInput: it is none that footage is recorded in.
        """
        text = self.options.get("codec")
        if text is None:
            return None
        name = text.lower()
        if name == "raw":
            raise InvalidInput(
                "camera option codec=raw would fill a disk in hours: use codec=mjpeg for pictures that are each whole.",
                "url",
            )
        if name not in CODEC_NAMES:
            raise InvalidInput(f"camera option codec={text[:20]!r} must be h264, h265, mpeg4 or mjpeg", "url")
        return CODEC_NAMES[name]

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Return a numeric option.

        Raises:
            InvalidInput: it is no number between ``low`` and ``high``.
        """
        text = self.options.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise InvalidInput(f"camera option {name}={text[:20]!r} must be a number from {low:g} to {high:g}", "url")
        return value

    def size(self, default: tuple[int, int]) -> tuple[int, int]:
        """Return the option ``size=WIDTHxHEIGHT``, both even.

        Raises:
            InvalidInput: it is not of that form, or out of bounds.
        """
        text = self.options.get("size")
        if text is None:
            return default
        width, _, height = text.partition("x")
        if not (width.isdecimal() and height.isdecimal() and len(text) < 12):
            raise InvalidInput(f"camera option size={text[:20]!r} must be like 1280x720", "url")
        found = int(width), int(height)
        if not all(64 <= n <= 7680 and n % 2 == 0 for n in found):
            raise InvalidInput(f"camera option size={text} must be even numbers from 64 to 7680", "url")
        return found


def parse_url(text: str) -> CameraUrl:
    """Return the camera URL that ``text`` is.

    Raises:
        InvalidInput: it is none; the sentence says what would be right, and holds no credentials.
    """
    if len(text) > 2000 or any(c.isspace() or ord(c) < 32 for c in text):
        raise InvalidInput(f"the camera URL has blanks or control characters, or is too long: use {_EXAMPLES}.", "url")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        # The error's own words quote what was taken for a port or a host, which may be part of a password.
        hint = "write '/', '#', '?' and '@' in a password as %2F, %23, %3F and %40"
        raise InvalidInput(f"the camera URL cannot be read: use {_EXAMPLES}; {hint}.", "url") from None
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES:
        raise InvalidInput(f"cameras of kind {scheme[:20]!r} are not known: use {_EXAMPLES}.", "url")
    if scheme in {"rtsp", "rtsps", "http", "https"} and not parts.hostname:
        raise InvalidInput(f"the camera URL names no host: use {_EXAMPLES}.", "url")
    path = unquote(parts.path)
    if scheme in {"v4l2", "file"} and (parts.netloc or not path.startswith("/") or "\0" in path):
        raise InvalidInput(f"the camera URL must name an absolute path: {scheme}:///path.", "url")
    own = scheme in {"v4l2", "file", "synthetic"}
    url = CameraUrl(text, scheme, path, dict(parse_qsl(parts.query if own else parts.fragment)))
    url.codec()
    if scheme in {"v4l2", "synthetic"}:
        url.size((1280, 720))
        url.number("fps", 30, 1, 240)
    return url
