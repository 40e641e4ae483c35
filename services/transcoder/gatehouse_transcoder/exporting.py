"""Footage as a file that somebody asked for: cut as the api cuts, not a frame encoded anew.

One film of one camera is an MP4. Several are a ZIP that holds each, and a list of what is in it; signed ones are the
exports that `gatehouse verify` verifies.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatehouse_common.db import FootageReader
from gatehouse_common.errors import Conflict, InvalidInput, NotFound, from_os_error
from gatehouse_common.footage import ChunkReader, Library
from gatehouse_common.integrity.export import write_export
from gatehouse_common.integrity.signing import SigningKey, signing_key
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import Slice, slice_footage
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import compact, rfc3339

from .work import Work

_KEPT_INDEX_BYTES = 32 << 20


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
        key: fingerprint of the key that signed ones are to be signed with; empty: of any.
    """

    parts: tuple[Part, ...]
    gaps: str
    signed: bool
    missing: tuple[str, ...] = ()
    key: str = ""

    @property
    def is_single(self) -> bool:
        """Whether it is one film, or one signed export, and not a ZIP of several."""
        return len(self.parts) + len(self.missing) == 1


def export(work: Work) -> None:
    """Make the file of an export, and keep it as the original of its medium; what is missing is told as the result.

    Raises:
        NotFound: nothing of what was asked for is recorded any more.
        GatehouseError: see ``write_footage``.
    """
    if work.file("original") is not None:
        return
    made = work.folder / ("original.mp4" if work.media.type == "video/mp4" else "original.zip")
    wanted = parse_wanted(work.job.parameters)
    films = write_footage(work.core, wanted, made, work.told, work.check, work.require_room)
    # One film alone is the file; of all else the film's digest is of a part of it.
    digest = films[0]["film_sha256"] if wanted.is_single and not wanted.signed else _digest(made)
    of_file = {"films": films}
    work.keep(made, "original", "", work.media.type, of_file=of_file, bytes=made.stat().st_size, digest=digest)
    work.result.update(of_file)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise from_os_error(error, "reading the export") from error


def parse_wanted(parameters: dict[str, Any]) -> Wanted:
    """Return what the parameters of a job ask for.

    Raises:
        InvalidInput: they are not those of an export.
    """
    try:
        parts = tuple(Part(str(p["camera"]), int(p["start_us"]), int(p["end_us"])) for p in parameters["parts"])
        missing = tuple(str(camera) for camera in parameters.get("missing", ()))
        key = str(parameters.get("key", ""))
        wanted = Wanted(parts, str(parameters["gaps"]), bool(parameters["signed"]), missing, key)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"the job does not say what to export: {error}") from error
    if not parts or wanted.gaps not in {"keep", "skip"}:
        raise InvalidInput("the job does not say what to export")
    return wanted


def write_footage(
    core: Core,
    wanted: Wanted,
    path: Path,
    told: Callable[[float], None],
    check: Callable[[], None],
    room: Callable[[int, int], None],
) -> list[dict[str, Any]]:
    """Write what is exported to a new file; return what is in it and what is missing, film by film.

    Args:
        core: index, store, and the key that signs.
        wanted: what.
        path: the file.
        told: told how much of it is done, 0 to 1.
        check: called before each piece; raises to break off.
        room: called before each film with what it takes here and in the store, bytes; raises if there is not so much.

    Raises:
        NotFound: nothing of it is recorded, or it was let go of meanwhile.
        DataLoss: a chunk cannot be read.
        ResourceExhausted: no room.
        GatehouseError: index or store do not answer.
    """
    making = _Making(core, wanted, told, check, room)
    try:
        if wanted.is_single:
            return [making.film(wanted.parts[0], path, 0)]
        return making.archive(path)
    except OSError as error:
        raise from_os_error(error, "writing the export") from error


class _Making:
    """An export that is being made: one film after the other, so that only one has its samples in memory."""

    def __init__(
        self,
        core: Core,
        wanted: Wanted,
        told: Callable[[float], None],
        check: Callable[[], None],
        room: Callable[[int, int], None],
    ) -> None:
        self._core, self._wanted, self._told, self._check, self._room = core, wanted, told, check, room
        footage = FootageReader(core.db)
        self._chunks = ChunkReader(core.media, lambda chunk: footage.chunk(chunk).key)

    def archive(self, path: Path) -> list[dict[str, Any]]:
        """Write a ZIP of films, and the list of what is in it; nothing is compressed twice."""
        nothing = {"file": None, "missing": "nothing is recorded in that range"}
        listed: list[dict[str, Any]] = [{"camera": camera, **nothing} for camera in self._wanted.missing]
        with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for number, part in enumerate(self._wanted.parts):
                one = path.with_name("film")
                try:
                    told = self.film(part, one, number)
                except NotFound:
                    span = {"from": rfc3339(part.start_us), "to": rfc3339(part.end_us)}
                    listed.append({"camera": part.camera, **span, **nothing})
                    continue
                # A number keeps names apart in the hour that a clock runs through twice.
                stamp = compact(part.start_us, self._core.zone)
                name = f"{number + 1:02d}_{part.camera}_{stamp}.{'zip' if self._wanted.signed else 'mp4'}"
                archive.write(one, name)
                one.unlink()
                listed.append({**told, "file": name})
            if all(film["file"] is None for film in listed):
                raise NotFound("nothing of it is recorded any more")
            archive.writestr("contents.json", json.dumps({"films": listed}, indent=1) + "\n")
        return listed

    def film(self, part: Part, path: Path, number: int) -> dict[str, Any]:
        """Write one film, or one signed export; return what it shows.

        Raises:
            NotFound: nothing of it is recorded, or it was let go of meanwhile.
        """
        cut = self._cut(part)
        # In an archive a film is here twice for a moment.
        self._room(cut.file.size if self._wanted.is_single else 2 * cut.file.size, cut.file.size)
        digest = self._write(part, cut, path, number)
        return {
            "camera": part.camera,
            "from": rfc3339(part.start_us),
            "to": rfc3339(part.end_us),
            "file": path.name,
            "footage_from": rfc3339(cut.start_us),
            "footage_to": rfc3339(cut.end_us),
            "film_sha256": digest,
            "gaps": [[rfc3339(gap.start), rfc3339(gap.end)] for gap in cut.gaps],
        }

    def _key(self) -> SigningKey:
        """Return the key that signs.

        Raises:
            Conflict: it is not the one that whoever asked for the export has.
        """
        key = signing_key(self._core.settings)
        if self._wanted.key not in {"", key.public.fingerprint}:
            raise Conflict(
                "the transcoder has another signing key than the api: set `integrity.signing_key_file` alike"
            )
        return key

    def _cut(self, part: Part) -> Slice:
        with closing(Library(self._core, _KEPT_INDEX_BYTES)) as library:
            media = library.find(part.camera, part.start_us, part.end_us).media
        return slice_footage(media, part.start_us, part.end_us, gaps="skip" if self._wanted.gaps == "skip" else "keep")

    def _write(self, part: Part, cut: Slice, path: Path, number: int) -> str:
        """Write one film; return its SHA-256."""
        done, size = 0, max(1, cut.file.size)

        def advance(more: int) -> None:
            nonlocal done
            self._check()
            done += more
            self._told((number + done / size) / len(self._wanted.parts))

        with path.open("xb") as to:
            if self._wanted.signed:
                asked = Interval(part.start_us, part.end_us)
                return write_export(self._core, part.camera, asked, cut, self._key(), to, advance).clip_sha256
            digest = hashlib.sha256()
            for piece in self._chunks.read(cut.file, 0, cut.file.size):
                digest.update(piece)
                to.write(piece)
                advance(len(piece))
            return digest.hexdigest()
