"""One multipart upload of a file: which of its parts the server has, and the sending of the others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.storage.source import Source

from .content import PART_BYTES, content_md5, digest, etag_of_parts, part_bytes
from .place import S3Place
from .refusals import translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(slots=True)
class Multipart:
    """An upload that has begun.

    Attributes:
        client: how the server is spoken to.
        place: the bucket.
        key: what will be the object.
        id: the server's name of the upload.
        parts: the entity tag of each part that the server has, by its number from 1.
        executor: sends so many parts at once as it has threads.
    """

    client: S3Client
    place: S3Place
    key: str
    id: str
    executor: Executor
    parts: dict[int, str] = field(default_factory=dict)

    def settle(self, source: Source, end: int, *, whole_file: bool, trusted: bool = False) -> None:
        """See that the server has the bytes of ``source`` up to ``end``, as far as they fill parts.

        Parts that it has are compared with the file by their MD5 and sent again where they differ: after a power cut
        a file may be shorter than it was, and where tags are no MD5 (encryption by KMS) nothing is taken for granted.

        Args:
            source: the file.
            end: so many of its bytes will not change any more.
            whole_file: ``end`` is the end of the file, so that what is left over becomes the last part.
            trusted: send only what was never sent.

        Raises:
            DataLoss: the file is shorter than ``end``.
            UploadGone: the upload was aborted meanwhile.
            GatehouseError: the server does not take it; what has been sent stays there.
        """
        length = part_bytes(end) if whole_file else PART_BYTES
        count = -(-end // length) if whole_file else end // length
        for number in [n for n in self.parts if n > count and whole_file]:
            del self.parts[number]  # it is not listed at the end, and so not in the object
        numbers = [n for n in range(1, count + 1) if not (trusted and n in self.parts)]
        futures = [
            self.executor.submit(self._settle_part, source, n, (n - 1) * length, min(n * length, end)) for n in numbers
        ]
        done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
        wait(waiting)  # nothing is under way any more when this returns, as the caller may abort the upload next
        for future in done:
            future.result()

    def complete(self, condition: dict[str, Any]) -> None:
        """Make the parts an object.

        Args:
            condition: what must be so, as parameters of the request.

        Raises:
            Conflict: the key is taken.
            UploadGone: the upload was completed or aborted.
        """
        parts = [{"PartNumber": n, "ETag": tag} for n, tag in sorted(self.parts.items())]
        with translated(f"storing {self.key}", self.place):
            self.client.complete_multipart_upload(
                Bucket=self.place.bucket,
                Key=self.place.name(self.key),
                UploadId=self.id,
                MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
                **condition,
            )

    def abort(self) -> None:
        """Take back the upload and free its parts; one that is gone is no error."""
        abort(self.client, self.place, self.key, self.id)

    def etag(self) -> str:
        """Return the entity tag that the object gets where tags are made of MD5."""
        tags = [tag for _, tag in sorted(self.parts.items())]
        return etag_of_parts([bytes.fromhex(tag) for tag in tags]) if all(map(_is_md5, tags)) else ""

    def _settle_part(self, source: Source, number: int, start: int, end: int) -> None:
        data = source.pread(start, end - start)
        if len(data) < end - start:
            raise DataLoss(f"the file of {self.key} ends at {start + len(data)}, before {end}")
        if self.parts.get(number) == digest(data).hex():
            return
        with translated(f"storing {self.key}", self.place):
            answer = self.client.upload_part(
                Bucket=self.place.bucket,
                Key=self.place.name(self.key),
                UploadId=self.id,
                PartNumber=number,
                Body=data,
                ContentMD5=content_md5(data),
            )
        self.parts[number] = answer["ETag"].strip('"')


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A multipart upload that was begun and neither completed nor aborted."""

    key: str
    id: str
    begun_us: int


def unfinished(client: S3Client, place: S3Place, prefix: str) -> Iterator[Unfinished]:
    """Yield the unfinished uploads of keys that begin with ``prefix``."""
    with translated(f"listing the unfinished uploads of {prefix!r}", place):
        pages = client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=place.bucket, Prefix=place.start(prefix)):
            for found in page.get("Uploads", []):
                begun_us = round(found["Initiated"].timestamp() * 1_000_000)
                yield Unfinished(place.key(found["Key"]), found["UploadId"], begun_us)


def sent_parts(client: S3Client, place: S3Place, upload: Unfinished) -> dict[int, str]:
    """Return the tags of the parts that the server has of an upload, by their numbers.

    Raises:
        UploadGone: the upload was completed or aborted.
    """
    with translated(f"looking up the parts of {upload.key}", place):
        pages = client.get_paginator("list_parts")
        found = pages.paginate(Bucket=place.bucket, Key=place.name(upload.key), UploadId=upload.id)
        return {part["PartNumber"]: part["ETag"].strip('"') for page in found for part in page.get("Parts", [])}


def abort(client: S3Client, place: S3Place, key: str, upload_id: str) -> None:
    """Take back an upload; one that is gone is no error."""
    try:
        with translated(f"taking back an upload of {key}", place):
            client.abort_multipart_upload(Bucket=place.bucket, Key=place.name(key), UploadId=upload_id)
    except NotFound:
        return


def _is_md5(tag: str) -> bool:
    return len(tag) == 32 and all(letter in "0123456789abcdef" for letter in tag)
