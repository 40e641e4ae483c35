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
from gatehouse_common.runtime import Core

from .chunk_bytes import Advance, compare
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


class _Hashed:
    """Passes bytes on to a file and hashes them."""

    def __init__(self, to: BinaryIO) -> None:
        self._to = to
        self._sha256, self.crc = hashlib.sha256(), 0

    def copy(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield pieces again after they are written."""
        for piece in pieces:
            self._sha256.update(piece)
            self.crc = zlib.crc32(piece, self.crc)
            self._to.write(piece)
            yield piece

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return self._sha256.hexdigest()


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
    made_us, reader = core.clock.now_us(), FootageReader(core.db)
    sources = sources_of(core, cut.file)
    chunks = ChunkReader(core.media, lambda chunk: reader.chunk(chunk).key)
    hashed = _Hashed(to)
    try:
        to.write(local_header(Entry(CLIP, cut.file.size, 0), made_us))
        regions = [region for source in sources for region in source.regions]
        wrong = compare(hashed.copy(chunks.read(cut.file, 0, cut.file.size)), regions, advance)
        fingerprint = key.public.fingerprint
        texts = {
            PUBLIC_KEY: key.public.pem,
            README: readme(camera, cut.start_us, cut.end_us, hashed.sha256, fingerprint),
        }
        manifest = build_manifest(
            camera=camera,
            camera_name=_name_of(core, camera),
            asked=asked,
            cut=cut,
            gaps=reader.gaps(camera, asked.start, asked.end),
            sources=sources,
            wrong=wrong,
            files={CLIP: hashed.sha256, **{name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}},
            made_us=made_us,
            fingerprint=fingerprint,
            zone=core.zone,
        )
        rest = {MANIFEST: manifest, SIGNATURE: key.sign(manifest), **texts}
        size = _finish(to, Entry(CLIP, cut.file.size, hashed.crc), rest, made_us)
    except OSError as error:
        raise from_os_error(error, "writing the export") from error
    unsealed = sum(source.seal is None for source in sources)
    return Exported(size, hashed.sha256, fingerprint, unsealed, tuple(wrong))


def _finish(to: BinaryIO, clip: Entry, rest: dict[str, bytes], made_us: int) -> int:
    """Write what follows the clip, then the clip's checksum into its header; return the size of the file."""
    entries = [clip]
    for name, data in rest.items():
        entry = Entry(name, len(data), zlib.crc32(data))
        to.write(local_header(entry, made_us) + data)
        entries.append(entry)
    to.write(directory(entries, made_us))
    size = to.tell()
    to.seek(0)
    to.write(local_header(clip, made_us))
    to.seek(size)
    to.flush()
    return size


def _name_of(core: Core, camera: str) -> str:
    try:
        return CameraRepository(core.db).get(camera).name
    except NotFound:  # it was removed; its footage stays
        return camera
