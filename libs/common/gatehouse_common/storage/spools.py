"""All spools: that of this machine, and those of capture workers on other machines."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gatehouse_common.errors import InvalidInput, NotFound

from . import keys
from .local import LocalStore
from .source import FileSource, Source

if TYPE_CHECKING:
    from .remote_spool import RemoteSpool


class Spools:
    """Finds the file of a spool key. Safe for use by many threads.

    Args:
        local: the directory above this machine's ``spool/``.
        own_url: the inner address of this process, if it has one: what is there is read from the disk.
        token: what the services show each other.
    """

    def __init__(self, local: LocalStore, own_url: str = "", token: str = "") -> None:
        self.local, self.own_url, self._token = local, own_url, token
        self._lock = threading.Lock()
        self._remote: dict[str, RemoteSpool] = {}

    def is_local(self, url: str) -> bool:
        """Return whether files at that address are on this machine's disk."""
        return url in {"", self.own_url}

    def at(self, url: str) -> RemoteSpool:
        """Return the spool of another machine.

        Raises:
            InvalidInput: there is no token to show, or what speaks HTTP is not installed.
        """
        if not self._token:
            raise InvalidInput("spools of other machines are read with a token: set service.token", "service.token")
        with self._lock:
            if url not in self._remote:
                try:
                    from .remote_spool import RemoteSpool  # noqa: PLC0415 - a recorder on one machine does not need it
                except ModuleNotFoundError as error:
                    raise InvalidInput(
                        f"reading the spool of another machine needs {error.name}: install it with "
                        "`pip install 'gatehouse[scale]'`."
                    ) from error
                self._remote[url] = RemoteSpool(url, self._token)
            return self._remote[url]

    def source(self, key: str, url: str) -> Source:
        """Return a file by its key and the address of the worker that wrote it.

        Raises:
            NotFound: the key is not that of a spool file.
        """
        if keys.parse_spool(key) is None:
            raise NotFound(f"{key[:80]} is not in a spool")
        if self.is_local(url):
            return FileSource(self.local.root / key, key)
        from .remote_spool import RemoteSource  # noqa: PLC0415

        return RemoteSource(self.at(url), key)

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            remote, self._remote = list(self._remote.values()), {}
        for spool in remote:
            spool.close()
