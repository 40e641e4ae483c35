"""What is known of a medium, as an object beside its files: an index that is lost is made anew of it."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import Any

from gatehouse_common.db import Media, MediaDescriptions, MediaFile
from gatehouse_common.errors import DataLoss
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

MOST_BYTES = 1 << 20
_VERSION = 1
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "str": (str,),
    "float": (int, float),
    "int | None": (int, type(None)),
    "str | None": (str, type(None)),
}
"""What a field may be, by how it is declared."""


def keep_description(core: Core, number: int) -> None:
    """Write down what the index knows of a medium, in place of what was written before; of one that is deleted nothing.

    Raises:
        NotFound: there is none of that number.
        GatehouseError: index or store does not answer.
    """
    media, files = MediaDescriptions(core.db).read(number)
    if media.state != "deleted" and files:
        core.store.put_bytes(keys.media_description(media.folder), describe(media, files), overwrite=True)


def describe(media: Media, files: list[MediaFile]) -> bytes:
    """Return what is known of a medium, as JSON."""
    said = {
        "version": _VERSION,
        "media": asdict(media),
        "files": [{**_plain(file), "facts": dict(file.facts)} for file in files],
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def read_description(data: bytes) -> tuple[Media, list[MediaFile]]:
    """Return what ``describe`` has written.

    Raises:
        DataLoss: it is not that.
    """
    try:
        said = json.loads(data)
        if said["version"] != _VERSION:
            raise DataLoss(f"it was written by another version: {str(said['version'])[:20]}")
        media = Media(**_checked(Media, said["media"]))
        files = [MediaFile(**_checked(MediaFile, one)) for one in said["files"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataLoss(f"it is no description of a medium: {error}") from error
    if any(file.media != media.number or not file.key.startswith(media.folder) for file in files):
        raise DataLoss("it describes files of another medium")
    return media, [replace(file, state="ready") for file in files]


def _plain(file: MediaFile) -> dict[str, Any]:
    return {f.name: getattr(file, f.name) for f in fields(file) if f.name != "facts"}


def _checked(kind: type[Media | MediaFile], said: dict[str, Any]) -> dict[str, Any]:
    """Return values for all fields of a kind, those that are not told as they are by default.

    Raises:
        TypeError: one is of another type.
    """
    found = {}
    for one in fields(kind):
        if one.name not in said:
            continue
        value = said[one.name]
        wanted = (dict,) if one.name == "facts" else _TYPES[str(one.type)]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise TypeError(f"{one.name} is of another type")
        found[one.name] = value
    return found
