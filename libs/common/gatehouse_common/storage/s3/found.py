"""Looking at an object without reading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse_common.errors import NotFound
from gatehouse_common.storage.port import ObjectInfo

from .place import S3Place
from .refusals import translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MARK = "gatehouse-put"
"""Metadata by which a call knows again what it has put itself, if the answer was lost."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is there: its entity tag, and the mark of the call that put it."""

    info: ObjectInfo
    tag: str
    mark: str

    def has(self, size: int, tag: str) -> bool:
        """Return whether it surely has the content of such size and tag."""
        return self.info.size == size and self.tag == tag


def found_object(client: S3Client, place: S3Place, key: str) -> Found | None:
    """Return what is known of an object, None if there is none."""
    try:
        with translated(f"looking up {key}", place):
            answer = client.head_object(Bucket=place.bucket, Key=place.name(key))
    except NotFound:
        return None
    modified_us = round(answer["LastModified"].timestamp() * 1_000_000)
    info = ObjectInfo(key, answer["ContentLength"], modified_us)
    return Found(info, answer["ETag"].strip('"'), answer.get("Metadata", {}).get(MARK, ""))
