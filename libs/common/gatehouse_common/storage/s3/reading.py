"""A range of an object in pieces, over as many connections as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

from gatehouse_common.errors import Conflict, DataLoss, Unavailable

from .place import S3Place
from .refusals import RangeBeyondEnd, translate, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

PIECE_BYTES = 1 << 20
_TRIES = 3
"""Connections in a row that may break before a byte comes, until that is told."""


def read_pieces(client: S3Client, place: S3Place, key: str, offset: int, length: int | None) -> Iterator[bytes]:
    """Yield the range; the object is opened when the first, empty piece has been taken.

    A connection that breaks is made again where it ended, by the entity tag: never is a piece of another object
    given out. A client may be so slow that the server gives up the connection meanwhile; this is how it goes on.

    Raises:
        NotFound: there is no such object.
        DataLoss: it ends before ``length`` bytes, or it was replaced while it was read.
        Unavailable: the server does not answer.
    """
    try:
        answer = _get(client, place, key, offset, length, None)
    except RangeBeyondEnd as error:
        yield b""
        if length is not None:
            raise DataLoss(f"{key} ends {length} bytes before the end of the range") from error
        return
    at, end, tag, failed = offset, offset + answer["ContentLength"], answer["ETag"], 0
    body = answer["Body"]
    try:
        yield b""
        while at < end:
            try:
                piece = body.read(min(PIECE_BYTES, end - at))
            except BotoCoreError as error:
                failed += 1
                if failed == _TRIES:
                    raise translate(error, f"reading {key}", place) from error
            else:
                if not piece:  # boto tells of a body that is too short; one that is not told would never end
                    raise DataLoss(f"{key} ends {end - at} bytes before the end of the range")
                at, failed = at + len(piece), 0
                yield piece
                continue
            body.close()
            body = _reopened(client, place, key, at, end - at, tag)["Body"]
    finally:
        body.close()
    if length is not None and end < offset + length:
        raise DataLoss(f"{key} ends {offset + length - end} bytes before the end of the range")


def _reopened(client: S3Client, place: S3Place, key: str, at: int, left: int, tag: str) -> GetObjectOutputTypeDef:
    try:
        return _get(client, place, key, at, left, tag)
    except (Conflict, RangeBeyondEnd) as error:
        raise DataLoss(f"{key} was replaced while it was read") from error


def _get(
    client: S3Client, place: S3Place, key: str, offset: int, length: int | None, tag: str | None
) -> GetObjectOutputTypeDef:
    name = place.name(key)
    with translated(f"reading {key}", place):
        if offset == 0 and length is None:
            return client.get_object(Bucket=place.bucket, Key=name)
        last = "" if length is None else str(offset + length - 1)
        wanted = f"bytes={offset}-{last}"
        if tag is None:
            answer = client.get_object(Bucket=place.bucket, Key=name, Range=wanted)
        else:
            answer = client.get_object(Bucket=place.bucket, Key=name, Range=wanted, IfMatch=tag)
    if answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
        answer["Body"].close()
        raise Unavailable(f"reading {key} in {place}: the server does not give ranges")
    return answer
