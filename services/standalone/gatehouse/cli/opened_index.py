"""The index, opened for one command: no service has to run, and no media is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gatehouse_common.clock import Clock, SystemClock
from gatehouse_common.db import Audit, Database, Deed, Facts, User, Users
from gatehouse_common.errors import NotFound
from gatehouse_common.observability.secrets import register_url
from gatehouse_common.runtime import index, zone_in_force
from gatehouse_common.settings import Settings

from .options import read_settings


@dataclass(frozen=True, slots=True)
class Index:
    """The index, and what a command needs beside it.

    Attributes:
        db: the index.
        clock: the time.
        zone: the site's zone.
    """

    db: Database
    clock: Clock
    zone: ZoneInfo

    def note(self, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Write into the audit log what was done from this machine's command line.

        Args:
            action: what, e.g. ``user.added``.
            subject: with what, e.g. ``user ann``.
            detail: what else there is to say; no secrets.
        """
        Audit(self.db).write(Deed(action, subject, detail=detail or {}), self.clock.now_us())

    def user(self, name: str) -> User:
        """Return the user of a name.

        Raises:
            NotFound: there is none.
        """
        found = Users(self.db).named(name)
        if found is None:
            raise NotFound(f"there is no user {name[:64]!r}: `gatehouse user list` names them.")
        return found


def require_index(settings: Settings) -> None:
    """Return if there is an index, as far as this machine's disk can tell.

    Raises:
        NotFound: there is none.
    """
    folder = settings.values.data_dir.absolute()
    if not settings.values.database_url and not (folder / "gatehouse.db").exists():
        raise NotFound(f"{folder} holds no index: name the data directory with --data.")


@contextmanager
def open_index(data: Path | None, config: Path | None, *, make: bool = False) -> Iterator[Index]:
    """Yield the index, upgraded if need be.

    Args:
        data: the data directory of the command line.
        config: the settings file of the command line.
        make: where there is none it is made, and the data directory with it.

    Raises:
        InvalidInput: a setting is wrong.
        NotFound: there is no index and none is to be made, or no directory to make it in.
    """
    settings = read_settings(data, config)
    folder = settings.values.data_dir.absolute()
    if make and not folder.is_dir():
        if not folder.parent.is_dir():
            raise NotFound(f"there is no directory {folder.parent} to make the data directory in.")
        folder.mkdir(mode=0o700)
    if not make:
        require_index(settings)
    register_url(settings.database_url)
    db = index.open_index(settings)
    try:
        db.upgrade()
        yield Index(db, SystemClock(), zone_in_force(settings, Facts(db)))
    finally:
        db.close()
