"""What is known of a medium, as text beside its files: an index that is lost is made anew of it.

What is read may have been written by anybody who can write into the store. It names files by what they are called in
its own folder, so it cannot name one elsewhere; each value is held to what the index could have said.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gatehouse_common.db import Media, MediaFile, WholeMedium, Whose
from gatehouse_common.errors import DataLoss
from gatehouse_common.storage import keys
from gatehouse_common.timefmt import EARLIEST_US, LATEST_US

MOST_BYTES = 256 << 10
"""No description is longer: what files are made of is left out of one that would be."""
_VERSION = 1
_MOST_FILES = 1000
_MOST_NUMBER = 2**31 - 2
_MOST = 2**62
_LONGEST_DETAIL = 2000
_ID = r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_SEEN = r"^[^\x00-\x1f\x7f]+$"
_BEING_MADE = frozenset({"queued", "processing"})
_Number = Annotated[int, Field(ge=1, le=_MOST_NUMBER)]
_Count = Annotated[int, Field(ge=0, le=_MOST)]
_Pixels = Annotated[int, Field(ge=0, le=2**31 - 1)]
_Time = Annotated[int, Field(ge=1, le=LATEST_US)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Owner(_Told):
    number: int = Field(ge=0, le=_MOST_NUMBER)
    id: str = Field("", pattern=rf"^$|{_ID}")
    name: str = Field(max_length=255)
    created_us: int = Field(0, ge=0, le=LATEST_US)
    removed: bool = False


class _Medium(_Told):
    """The fields of ``Media`` that an index which is made anew can have, under the same names."""

    number: _Number
    id: str = Field(pattern=_ID)
    owner_name: str = Field(max_length=255)
    kind: Literal["upload", "recording", "export"]
    name: str = Field(max_length=255)
    session: _Number | None = None
    state: Literal["processing", "ready", "failed", "trashed"]
    detail: str = Field("", max_length=_LONGEST_DETAIL)
    type: str = Field(pattern=_SEEN, max_length=100)
    bytes: _Count
    digest: str = Field(pattern=r"^(?:[0-9a-f]{64})?$")
    lasted_us: _Count | None = None
    width: _Pixels = 0
    height: _Pixels = 0
    fps: float = Field(0.0, ge=0, le=1e6, allow_inf_nan=False)
    video_codec: str = Field("", max_length=40)
    audio_codec: str = Field("", max_length=40)
    start_us: int | None = Field(None, ge=EARLIEST_US, le=LATEST_US)
    created_us: _Time
    ready_us: _Time | None = None
    trashed_us: _Time | None = None
    before_trash: Literal["", "processing", "ready", "failed"] = ""
    version: _Number = 1

    @field_validator("name", "owner_name", "detail", "video_codec", "audio_codec")
    @classmethod
    def _seen(cls, text: str) -> str:
        return "".join(letter for letter in text if letter.isprintable())

    @model_validator(mode="after")
    def _fits(self) -> _Medium:
        is_trashed = self.state == "trashed"
        if is_trashed != (self.trashed_us is not None) or is_trashed != bool(self.before_trash):
            raise ValueError("it is in the trash, or it is not")
        return self


class _File(_Told):
    """The fields of ``MediaFile``, but its medium, its state, and its folder."""

    kind: str = Field(pattern=r"^[a-z]{1,20}$")
    variant: str = Field("", pattern=rf"^$|{_SEEN}", max_length=64)
    name: str = Field(pattern=r"^[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$", max_length=120)
    type: str = Field(pattern=_SEEN, max_length=100)
    bytes: _Count
    made_us: _Time
    facts: dict[str, Any] = Field(default_factory=dict)

    @field_validator("facts")
    @classmethod
    def _is_json(cls, facts: dict[str, Any]) -> dict[str, Any]:
        json.dumps(facts, allow_nan=False)
        return facts


class _Description(_Told):
    version: Literal[1]
    media: _Medium
    owner: _Owner
    files: list[_File] = Field(min_length=1, max_length=_MOST_FILES)

    @model_validator(mode="after")
    def _fits(self) -> _Description:
        names, kinds = {one.name for one in self.files}, {(one.kind, one.variant) for one in self.files}
        if keys.DESCRIPTION in names or not len(names) == len(kinds) == len(self.files):
            raise ValueError("files are named twice, or one is the description itself")
        return self


def describe(known: WholeMedium) -> bytes | None:
    """Return what is known of a medium as text, the same for the same; None: it has been deleted, or has no file.

    How far the making of it is, and the upload that it was, are left out: neither outlives an index.
    """
    if known.media.state == "deleted" or not known.files:
        return None
    text = _text(known, known.files)
    if len(text) > MOST_BYTES:  # an export of many films with thousands of gaps: its file has the list as well
        text = _text(known, [replace(file, facts={}) for file in known.files])
    return text


def read_description(key: str, data: bytes) -> WholeMedium:
    """Return what ``describe`` has written; what was being made of the medium is ``processing``.

    Args:
        key: of the object that it was read from.
        data: at most ``MOST_BYTES``.

    Raises:
        DataLoss: it is not that, or not of this key.
    """
    place = keys.parse_media_description(key)
    if place is None:
        raise DataLoss("no medium has its folder there")
    folder, number = place
    if len(data) > MOST_BYTES:
        raise DataLoss("it is too large to be a description")
    try:
        told = _Description.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataLoss(f"it is no description of a medium: {where}: {first['msg']}"[:300]) from error
    except (ValueError, RecursionError) as error:
        raise DataLoss(f"it is no description of a medium: {type(error).__name__}") from error
    if told.media.number != number:
        raise DataLoss(f"it describes medium {told.media.number}, and lies in the folder of {number}")
    values = told.media.model_dump()
    media = Media(owner=told.owner.number, folder=folder, **values)
    if not media.name:
        media = replace(media, name=f"medium {number}")
    files = [
        MediaFile(number, f.kind, f.variant, f"{folder}{f.name}", f.type, f.bytes, "ready", f.made_us, f.facts)
        for f in told.files
    ]
    return WholeMedium(media, tuple(files), Whose(**told.owner.model_dump()))


def _text(known: WholeMedium, files: Sequence[MediaFile]) -> bytes:
    media, owner = known.media, known.owner
    values = {name: getattr(media, name) for name in _Medium.model_fields}
    values |= {"state": _steady(media.state), "before_trash": _steady(media.before_trash)}
    is_unfinished = media.state in _BEING_MADE or media.before_trash in _BEING_MADE
    values["detail"] = "" if is_unfinished else media.detail[:_LONGEST_DETAIL]
    said = {
        "version": _VERSION,
        "media": values,
        "owner": {name: getattr(owner, name) for name in _Owner.model_fields},
        "files": [
            {
                "kind": file.kind,
                "variant": file.variant,
                "name": file.key.removeprefix(media.folder),
                "type": file.type,
                "bytes": file.bytes,
                "made_us": file.made_us,
                "facts": dict(file.facts),
            }
            for file in files
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=1).encode() + b"\n"


def _steady(state: str) -> str:
    """Return a state as it is written down: whether something waits or is done is no matter of files."""
    return "processing" if state in _BEING_MADE else state
