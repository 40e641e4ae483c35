"""Footage as a file that somebody asked for: cut as the api cuts, not a frame encoded anew.

One film of one camera is an MP4. Several are a ZIP that holds each, and a list of what is in it; signed ones are the
exports that `gatehouse verify` verifies.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatehouse_common.errors import InvalidInput, NotFound, from_os_error
from gatehouse_common.footage import Library
from gatehouse_common.integrity.export import write_export
from gatehouse_common.integrity.signing import signing_key
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import Slice, slice_footage
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import compact, rfc3339

from .work import Work

_KEPT_INDEX_BYTES = 32 << 20
Advance = Callable[[int], None]
"""Is told how many more bytes of footage have been written; raises to break off."""


@dataclass(frozen=True, slots=True)
class Part:
    """Footage of a camera in ``[start_us, end_us)``, which is one film."""

    camera: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported.

    Attributes:
        parts: the films; those of which nothing is recorded are left out, and said so in the list.
        gaps: ``keep`` or ``skip``, as the slicer takes it.
        signed: whether each comes with its manifest and signature.
        missing: cameras that were asked for too, of which nothing is recorded.
    """

    parts: tuple[Part, ...]
    gaps: str
    signed: bool
    missing: tuple[str, ...] = ()

    @property
    def is_single(self) -> bool:
        """Whether it is one film, or one signed export, and not a ZIP of several."""
        return len(self.parts) + len(self.missing) == 1


def export(work: Work) -> None:
    """Make the file of an export, and keep it as the original of its medium.

    Raises:
        NotFound: nothing of what was asked for is recorded any more.
        GatehouseError: see ``write_footage``.
    """
    if work.file("original") is not None:
        return
    made = work.folder / ("original.mp4" if work.media.type == "video/mp4" else "original.zip")
    done, whole = 0, 1

    def advance(size: int) -> None:
        nonlocal done
        work.check()
        done += size
        work.told(done / whole)

    def total(size: int) -> None:
        nonlocal whole
        whole = max(1, size)

    write_footage(work.core, parse_wanted(work.job.parameters), made, advance, total)
    with made.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    work.keep(made, "original", "", work.media.type, bytes=made.stat().st_size, digest=digest)


def parse_wanted(parameters: dict[str, Any]) -> Wanted:
    """Return what the parameters of a job ask for.

    Raises:
        InvalidInput: they are not those of an export.
    """
    try:
        parts = tuple(Part(str(p["camera"]), int(p["start_us"]), int(p["end_us"])) for p in parameters["parts"])
        missing = tuple(str(camera) for camera in parameters.get("missing", ()))
        wanted = Wanted(parts, str(parameters["gaps"]), bool(parameters["signed"]), missing)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"the job does not say what to export: {error}") from error
    if not parts or wanted.gaps not in {"keep", "skip"}:
        raise InvalidInput("the job does not say what to export")
    return wanted


def write_footage(core: Core, wanted: Wanted, path: Path, advance: Advance, total: Callable[[int], None]) -> None:
    """Write what is exported to a new file.

    Args:
        core: index, store, and the key that signs.
        wanted: what.
        path: the file.
        advance: told what was written, piece by piece.
        total: told once how many bytes of footage there will be, before the first.

    Raises:
        NotFound: nothing of it is recorded, or it was let go of meanwhile.
        DataLoss: a chunk cannot be read.
        ResourceExhausted: no room.
        GatehouseError: index or store do not answer.
    """
    with closing(Library(core, _KEPT_INDEX_BYTES)) as library:
        cuts = [(part, _cut(library, part, wanted.gaps)) for part in wanted.parts]
    found = [(part, cut) for part, cut in cuts if cut is not None]
    if not found:
        raise NotFound("nothing of it is recorded any more")
    total(sum(cut.file.size for _, cut in found))
    try:
        if wanted.is_single:
            _write_one(core, *found[0], wanted.signed, path, advance)
        else:
            _write_several(core, wanted, cuts, path, advance)
    except OSError as error:
        raise from_os_error(error, "writing the export") from error


def _cut(library: Library, part: Part, gaps: str) -> Slice | None:
    media = library.find(part.camera, part.start_us, part.end_us).media
    try:
        return slice_footage(media, part.start_us, part.end_us, gaps="skip" if gaps == "skip" else "keep")
    except NotFound:
        return None


def _write_one(core: Core, part: Part, cut: Slice, signed: bool, path: Path, advance: Advance) -> str:
    """Write one film, or one signed export; return the SHA-256 of the film."""
    with path.open("xb") as to:
        if signed:
            asked = Interval(part.start_us, part.end_us)
            return write_export(core, part.camera, asked, cut, signing_key(core.settings), to, advance).clip_sha256
        digest = hashlib.sha256()
        for piece in _told(cut.file.read(core.media), advance):
            digest.update(piece)
            to.write(piece)
        return digest.hexdigest()


def _write_several(
    core: Core, wanted: Wanted, cuts: list[tuple[Part, Slice | None]], path: Path, advance: Advance
) -> None:
    """Write a ZIP of films, one after the other, and the list of what is in it; nothing is compressed twice."""
    nothing = {"file": None, "missing": "nothing is recorded in that range"}
    listed: list[dict[str, Any]] = [{"camera": camera, **nothing} for camera in wanted.missing]
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for part, cut in cuts:
            span = {"camera": part.camera, "from": rfc3339(part.start_us), "to": rfc3339(part.end_us)}
            if cut is None:
                listed.append({**span, **nothing})
                continue
            one = path.with_name("film")
            digest = _write_one(core, part, cut, wanted.signed, one, advance)
            name = f"{part.camera}_{compact(cut.start_us, core.zone)}.{'zip' if wanted.signed else 'mp4'}"
            archive.write(one, name)
            one.unlink()
            gaps = [[rfc3339(gap.start), rfc3339(gap.end)] for gap in cut.gaps]
            told = {"file": name, "footage_from": rfc3339(cut.start_us), "film_sha256": digest, "gaps": gaps}
            listed.append({**span, **told})
        archive.writestr("contents.json", json.dumps({"films": listed}, indent=1) + "\n")


def _told(pieces: Iterator[bytes], advance: Advance) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        advance(len(piece))
