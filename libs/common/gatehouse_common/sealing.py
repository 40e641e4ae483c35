"""Keeping passwords of cameras unreadable where they lie: in the index, its copies, and the file of the last cameras.

What is sealed is Fernet (AES-128-CBC and HMAC-SHA256, https://github.com/fernet/spec) under a key that is elsewhere: in
a file of the data directory, or in a setting where several processes share an index.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from pathlib import Path

import structlog
from cryptography.fernet import Fernet, InvalidToken

from gatehouse_common.errors import InvalidInput, from_os_error
from gatehouse_common.key_file import make_key_file

log = structlog.get_logger(__name__)

KEY_FILE = "sealing.key"
_MARK = "sealed:"
_SHORTEST = 32


class Sealer:
    """Seals texts and opens them again.

    Args:
        secret: the key, any text of 32 characters or more; empty: that of the file.
        path: where the key is kept, which is made when something is sealed first; None: nothing is sealed.

    Raises:
        InvalidInput: the secret is shorter.
    """

    def __init__(self, secret: str = "", path: Path | None = None) -> None:
        self._path, self._told = path, False
        self._fernet = _fernet(secret) if secret else None

    @property
    def seals(self) -> bool:
        """Whether there is a key, or may be."""
        return self._fernet is not None or self._path is not None

    def seal(self, url: str) -> str:
        """Return what is kept of a URL: sealed if it may hold a password, and there is a key.

        Raises:
            InvalidInput: the key is too short.
            GatehouseError: its file cannot be read or made.
        """
        return url if is_sealed(url) or not _may_hold_a_password(url) else self.seal_text(url)

    def seal_text(self, text: str) -> str:
        """Return what is kept of any text: sealed, if there is a key.

        Raises:
            InvalidInput: the key is too short.
            GatehouseError: its file cannot be read or made.
        """
        key = self._key(make=True)
        return text if key is None else _MARK + key.encrypt(text.encode(errors="surrogatepass")).decode()

    def open(self, kept: str) -> str:
        """Return the URL of what is kept; what another key sealed stays as it is, and is told in the log once.

        Raises:
            GatehouseError: the file of the key cannot be read.
        """
        if not is_sealed(kept):
            return kept
        try:
            key = self._key(make=False)
        except InvalidInput:  # what is in the file is none: told below
            key = None
        if key is not None:
            with suppress(InvalidToken):
                return key.decrypt(kept.removeprefix(_MARK)).decode(errors="surrogatepass")
        if not self._told:
            self._told = True
            log.error("addresses were sealed by another key: restore sealing.key, or set sealing_key")
        return kept

    def _key(self, *, make: bool) -> Fernet | None:
        if self._fernet is None and self._path is not None:
            try:
                if make and not self._path.exists():
                    make_key_file(self._path, Fernet.generate_key() + b"\n")
                if self._path.exists():
                    self._fernet = _fernet(self._path.read_text(encoding="ascii").strip())
            except OSError as error:
                raise from_os_error(error, f"reading the key {self._path}") from error
        return self._fernet


def _fernet(secret: str) -> Fernet:
    if len(secret) < _SHORTEST:
        raise InvalidInput(
            f"sealing_key has to be {_SHORTEST} characters or more: `openssl rand -base64 32` makes one.", "sealing_key"
        )
    # A random text has more than the 256 bits that are kept of it; a slow function is for what people think of.
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))


def is_sealed(kept: str) -> bool:
    """Return whether a text is sealed."""
    return kept.startswith(_MARK)


def sealer_of(sealing_key: str, data: Path, *, shared: bool) -> Sealer:
    """Return what seals for an index.

    Args:
        sealing_key: the setting; empty: the key in the data directory, which is made the first time.
        data: the data directory.
        shared: whether other processes, with data directories of their own, use the index too: then only the setting
            will do, and without it nothing is sealed.

    Raises:
        InvalidInput: the key is too short.
    """
    return Sealer(sealing_key) if sealing_key or shared else Sealer(path=data / KEY_FILE)


def _may_hold_a_password(url: str) -> bool:
    """Return whether there may be one: before an @, in a query, or in a path that is a secret."""
    return url.lower().startswith(("rtsp", "http"))
