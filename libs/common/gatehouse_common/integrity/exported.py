"""Verifying a signed export, on any machine, without index and store."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Base64Bytes, BaseModel, BeforeValidator, Field, ValidationError

from gatehouse_common.errors import DataLoss, InvalidInput
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.media.seal import chain_start, make_seal
from gatehouse_common.timefmt import parse

from .chunk_bytes import Advance, compare
from .container import Entry, frame, read_entries
from .evidence import Region
from .findings import Damage, DamageKind, Report, SignedExport
from .manifest import CLIP, FORMAT, MANIFEST, NAMES, PUBLIC_KEY, SIGNATURE
from .one_file import OneFile
from .signing import VerifyingKey, parse_public_key

_MOST_BYTES = {MANIFEST: 128 << 20}
"""A manifest has the digests of each GOP: 30 MB for the longest export, of JPEGs."""
_MOST_TEXT = 64 << 10
_HEADER_BYTES = 4096
_UTC = ZoneInfo("UTC")


def _moment(text: object) -> int:
    try:
        return parse(str(text), _UTC)
    except InvalidInput as error:
        raise ValueError(error.message) from error


_Us = Annotated[int, BeforeValidator(_moment)]
_Digest = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]


class _Span(BaseModel):
    from_us: _Us = Field(alias="from")
    to_us: _Us = Field(alias="to")

    @property
    def interval(self) -> Interval:
        """Return it; what ends before it begins is nothing."""
        return Interval(self.from_us, max(self.from_us, self.to_us))


class _Piece(_Span):
    offset: int = Field(ge=0)
    bytes: int = Field(gt=0)
    gop: int = Field(-1, ge=-1)
    front: Base64Bytes = b""


class _Chunk(_Span):
    id: str
    run: str
    key: str
    gops: list[_Digest] | None
    in_clip: list[_Piece]
    previous: _Digest = ""
    head: _Digest = ""
    last: _Digest = ""


class _Key(BaseModel):
    sha256: str


class _Camera(BaseModel):
    id: str
    name: str = ""


class _Clip(BaseModel):
    bytes: int
    sha256: str


class _Manifest(BaseModel):
    """What of a manifest is verified."""

    format: str = Field(pattern=f"^{FORMAT}$")
    made: _Us
    key: _Key
    camera: _Camera
    time_zone: str = "UTC"
    got: _Span
    gaps: list[_Span] = []
    clip: _Clip
    files: dict[str, str]
    chunks: list[_Chunk]
    wrong: list[_Piece]


def is_export(path: Path) -> bool:
    """Whether a file is to be verified as an export: by its name, or by how it begins."""
    return path.suffix.lower() == ".zip" or OneFile(path).read(str(path), 0, 4) == b"PK\3\4"


def verify_export(path: Path, key: VerifyingKey | None, report: Report, advance: Advance) -> None:
    """Add to a report what is wrong with an export.

    Args:
        path: the file.
        key: the key that it must be signed with, known by another way; None: the one in it.
        report: what to add to.
        advance: told how many bytes were read.

    Raises:
        NotFound: there is no such file.
    """
    export = _Export(OneFile(path), str(path))
    report.exports += 1
    report.bytes += export.size
    try:
        report.damages += export.damages(key, advance)
    except DataLoss as error:
        report.damages.append(Damage(DamageKind.CHANGED, str(path), error.message, start=0, end=export.size))
    if export.said is not None:
        report.signed.append(export.said)


class _Export:
    """The verification of one file."""

    def __init__(self, store: OneFile, name: str) -> None:
        self._store, self._name = store, name
        self.size = store.stat(name).size
        self.signer: VerifyingKey | None = None
        self.said: SignedExport | None = None
        self._places: dict[str, tuple[int, int]] = {}
        self._texts: dict[str, bytes] = {}
        self._held: list[Interval] = []

    def damages(self, key: VerifyingKey | None, advance: Advance) -> list[Damage]:
        """Return what is wrong.

        Raises:
            DataLoss: it does not have the entries of an export.
        """
        self._find()
        found = self._signature(key)
        try:
            manifest = _Manifest.model_validate_json(self._texts[MANIFEST])
        except ValidationError as error:
            what = error.errors()[0]["msg"]
            return [*found, self._damage(MANIFEST, f"the manifest is not one of `{FORMAT}`: {what}")]
        is_known = key is not None and not found
        found += self._files(manifest)
        found += self._clip(manifest, advance)
        found += self._chains(manifest)
        self.said = self._said(manifest, is_known=is_known)
        return found

    def _said(self, manifest: _Manifest, *, is_known: bool) -> SignedExport:
        """Return what the export says of itself."""
        got, gaps = manifest.got.interval, [one.interval for one in manifest.gaps]
        footage_us = sum(one.duration for one in subtract(got, gaps))
        return SignedExport(
            file=self._name,
            key="" if self.signer is None else self.signer.fingerprint,
            is_known=is_known,
            camera=manifest.camera.id,
            camera_name=manifest.camera.name,
            start_us=got.start,
            end_us=manifest.got.to_us,
            time_zone=manifest.time_zone,
            made_us=manifest.made,
            footage_us=footage_us,
            held_us=footage_us - sum(one.duration for one in subtract(got, [*gaps, *self._held])),
        )

    def _find(self) -> None:
        at = 0
        for expected in NAMES:
            name, offset, size = read_entries(self._store.read(self._name, at, _HEADER_BYTES))
            if name != expected or at + offset + size > self.size:
                raise DataLoss(f"it is no export, or damaged: {expected} is not where it should be, at byte {at}")
            self._places[name] = at + offset, size
            at += offset + size
            if name != CLIP and size > _MOST_BYTES.get(name, _MOST_TEXT):
                raise DataLoss(f"it is no export, or damaged: {name} has {size} bytes")
        self._texts = {name: self._store.read(self._name, *self._places[name]) for name in NAMES if name != CLIP}

    def _signature(self, key: VerifyingKey | None) -> list[Damage]:
        """Return what is wrong with who signed it."""
        try:
            self.signer = parse_public_key(self._texts[PUBLIC_KEY])
        except InvalidInput as error:
            return [self._damage(PUBLIC_KEY, error.message, DamageKind.SIGNATURE)]
        by = key or self.signer
        if by.signed(self._texts[MANIFEST], self._texts[SIGNATURE]):
            return []
        if key is not None and key.fingerprint != self.signer.fingerprint:
            detail = f"it is signed with the key {self.signer.fingerprint}, not with {key.fingerprint}"
            return [self._damage(PUBLIC_KEY, detail, DamageKind.SIGNATURE)]
        return [self._damage(MANIFEST, "the manifest is not what was signed", DamageKind.SIGNATURE)]

    def _files(self, manifest: _Manifest) -> Iterator[Damage]:
        """Yield what is wrong with the texts beside the manifest."""
        if self.signer is not None and manifest.key.sha256 != self.signer.fingerprint:
            detail = "the manifest speaks of another key than the one beside it"
            yield self._damage(PUBLIC_KEY, detail, DamageKind.SIGNATURE)
        for name in sorted({*self._texts} - {MANIFEST, SIGNATURE}):
            if hashlib.sha256(self._texts[name]).hexdigest() != manifest.files.get(name):
                yield self._damage(name, f"{name} is not what the manifest says")

    def _clip(self, manifest: _Manifest, advance: Advance) -> list[Damage]:
        """Return what is wrong with the clip, by the GOPs that the recorder made digests of, and with the container."""
        at, size = self._places[CLIP]
        whole, crc = hashlib.sha256(), 0

        def hashed() -> Iterator[bytes]:
            nonlocal crc
            for piece in self._store.open_range(self._name, at, size):
                whole.update(piece)
                crc = zlib.crc32(piece, crc)
                yield piece

        regions = _regions(manifest)
        wrong = compare(hashed(), regions, advance)
        self._held = list(_spans_but(regions, wrong))
        known = {(piece.offset, piece.bytes) for piece in manifest.wrong}
        found = [
            self._footage("it was not what was recorded when it was exported, and the manifest says so", one, at)
            for one in wrong
            if (one.start, one.end - one.start) in known
        ]
        changed = [one for one in wrong if (one.start, one.end - one.start) not in known]
        if whole.hexdigest() != manifest.clip.sha256 or size != manifest.clip.bytes:
            damaged = changed or [Region(0, size, b"", "", manifest.got.from_us, manifest.got.to_us)]
            found += [self._footage("the clip is not what was exported", one, at) for one in damaged]
        elif changed:
            found += [self._footage("it is not what was recorded", one, at) for one in changed]
        return [*found, *self._frame(manifest.made, crc)]

    def _footage(self, detail: str, region: Region, at: int) -> Damage:
        span = region.from_us, region.to_us
        return Damage(DamageKind.CHANGED, self._name, detail, "", "", at + region.start, at + region.end, *span)

    def _frame(self, made_us: int, crc: int) -> list[Damage]:
        """Return what is wrong between the entries: every byte there follows from them."""
        sums = {name: zlib.crc32(text) for name, text in self._texts.items()} | {CLIP: crc}
        entries = [Entry(name, self._places[name][1], sums[name]) for name in NAMES]
        found, end = list[Damage](), 0
        for at, expected in frame(entries, made_us):
            end = at + len(expected)
            if self._store.read(self._name, at, len(expected)) != expected:
                detail = "the zip file around the entries is damaged"
                found.append(Damage(DamageKind.CHANGED, self._name, detail, start=at, end=end))
        if self.size != end:
            detail = f"the file has {self.size} bytes, and not {end}"
            kind = DamageKind.LONG if self.size > end else DamageKind.SHORT
            found.append(Damage(kind, self._name, detail, start=min(end, self.size), end=max(end, self.size)))
        return found

    def _chains(self, manifest: _Manifest) -> Iterator[Damage]:
        """Yield where the digests of the source chunks do not lead from link to link."""
        last: dict[str, str] = {}
        for chunk in manifest.chunks:
            if chunk.gops is None:
                last.pop(chunk.run, None)
                continue
            previous, head, *gops = (bytes.fromhex(one) for one in (chunk.previous, chunk.head, *chunk.gops))
            detail = ""
            if make_seal(previous, head, gops).last.hex() != chunk.last:
                detail = f"the digests of {chunk.key} do not lead to its last link"
            elif chunk.previous not in {last.get(chunk.run, chunk.previous), chain_start(chunk.run).hex()}:
                detail = f"{chunk.key} does not follow the chunk before it"
            if detail:
                span = None, None, chunk.from_us, chunk.to_us
                yield Damage(DamageKind.BROKEN, self._name, detail, manifest.camera.id, chunk.id, *span)
            last[chunk.run] = chunk.last

    def _damage(self, name: str, detail: str, kind: DamageKind = DamageKind.CHANGED) -> Damage:
        at, size = self._places[name]
        return Damage(kind, self._name, detail, start=at, end=at + size)


def _regions(manifest: _Manifest) -> list[Region]:
    """Return the GOPs of the clip that are there as a whole, with the recorder's digests."""
    found: list[Region] = []
    for chunk in manifest.chunks:
        gops = chunk.gops or []
        for one in chunk.in_clip:
            if 0 <= one.gop < len(gops):
                digest = bytes.fromhex(gops[one.gop])
                span = one.from_us, one.to_us
                found.append(Region(one.offset, one.offset + one.bytes, digest, "", *span, one.front))
    return sorted(found, key=lambda region: region.start)


def _spans_but(regions: Sequence[Region], wrong: Sequence[Region]) -> Iterator[Interval]:
    """Yield the times of regions that have their digest."""
    bad = {(one.start, one.end) for one in wrong}
    for one in regions:
        if (one.start, one.end) not in bad and one.from_us is not None and one.to_us is not None:
            yield Interval(one.from_us, max(one.from_us, one.to_us))
