"""Which films have been imported, by their content: the same one under another time is told, not recorded again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from gatehouse_common.errors import from_os_error

log = structlog.get_logger(__name__)

_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportedFilm:
    """A film that a camera's footage was made from.

    Attributes:
        camera: id of the camera.
        sha256: of all bytes of the film's file, in hexadecimal.
        file: its path when it was imported.
        start_us: wall time that it was imported at, microseconds UTC.
        end_us: wall time at which it ended.
    """

    camera: str
    sha256: str
    file: str
    start_us: int
    end_us: int


class ImportedFilms:
    """The list of imported films: a line of JSON each, appended when the film's footage is stored.

    A line that cannot be read costs what it told: its film could be imported twice.

    Raises:
        GatehouseError: the list cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[str, str], list[ImportedFilm]] = {}
        try:
            lines = path.read_bytes().splitlines() if path.exists() else []
        except OSError as error:
            raise from_os_error(error, f"reading {path}") from error
        for number, line in enumerate(lines, 1):
            try:
                self._keep(ImportedFilm(**json.loads(line)))
            except (ValueError, TypeError) as error:
                log.warning("a line of the list of imports cannot be read", line=number, reason=type(error).__name__)

    def find(self, camera: str, sha256: str) -> list[ImportedFilm]:
        """Return the imports of a film with that content, oldest first."""
        return list(self._known.get((camera, sha256), ()))

    def add(self, film: ImportedFilm) -> None:
        """Note an import; one that is known already is not noted again.

        Raises:
            GatehouseError: the list cannot be written.
        """
        if film in self._known.get((film.camera, film.sha256), ()):
            return
        try:
            with self._path.open("ab") as file:
                # On a line of its own, whatever a crash has left of the one before.
                torn = file.tell() > 0 and not self._path.read_bytes().endswith(b"\n")
                file.write(b"\n" * torn + json.dumps(asdict(film)).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise from_os_error(error, f"writing {self._path}") from error
        self._keep(film)

    def _keep(self, film: ImportedFilm) -> None:
        self._known.setdefault((film.camera, film.sha256), []).append(film)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal.

    Raises:
        GatehouseError: it cannot be read.
    """
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while data := file.read(_READ_BYTES):
                found.update(data)
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
    return found.hexdigest()
