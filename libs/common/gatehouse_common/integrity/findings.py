"""What a verification finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class DamageKind(StrEnum):
    """What is wrong."""

    CHANGED = "changed"  # bytes are not those that were recorded
    SHORT = "short"  # the file ends before what was recorded does
    LONG = "long"  # there is more in the file than was recorded
    REPLACED = "replaced"  # the file is another chunk than the index says
    MISSING = "missing"  # the index knows a file that is not there
    BROKEN = "broken"  # the chain of a run does not go on: a chunk between two was taken out, or one was put in
    INDEX = "index"  # a sample index, with the digests in it, is damaged itself
    SIGNATURE = "signature"  # an export is not what was signed, or not by whom it should be


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong.

    Attributes:
        kind: what.
        key: object key or file name.
        detail: a sentence for people.
        camera: whose footage, where that is known.
        chunk: id of the chunk, where that is known.
        start: first byte that is wrong; None where it is not a matter of bytes.
        end: the byte after the last.
        from_us: wall time from which on footage is concerned, microseconds UTC; None: no footage is.
        to_us: wall time up to which it is.
    """

    kind: DamageKind
    key: str
    detail: str
    camera: str = ""
    chunk: str = ""
    start: int | None = None
    end: int | None = None
    from_us: int | None = None
    to_us: int | None = None


@dataclass(frozen=True, slots=True)
class SignedExport:
    """What an export says of itself: as much worth as the key that signed it.

    Attributes:
        file: its name.
        key: fingerprint of the key that it is signed with, SHA-256 in hexadecimal; empty: it cannot be told.
        is_known: whether that is the key that was given, and the signature is its: then its owner says all this.
        camera: id of the camera.
        camera_name: what people called it.
        start_us: of its first frame, microseconds UTC.
        end_us: of the end of its last frame.
        time_zone: the recorder's zone, an IANA name.
        made_us: when it was made, by the recorder's clock.
        footage_us: how much footage is in it, microseconds.
        held_us: how much of that holds to digests that the recorder made while it recorded.
    """

    file: str
    key: str
    is_known: bool
    camera: str
    camera_name: str
    start_us: int
    end_us: int
    time_zone: str
    made_us: int
    footage_us: int
    held_us: int


@dataclass(slots=True)
class Report:
    """What was verified, and what was found.

    Attributes:
        chunks: chunk files that were held to their digests.
        bytes: bytes of files that were read.
        exports: signed exports that were verified.
        signed: what they say of themselves, of those whose manifest can be read.
        unsealed: chunk files without digests, recorded by an earlier version: only their index was compared.
        late: chunk files of which some digests were computed from the file after a crash, not while it was written.
        open: chunks that are being recorded and were not looked at.
        damages: what is wrong.
        notes: what a person may want to know and is not wrong.
    """

    chunks: int = 0
    bytes: int = 0
    exports: int = 0
    unsealed: int = 0
    late: int = 0
    open: int = 0
    signed: list[SignedExport] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
