"""The store port on a bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from gatehouse_common.errors import DataLoss, GatehouseError, InvalidInput, NotFound, from_os_error
from gatehouse_common.ids import new_id
from gatehouse_common.settings.model import StorageSettings
from gatehouse_common.storage import keys
from gatehouse_common.storage.foreign import ForeignNames
from gatehouse_common.storage.port import ObjectInfo
from gatehouse_common.storage.source import FileSource, Source

from .client import make_client
from .found import found_object
from .growing import GrowingObject
from .multipart import abort, unfinished
from .place import S3Place, parse_place
from .reading import read_pieces
from .refusals import Refused, translated
from .writing import Writer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_SENDERS = 4
_AT_ONCE = 250
"""Servers take 1000 in one request, and slow ones longer for it than anybody waits for an answer."""
_TEMPORARY = ".put-"


class S3Store:
    """A store in a bucket, below a prefix.

    An object appears when the server has all of it. A key is taken by looking first and by ``If-None-Match: *`` then:
    inside one process one of many wins, between processes where the server knows that header (all that were tried,
    but for Ceph 16 at the end of a multipart upload). There is one writer, so nothing hangs on it: whoever finds its
    key taken looks whose object it is.

    Args:
        place: which bucket.
        client: how its server is spoken to.
        redirect_s: for how long URLs are good that are given out; None gives out none.
    """

    def __init__(self, place: S3Place, client: S3Client, redirect_s: int | None = None) -> None:
        self.place = place
        self._client = client
        self._redirect_s = redirect_s
        self._foreign = ForeignNames()
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="s3-part")
        self._writer = Writer(client, place, self._senders)

    def put_file(self, path: Path, key: str, *, move: bool = False) -> ObjectInfo:
        """Make the finished file at ``path`` an object; parts that an earlier attempt has sent are not sent again."""
        info = self.put(FileSource(path, key), key)
        if move:
            try:
                path.unlink()
            except OSError as error:
                raise from_os_error(error, f"storing {key}") from error
        return info

    def put(self, source: Source, key: str) -> ObjectInfo:
        """Make a finished file an object, wherever it is."""
        self._writer.put(source, keys.validate(key))
        return self.stat(key)

    def put_bytes(
        self,
        key: str,
        data: bytes | memoryview,
        *,
        overwrite: bool = False,
        settled: bool = True,  # noqa: ARG002 - it always is
    ) -> ObjectInfo:
        """Make ``data`` an object."""
        self._writer.put_bytes(keys.validate(key), bytes(data), overwrite=overwrite)
        return self.stat(key)

    def settle(self, stored: Sequence[str]) -> list[GatehouseError | None]:
        """Return that they are: what is answered has its name."""
        return [None for key in stored if keys.validate(key)]

    def grow(self, key: str) -> GrowingObject:
        """Return an object that is sent while its file is written."""
        return GrowingObject(self._writer, keys.validate(key))

    def draft(self, key: str) -> None:
        """Return None: an object is sent as a whole."""
        keys.validate(key)

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces of at most 1 MiB."""
        if offset < 0 or (length is not None and length < 0):
            raise InvalidInput(f"range {offset}+{length} of {key} is not valid: both must be 0 or more")
        if length == 0:  # HTTP cannot ask for nothing
            self.stat(key)
            return iter(())
        pieces = read_pieces(self._client, self.place, keys.validate(key), offset, length)
        next(pieces)  # the request has been answered, and the generator owns the connection
        return pieces

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range in one piece."""
        return b"".join(self.open_range(key, offset, length))

    def stat(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""
        found = found_object(self._client, self.place, keys.validate(key))
        if found is None:
            raise NotFound(f"looking up {key} in {self.place}: there is no such object")
        return found.info

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with ``prefix``, sorted by key."""
        folder = prefix.rpartition("/")[0]
        if folder:
            keys.validate(folder)
        with translated(f"listing {prefix!r}", self.place):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.place.bucket, Prefix=self.place.start(prefix)):
                for found in page.get("Contents", []):
                    key = self.place.key(found["Key"])
                    # What other programs show folders by, and what a probe has just written, is no object of ours.
                    if not key or key.endswith("/") or key.rpartition("/")[2].startswith(_TEMPORARY):
                        continue
                    if not self._foreign.has(key):
                        yield ObjectInfo(key, found["Size"], round(found["LastModified"].timestamp() * 1_000_000))

    def delete(self, key: str) -> None:
        """Delete an object; where the bucket keeps versions, its newest becomes an old one."""
        with translated(f"deleting {key}", self.place):
            self._client.delete_object(Bucket=self.place.bucket, Key=self.place.name(key))

    def delete_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Delete objects, a thousand by one request, as many as S3 takes."""
        refused: dict[str, str] = {}
        for at in range(0, len(keys), _AT_ONCE):
            names = {self.place.name(key): key for key in keys[at : at + _AT_ONCE]}
            with translated("deleting objects", self.place):
                wanted: list[ObjectIdentifierTypeDef] = [{"Key": name} for name in names]
                answer = self._client.delete_objects(
                    Bucket=self.place.bucket, Delete={"Objects": wanted, "Quiet": True}
                )
            for error in answer.get("Errors", []):
                # Of one that is not named as we named it nobody knows which it is: none of them is known to be gone.
                known = names.get(error.get("Key", ""))
                for key in names.values() if known is None else [known]:
                    refused[key] = f"deleting {key} in {self.place}: {error.get('Code', 'refused')}"
        return refused

    def tidy(self, before_us: int) -> int:
        """Abort uploads that were begun before and are not under way here; a bucket keeps, and bills, them for ever."""
        old = [u for u in unfinished(self._client, self.place, "") if u.begun_us < before_us]
        gone = [u for u in old if not self._writer.is_under_way(u.id)]
        for upload in gone:
            abort(self._client, self.place, upload.key, upload.id)
        return len(gone)

    def local_path(self, key: str) -> None:
        """Return None: the bytes are elsewhere."""
        keys.validate(key)

    def redirect_url(self, key: str) -> str | None:
        """Return a signed URL of the object, if they are given out. It is a secret for as long as it is good."""
        name = self.place.name(key)
        if self._redirect_s is None:
            return None
        with translated(f"signing a URL of {key}", self.place):
            return self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self.place.bucket, "Key": name}, ExpiresIn=self._redirect_s
            )

    def capacity(self) -> None:
        """Return None if the bucket is there: it has no size of its own."""
        with translated("looking at the bucket", self.place):
            self._client.head_bucket(Bucket=self.place.bucket)

    def probe(self) -> None:
        """Write, read back and delete a small object."""
        key = f"{_TEMPORARY}probe-{new_id()}"
        data = os.urandom(4096)
        try:
            self.put_bytes(key, data, overwrite=True)
            try:
                found = self.read(key)
            finally:
                self.delete(key)
        except Refused as error:
            raise InvalidInput(error.message, "storage_url") from error
        if found != data:
            raise DataLoss(f"{self.place} does not give back what was written to it")

    def close(self) -> None:
        """Let go of the connections."""
        self._senders.shutdown(cancel_futures=True)
        self._client.close()


def open_s3(url: str, settings: StorageSettings) -> S3Store:
    """Return the store that a ``s3://`` URL names; nothing is sent yet.

    Raises:
        InvalidInput: URL or credentials are wrong.
    """
    place = parse_place(url)
    return S3Store(place, make_client(place, settings), settings.redirect_seconds if settings.redirect else None)
