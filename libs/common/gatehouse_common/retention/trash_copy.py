"""Which files of sessions are in the trash, beside the footage: the files themselves do not say, and outlive the index.

The object is written before whoever puts one there or takes one out is answered, and again whenever it does not say
what the index says. Of a file that the index does not know, as one that is not made anew of the files yet, what the
object says stays as it is.
"""

from __future__ import annotations

import json

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gatehouse_common.db import Database, SessionTrash, TrashedFile
from gatehouse_common.errors import DataLoss, GatehouseError, NotFound
from gatehouse_common.storage import ObjectStore, keys

log = structlog.get_logger(__name__)

_TRIES = 5
_MOST_BYTES = 256 << 20
_NONE = b'{"session_files": []}\n'


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    number: int = Field(ge=1, le=2**31 - 1)
    id: str = Field(pattern=r"^[0-9a-f-]{36}$")
    trashed_us: int = Field(ge=1, le=2**62)


class _Copy(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    session_files: list[_Entry]


def copy_trash(db: Database, store: ObjectStore, now_us: int) -> None:
    """Write which files of sessions are in the trash into the store, if it does not say so.

    Where that fails the janitor tries again; the files are in the trash all the same.
    """
    try:
        for _ in range(_TRIES):  # another process may have put one there since, and been quicker to write it
            there = _given_back(store)
            data = _bytes(db, [] if there is None else _readable(store, there, now_us))
            if data == there:
                return
            store.put_bytes(keys.TRASH, data, overwrite=True)
    except GatehouseError as error:
        log.warning("what is in the trash is in the index alone for now", reason=error.message)


def read_trash(store: ObjectStore) -> frozenset[tuple[int, str]]:
    """Return the files of sessions that were in the trash by the copy: number and id of each.

    Raises:
        DataLoss: the copy is damaged.
        GatehouseError: the store does not answer.
    """
    return frozenset((one.number, one.id) for one in _read(_raw(store)))


def _given_back(store: ObjectStore) -> bytes | None:
    """Return the object as it is; None: the disk does not give it back, so that another is written in its place."""
    try:
        return _raw(store)
    except DataLoss as error:
        log.error("what the store said of the trash cannot be read", reason=error.message)  # noqa: TRY400
        return None


def _readable(store: ObjectStore, data: bytes, now_us: int) -> list[TrashedFile]:
    """Return what a copy says; one that is damaged is kept in the quarantine, and says nothing."""
    try:
        return _read(data)
    except DataLoss as error:
        aside = keys.quarantine(keys.TRASH, now_us)
        store.put_bytes(aside, data, overwrite=True)
        log.error("what the store said of the trash is damaged", kept=aside, reason=error.message)  # noqa: TRY400
        return []


def _bytes(db: Database, before: list[TrashedFile]) -> bytes:
    """Return what the object is to have: what the index says, and of files that it does not know what it had."""
    trash = SessionTrash(db)
    unknown = trash.unknown([one.id for one in before])
    found = trash.all() + [one for one in before if one.id in unknown]
    entries = [
        {"number": one.number, "id": one.id, "trashed_us": one.trashed_us}
        for one in sorted(found, key=lambda one: (one.number, one.id))
    ]
    return json.dumps({"session_files": entries}).encode() + b"\n"


def _read(data: bytes) -> list[TrashedFile]:
    try:
        entries = _Copy.model_validate_json(data).session_files
    except ValidationError as error:
        raise DataLoss(f"{keys.TRASH} in the store is damaged: {error.error_count()} values are wrong") from error
    return [TrashedFile(one.number, one.id, one.trashed_us) for one in entries]


def _raw(store: ObjectStore) -> bytes:
    """Return the object as it is; of none, what it would be with an empty trash."""
    try:
        size = store.stat(keys.TRASH).size
        if size > _MOST_BYTES:
            raise DataLoss(f"{keys.TRASH} in the store is too large to be read")
        return store.read(keys.TRASH, 0, size)
    except NotFound:
        return _NONE
