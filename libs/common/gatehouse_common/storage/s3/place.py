"""Which bucket, below which prefix, on which server: what a ``s3://`` URL says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from gatehouse_common.errors import InvalidInput
from gatehouse_common.storage import keys

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LIKE = "s3://bucket/prefix?endpoint=http://host:9000&region=us-east-1&path_style=1"
_YES, _NO = {"1", "true", "yes"}, {"0", "false", "no"}


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket and the server it is on; there is no secret in it.

    Attributes:
        bucket: name of the bucket.
        prefix: what all keys begin with there, without slashes at its ends; may be empty.
        endpoint: URL of the server; None is Amazon's.
        region: what requests are signed for; None leaves it to boto's own settings.
        path_style: the bucket is the first part of the path and not of the host name.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    path_style: bool = False

    def name(self, key: str) -> str:
        """Return the name that the server knows an object by.

        Raises:
            InvalidInput: the key is not valid.
        """
        keys.validate(key)
        return f"{self.prefix}/{key}" if self.prefix else key

    def start(self, prefix: str) -> str:
        """Return what the names of the objects begin with whose keys begin with ``prefix``."""
        return f"{self.prefix}/{prefix}" if self.prefix else prefix

    def key(self, name: str) -> str:
        """Return the key of an object of this place, by its name."""
        return name[len(self.prefix) + 1 :] if self.prefix else name

    def __str__(self) -> str:
        where = f" at {self.endpoint}" if self.endpoint else ""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/") + where


def parse_place(url: str) -> S3Place:
    """Return what ``url`` says.

    Raises:
        InvalidInput: it is wrong; the sentence shows nothing that could be a credential.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong("it cannot be read") from error
    if parts.username is not None or parts.password is not None:
        raise _wrong("it must hold no credentials: use storage.access_key and storage.secret_key, or their *_FILE")
    if parts.scheme != "s3" or port is not None or _BUCKET.fullmatch(parts.netloc) is None:
        raise _wrong("the bucket's name is 3 to 63 lower-case letters, digits, dots and hyphens")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(options.keys() - {"endpoint", "region", "path_style"})
    if unknown:
        raise _wrong(f"it knows no {unknown[0][:40]!r}")
    prefix = unquote(parts.path).strip("/")
    if prefix:
        try:
            keys.validate(prefix)
        except InvalidInput as error:
            raise _wrong("its prefix is not valid") from error
    endpoint = _endpoint(options.get("endpoint", ""))
    style = options.get("path_style", "1" if endpoint else "0").lower()
    if style not in _YES | _NO:
        raise _wrong("path_style is 1 or 0")
    return S3Place(parts.netloc, prefix, endpoint, options.get("region") or None, style in _YES)


def _endpoint(text: str) -> str | None:
    if not text:
        return None
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or "@" in text or parts.query or parts.fragment:
        raise _wrong("its endpoint is a URL such as http://host:9000, without credentials")
    return text.rstrip("/")


def _wrong(why: str) -> InvalidInput:
    return InvalidInput(f"storage_url is wrong: {why}; write it like {_LIKE}.", "storage_url")
