"""What a file that somebody brings is, by its first bytes: what its name or its sender says is not relied on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 4096
"""So many of a file's first bytes say what it is."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of film or sound.

    Attributes:
        type: its media type.
        extension: of names of such files, without the dot.
    """

    type: str
    extension: str


WEBM = FileKind("video/webm", "webm")
MATROSKA = FileKind("video/x-matroska", "mkv")
MP4 = FileKind("video/mp4", "mp4")
QUICKTIME = FileKind("video/quicktime", "mov")
M4A = FileKind("audio/mp4", "m4a")
AVI = FileKind("video/x-msvideo", "avi")
MPEG_TS = FileKind("video/mp2t", "ts")
MPEG_PS = FileKind("video/mpeg", "mpg")
FLV = FileKind("video/x-flv", "flv")
ASF = FileKind("video/x-ms-asf", "wmv")
MP3 = FileKind("audio/mpeg", "mp3")
AAC = FileKind("audio/aac", "aac")
FLAC = FileKind("audio/flac", "flac")
OGG = FileKind("audio/ogg", "ogg")
WAV = FileKind("audio/wav", "wav")

KINDS: Final = (WEBM, MATROSKA, MP4, QUICKTIME, M4A, AVI, MPEG_TS, MPEG_PS, FLV, ASF, MP3, AAC, FLAC, OGG, WAV)
_MORE: Final = {"video/ogg": "ogv", "audio/webm": "webm", "audio/x-wav": "wav", "image/gif": "gif"}
"""What no file is taken for by its first bytes, and some are called, or are made."""
_EXTENSIONS: Final = {**_MORE, **{kind.type: kind.extension for kind in KINDS}}
_EBML: Final = b"\x1aE\xdf\xa3"
_ASF: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_PREFIXES: Final = (
    (b"\x00\x00\x01\xba", MPEG_PS),
    (b"FLV\x01", FLV),
    (_ASF, ASF),
    (b"fLaC", FLAC),
    (b"OggS\x00", OGG),
)
_TS_PACKET: Final = 188
_OLD_QUICKTIME: Final = frozenset({b"moov", b"mdat", b"wide", b"pnot"})
"""Boxes with which films of QuickTime begin that have no ``ftyp``."""


def sniff(head: bytes) -> FileKind | None:
    """Return what a file is whose first ``HEAD_BYTES`` bytes, or all, these are; None: nothing that is taken."""
    if head.startswith(_EBML):
        return _of_ebml(head)
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[:4] == b"RIFF" and head[8:12] in {b"AVI ", b"WAVE"}:
        return AVI if head[8:12] == b"AVI " else WAV
    if head[4:8] == b"ftyp" or head[4:8] in _OLD_QUICKTIME:
        return _of_boxes(head)
    if len(head) > 2 * _TS_PACKET and all(head[at * _TS_PACKET] == 0x47 for at in range(3)):
        return MPEG_TS
    return _of_audio(head)


def extension_of(media_type: str) -> str:
    """Return what names of files of a media type end with, whatever its parameters; ``bin`` if it is not known here."""
    plain = media_type.partition(";")[0].strip().lower()
    return _EXTENSIONS.get(plain, "bin")


def _of_ebml(head: bytes) -> FileKind | None:
    """Return what the DocType says (RFC 8794 section 11.2.4): it is text, and stands in the header that comes first."""
    at = head.find(b"\x42\x82")
    told = head[at + 3 : at + 3 + (head[at + 2] & 0x7F)] if 0 < at < len(head) - 3 else b""
    told = told.rstrip(b"\0")
    return WEBM if told == b"webm" else MATROSKA if told == b"matroska" else None


def _of_boxes(head: bytes) -> FileKind:
    """Return what the brand of a film of boxes says (ISO/IEC 14496-12 section 4.3)."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b"qt  "
    if brand in {b"M4A ", b"M4B "}:
        return M4A
    return QUICKTIME if brand == b"qt  " else MP4


def _of_audio(head: bytes) -> FileKind | None:
    """Return whether it is MP3 or AAC: tags, or the header of a frame (ISO/IEC 11172-3, 13818-7)."""
    if head.startswith(b"ID3"):
        return MP3
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return AAC
    layer, rate, frequency = head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return MP3 if layer and 0 < rate < 15 and frequency < 3 else None
