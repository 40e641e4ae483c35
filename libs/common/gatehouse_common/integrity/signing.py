"""The key that exports are signed with: Ed25519 (RFC 8032), made when it is first needed and kept for good."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gatehouse_common.errors import InvalidInput, from_os_error
from gatehouse_common.key_file import make_key_file
from gatehouse_common.settings import Settings

KEY_FILE = "signing_key.pem"
_MOST_BYTES = 10_000


class VerifyingKey:
    """The public half: what a signature is verified with.

    Args:
        key: the key.
    """

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @property
    def pem(self) -> bytes:
        """The key as a PEM file (RFC 7468), as `openssl pkey -pubin` reads it."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key's DER form (SubjectPublicKeyInfo), in hexadecimal: what people compare."""
        return hashlib.sha256(self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    def signed(self, data: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's of exactly these bytes."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


def parse_public_key(pem: bytes) -> VerifyingKey:
    """Return the key in a PEM file.

    Raises:
        InvalidInput: it holds no Ed25519 public key.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(f"this is no public key in PEM: {error}", "key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidInput(f"the public key is not of Ed25519 but {type(key).__name__}", "key")
    return VerifyingKey(key)


def read_public_key(path: Path) -> VerifyingKey:
    """Return the key in a file.

    Raises:
        InvalidInput: it holds no Ed25519 public key.
        GatehouseError: it cannot be read.
    """
    return parse_public_key(_read(path))


class SigningKey:
    """The private half; it never leaves its file.

    Args:
        key: the key.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> VerifyingKey:
        """The public half."""
        return VerifyingKey(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the signature of exactly these bytes: 64 bytes, always the same."""
        return self._key.sign(data)


def signing_key_path(settings: Settings) -> Path:
    """Return where the key is: what the settings name, else in the data directory."""
    return settings.values.integrity.signing_key_file or settings.values.data_dir.absolute() / KEY_FILE


def signing_key(settings: Settings) -> SigningKey:
    """Return the key that exports are signed with; the first time it is made.

    Raises:
        InvalidInput: the file holds something else.
        GatehouseError: it cannot be read or made.
    """
    path = signing_key_path(settings)
    if not path.exists():
        _make(path)
    try:
        key = load_pem_private_key(_read(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # not its text: it may quote the key
        raise InvalidInput(f"{path} holds no private key in PEM without a password: {type(error).__name__}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(f"the key in {path} is not of Ed25519: `openssl genpkey -algorithm ed25519` makes one")
    return SigningKey(key)


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        make_key_file(path, pem)
    except OSError as error:
        raise from_os_error(error, f"making the signing key {path}") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
