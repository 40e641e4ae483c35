"""A file that stands for nothing: given up on a full disk, so that there is room to decide what else may go."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gatehouse_common.errors import from_os_error

from .folders import sync

BALLAST_BYTES = 8 << 20
"""What the index needs to note some thousand deletions, and to be opened: its log, and the map of that."""
_PLENTY = 4


class Ballast:
    """Room that is taken in good times. Whoever fills the disk leaves it, for it is a file like any other.

    An index of SQLite cannot so much as forget a row where not one byte is free, and nothing is deleted that the index
    does not know to be going.

    Args:
        folder: where the index is.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def keep(self) -> None:
        """Take the room, if it is not taken and there is plenty.

        Raises:
            GatehouseError: it cannot be.
        """
        try:
            if self._path.exists() and self._path.stat().st_size >= BALLAST_BYTES:
                return
            if shutil.disk_usage(self._path.parent).free < _PLENTY * BALLAST_BYTES:
                return
            with self._path.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
                else:
                    file.write(b"\0" * BALLAST_BYTES)
            sync(self._path.parent)
        except OSError as error:
            raise from_os_error(error, f"keeping {self._path}") from error

    def give(self) -> bool:
        """Give the room away; return whether there was any.

        Raises:
            GatehouseError: it cannot be.
        """
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise from_os_error(error, f"deleting {self._path}") from error
        return True
