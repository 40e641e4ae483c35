"""What is secret in the URL of a camera: every value that is not known to be harmless.

Makers put credentials wherever they like: ``?loginuse=..&loginpas=..``, ``/user=.._password=.._channel=1.sdp``, a bare
token. Their names cannot be listed; those of parameters that are shown to people can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus, urlsplit

from .secrets import MASK, mask, register_secret, register_url

HARMLESS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        audio bitrate camera ch chan channel channelid codec compression format fps framerate height loop mode pace
        plate profile protocol quality rate res resolution size start stream streamid streamtype subtype transport
        transportmode type video videocodec width
        """,
    )
)
"""Names of parameters whose values are shown; compared in lower case, without ``_`` and ``-``."""

_NAMES_OF_USERS: Final = frozenset({"account", "login", "loginuse", "user", "username", "usr"})
_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        admin auto cameras default error event false file footage guest h264 h265 hevc high http https jpeg level live
        main medium mjpeg mjpg mpeg4 multicast name none path reason recording real_stream root rtsp service state
        status timestamp true unicast user
        """,
    )
)
_CUT_PASSWORD = re.compile(r"[a-z0-9+.-]+://[^:/?#@]*:([^@/?#]*[/?#].*)@", re.IGNORECASE)
"""A password with a mark in it that should have been written as %2F, %3F or %23."""
_COUNT = re.compile(r"[0-9]{1,5}")
_OF_THIS_MACHINE: Final = frozenset({"file", "v4l2", "synthetic"})
_BETWEEN_PARAMETERS = re.compile(r"([&;])")
_BETWEEN_FOLDERS = re.compile(r"([/;,]|_(?=[A-Za-z]+=))")  # some cameras have user=.._password=.._channel=1 as a path

_done: set[str] = set()


def register_camera_url(url: str) -> None:
    """Remember what is secret in the URL of a camera; from now on it is masked in everything that is told.

    In its place in the URL every value is, however short. Elsewhere a value is only if it cannot be taken for a name,
    a number or a word of this trade, for masking those would make logs unreadable.
    """
    if url in _done:
        return
    register_url(url)
    cut = _CUT_PASSWORD.match(url)
    if cut is not None:
        register_secret(cut[1])
    for before, value in _values(url):
        register_secret(before + value, before + MASK)
        name = before[1:-1].lower()
        if name in _NAMES_OF_USERS or value.lower() in _WORDS | HARMLESS or _COUNT.fullmatch(value):
            continue
        for form in {value, unquote(value), unquote_plus(value)}:
            register_secret(form)
    _done.add(url)  # last: whoever finds it here may tell it


def show_camera_url(url: str) -> str:
    """Return the URL of a camera as people may see it, whether or not it has been registered."""
    register_camera_url(url)
    return mask(url)


def _values(url: str) -> Iterator[tuple[str, str]]:
    """Yield the values that may be secret, each with what stands before it: its separator, its name and ``=``."""
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        return
    scheme, _, rest = url.partition(":")
    rest, hash_, fragment = rest.removeprefix("//")[len(netloc) :].partition("#")
    path, question, query = rest.partition("?")
    pieces = [question, *_BETWEEN_PARAMETERS.split(query), hash_, fragment]
    for separator, piece in zip(pieces[::2], pieces[1::2], strict=True):
        name, equals, value = piece.partition("=")
        if equals and value and not _harmless(name):
            yield f"{separator}{name}=", value
        elif not equals and piece and not _harmless(piece):
            yield separator, piece
    if scheme.lower() in _OF_THIS_MACHINE:
        return
    pieces = ["", *_BETWEEN_FOLDERS.split(path)]
    for separator, piece in zip(pieces[::2], pieces[1::2], strict=True):
        name, _, value = piece.partition("=")
        if value and not _harmless(name):
            yield f"{separator}{name}=", value


def _harmless(name: str) -> bool:
    return re.sub(r"[_-]", "", unquote(name)).lower() in HARMLESS
