"""Signed exports: footage of a range in one file that others can verify, by `gatehouse verify` or by openssl alone."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gatehouse_common.db import CameraRepository, FootageReader
from gatehouse_common.errors import NotFound, from_os_error
from gatehouse_common.footage import ChunkReader
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import Slice
from gatehouse_common.media.virtual_file import VirtualFile
from gatehouse_common.runtime import Core

from .chunk_bytes import Advance, Comparison
from .container import Entry, directory, local_header
from .evidence import Region
from .manifest import CLIP, MANIFEST, PUBLIC_KEY, README, SIGNATURE, build_manifest
from .readme import readme
from .signing import SigningKey
from .sources import sources_of


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported.

    Attributes:
        size: bytes of the file.
        clip_sha256: SHA-256 of the clip, in hexadecimal.
        fingerprint: of the key that signed it.
        unsealed: chunks of which there are no digests.
        wrong: GOPs that are not what was recorded; the manifest says so too.
    """

    size: int
    clip_sha256: str
    fingerprint: str
    unsealed: int
    wrong: tuple[Region, ...]


def write_export(
    core: Core, camera: str, asked: Interval, cut: Slice, key: SigningKey, to: BinaryIO, advance: Advance
) -> Exported:
    """Write a signed export, reading the footage once; GOPs in it are held to the recorder's digests on the way.

    Footage that is not what was recorded is exported all the same: the manifest says so, and who verifies it is told.

    Args:
        core: where the footage is.
        camera: whose it is.
        asked: the range that was asked for.
        cut: the slice that it became.
        key: what to sign with.
        to: the file, which can be sought in.
        advance: told how many bytes of footage were read.

    Raises:
        NotFound: footage was let go of meanwhile.
        DataLoss: a chunk file is shorter than its index says.
        GatehouseError: it cannot be read or written.
    """
    making = _Making(core, camera, asked, cut, key)
    try:
        to.write(making.front())
        to.writelines(making.read(advance))
        to.write(making.tail())
        size = to.tell()
        to.seek(0)
        to.write(making.front())  # with the checksum, now that it is known
        to.seek(size)
        to.flush()
    except OSError as error:
        raise from_os_error(error, "writing the export") from error
    return making.exported(size)


def describe_export(core: Core, camera: str, asked: Interval, cut: Slice, key: SigningKey) -> VirtualFile:
    """Return a signed export as a file that is described: the footage is read to be hashed, and again to be sent.

    Args and errors are those of ``write_export``.
    """
    making = _Making(core, camera, asked, cut, key)
    for _ in making.read(lambda _bytes: None):
        pass
    return VirtualFile((making.front(), *cut.file.pieces, making.tail()), "application/zip")


class _Making:
    """An export that is being made: its clip is read once, then what stands around it is known."""

    def __init__(self, core: Core, camera: str, asked: Interval, cut: Slice, key: SigningKey) -> None:
        self._core, self._camera, self._asked, self._cut, self._key = core, camera, asked, cut, key
        self._made_us = core.clock.now_us()
        self._reader = FootageReader(core.db)
        self._sources = sources_of(core, cut.file)
        self._sha256, self._crc = hashlib.sha256(), 0
        self._wrong: list[Region] = []

    def front(self) -> bytes:
        """Return what stands in front of the clip."""
        return local_header(Entry(CLIP, self._cut.file.size, self._crc), self._made_us)

    def read(self, advance: Advance) -> Iterator[bytes]:
        """Yield the clip, and hash it."""
        file = self._cut.file
        chunks = ChunkReader(self._core.media, lambda chunk: self._reader.chunk(chunk).key)
        comparison = Comparison([region for source in self._sources for region in source.regions])
        for piece in chunks.read(file, 0, file.size):
            self._sha256.update(piece)
            self._crc = zlib.crc32(piece, self._crc)
            comparison.take(piece)
            yield piece
            advance(len(piece))
        self._wrong = comparison.wrong()

    def tail(self) -> bytes:
        """Return what follows the clip."""
        entries, parts = [Entry(CLIP, self._cut.file.size, self._crc)], list[bytes]()
        for name, data in self._texts().items():
            entries.append(Entry(name, len(data), zlib.crc32(data)))
            parts += [local_header(entries[-1], self._made_us), data]
        return b"".join(parts) + directory(entries, self._made_us)

    def exported(self, size: int) -> Exported:
        """Return what was exported, in a file of so many bytes."""
        unsealed = sum(source.seal is None for source in self._sources)
        fingerprint = self._key.public.fingerprint
        return Exported(size, self._sha256.hexdigest(), fingerprint, unsealed, tuple(self._wrong))

    def _texts(self) -> dict[str, bytes]:
        """Return the entries behind the clip, in their order."""
        cut, clip, public = self._cut, self._sha256.hexdigest(), self._key.public
        texts = {
            PUBLIC_KEY: public.pem,
            README: readme(self._camera, cut.start_us, cut.end_us, clip, public.fingerprint),
        }
        manifest = build_manifest(
            camera=self._camera,
            camera_name=_name_of(self._core, self._camera),
            asked=self._asked,
            cut=cut,
            gaps=self._reader.gaps(self._camera, self._asked.start, self._asked.end),
            sources=self._sources,
            wrong=self._wrong,
            files={CLIP: clip, **{name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}},
            made_us=self._made_us,
            fingerprint=public.fingerprint,
            zone=self._core.zone,
        )
        return {MANIFEST: manifest, SIGNATURE: self._key.sign(manifest), **texts}


def _name_of(core: Core, camera: str) -> str:
    try:
        return CameraRepository(core.db).get(camera).name
    except NotFound:  # it was removed; its footage stays
        return camera
