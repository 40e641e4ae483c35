"""Which cameras to record: from the index, or as it was last known while the index is away."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import structlog

from gatehouse_common.db import CameraRepository, FootageReader
from gatehouse_common.errors import GatehouseError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A camera to record, and where its recording ended when that was last known."""

    id: str
    url: str
    end_us: int | None = None


class Roster:
    """The enabled cameras; a copy in the data directory, readable by its owner alone, outlives the database."""

    def __init__(self, cameras: CameraRepository, footage: FootageReader, path: Path) -> None:
        self._cameras, self._footage, self._path = cameras, footage, path

    def load(self) -> list[Assignment]:
        """Return the cameras to record."""
        try:
            found = [
                Assignment(c.id, c.url, self._footage.last_end_us(c.id)) for c in self._cameras.list() if c.enabled
            ]
        except GatehouseError as error:
            log.warning("the index is away: recording the cameras of the last time", reason=error.message)
            return self._remembered()
        self._remember(found)
        return found

    def _remembered(self) -> list[Assignment]:
        try:
            return [Assignment(**fields) for fields in json.loads(self._path.read_text())]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            log.warning("the list of cameras cannot be read", path=str(self._path), reason=str(error))
            return []

    def _remember(self, cameras: list[Assignment]) -> None:
        fields = [{"id": c.id, "url": c.url, "end_us": c.end_us} for c in cameras]
        fresh = self._path.with_suffix(".new")
        try:
            fd = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with os.fdopen(fd, "w") as file:
                json.dump(fields, file)
            fresh.replace(self._path)
        except OSError as error:
            log.warning("the list of cameras cannot be kept", path=str(self._path), reason=str(error))
