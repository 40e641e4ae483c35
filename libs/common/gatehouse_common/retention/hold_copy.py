"""Holds beside the footage: what the index says of them is also an object of the store, and outlives the index.

The object has all holds that nobody has released, those too that have run out: a clock may be wrong. It is written
before whoever has placed or released one is answered, and again whenever it does not say what the index says. An index
that is new reads it first: what it says is still true of the footage beside it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gatehouse_common.clock import HOUR
from gatehouse_common.db import (
    OF_NO_CAMERA,
    ClipRepository,
    Database,
    Facts,
    Hold,
    HoldRepository,
    Inventory,
    MediaLibrary,
)
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.db.upkeep_models import FOREVER_US
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, InvalidInput, NotFound, ResourceExhausted
from gatehouse_common.storage import ObjectStore, keys

log = structlog.get_logger(__name__)

_KNOWN = "holds.known"
_UNREAD = "holds.unread"
_TRIES = 5
_NONE = b'{"holds": []}\n'


@dataclass(frozen=True, slots=True)
class CopiedHold:
    """A hold, and how what it is of is found again: ids of clips and media are in no file.

    Attributes:
        hold: the hold.
        clip_key: of its clip.
        of_session: whether its medium was recorded for a session, so that files of that may be all there is.
    """

    hold: Hold
    clip_key: str = ""
    of_session: bool = False


class _Entry(BaseModel):
    """A hold in the object; times are microseconds UTC, as in ``Hold``."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(max_length=36)
    camera: str | None = Field(max_length=64)
    clip: str | None = Field(max_length=36)
    clip_key: str = ""
    media: str | None = Field(None, max_length=36)
    of_session: bool = False
    start_us: int = Field(ge=0)
    end_us: int = Field(le=FOREVER_US)
    reason: str
    case_name: str = Field(max_length=200)
    until_us: int | None
    created_us: int
    created_by: str = Field("", max_length=255)


class _Copy(BaseModel):
    model_config = ConfigDict(extra="ignore")

    holds: list[_Entry]


def copy_holds(db: Database, store: ObjectStore, now_us: int) -> str:
    """Write the holds that nobody has released into the store, if it does not have them as they are.

    Returns:
        Why that could not be done; empty: it is. The holds hold all the same.
    """
    try:
        know_holds(db, store, now_us)
        for _ in range(_TRIES):  # another process may have placed one since, and been quicker to write it
            data = _bytes(db)
            if _given_back(store) == data:
                break
            store.put_bytes(keys.HOLDS, data, overwrite=True)
    except GatehouseError as error:
        log.warning("holds are in the index alone for now", reason=error.message)
        return f"holds are in the index alone for now, and would be lost with it: {error.message}"
    return ""


def know_holds(db: Database, store: ObjectStore, now_us: int) -> None:
    """Once, before anything is written or deleted: place the holds of the index that was there before.

    What cannot be understood is kept in the quarantine, and nothing goes for its age until a person has looked; so too
    where the disk does not give it back for an hour.

    Raises:
        DataLoss: the disk does not give back what the store says of holds.
        GatehouseError: index or store does not answer, or has no room.
    """
    facts = Facts(db)
    if facts.get(_KNOWN) is not None:
        return
    try:
        if restore_holds(db, read_copy(store)):
            log.warning("the index is new: holds were placed as the store has them")
            facts.first(INDEX_REBUILT, str(now_us), now_us)
    except (DataLoss, InvalidInput) as error:
        data = _given_back(store)
        if data is None and now_us - int(facts.first(_UNREAD, str(now_us), now_us)) < HOUR:
            raise
        facts.first(INDEX_REBUILT, str(now_us), now_us)
        _keep_aside(store, data, now_us, error.message)
    facts.first(_KNOWN, "", now_us)


def _keep_aside(store: ObjectStore, data: bytes | None, now_us: int, why: str) -> None:
    aside = keys.quarantine(keys.HOLDS, now_us)
    try:
        if data is not None:
            store.put_bytes(aside, data)
    except ResourceExhausted as error:  # nothing can be deleted for room before this is over
        log.error("what the store said of holds finds no room", reason=error.message)  # noqa: TRY400
    log.error("holds cannot be placed as the store has them", kept=aside, reason=why)


def _given_back(store: ObjectStore) -> bytes | None:
    """Return the object as it is; None: the disk does not give it back, so that another is written in its place."""
    try:
        return _raw(store)
    except DataLoss as error:
        log.warning("what the store said of holds cannot be read", reason=error.message)
        return None


def read_copy(store: ObjectStore) -> list[CopiedHold]:
    """Return the holds that the store has a copy of; none if there is no copy.

    Raises:
        DataLoss: it is damaged.
        GatehouseError: the store does not answer.
    """
    try:
        entries = _Copy.model_validate_json(_raw(store)).holds
    except ValidationError as error:
        raise DataLoss(f"{keys.HOLDS} in the store is damaged: {error.error_count()} values are wrong") from error
    beside = {"clip_key", "of_session"}
    return [CopiedHold(Hold(**one.model_dump(exclude=beside)), one.clip_key, one.of_session) for one in entries]


def restore_holds(db: Database, copied: list[CopiedHold], *, clips: bool = True) -> int:
    """Place the holds of a copy that the index does not know; return how many.

    The hold of a clip that the index does not know becomes one of the time that the clip shows, of all cameras: to keep
    too much can be made good. That of a recording of a browser, which an index that was made anew does not know,
    becomes one of what browsers recorded in that time; that of another medium stays as it is, for when it comes back.

    Args:
        db: the index.
        copied: what was copied.
        clips: whether holds of clips and media are placed too; not while their rows are still to come.

    Raises:
        Unavailable: the database does not answer.
    """
    holds, placed = HoldRepository(db), 0
    of_footage = [one for one in copied if clips or (one.hold.clip is None and one.hold.media is None)]
    new = [one for one in of_footage if not _is_known(holds, one.hold.id)]
    for one in new:
        found = _found(db, one)
        try:
            holds.place(found)
        except (NotFound, Conflict) as error:  # one whose object is gone must not cost the others
            log.warning("what is held is not there", hold=found.id, reason=error.message)
            holds.place(found, checked=False)
        placed += 1
    return placed


def _found(db: Database, copied: CopiedHold) -> Hold:
    if copied.hold.media is not None:
        return _found_media(db, copied)
    if copied.hold.clip is None:
        return copied.hold
    for clip in Inventory(db).clips():
        if clip.state in {"stored", "archived"} and (clip.id == copied.hold.clip or clip.key == copied.clip_key):
            return replace(copied.hold, clip=clip.id)
    return replace(copied.hold, clip=None)


def _found_media(db: Database, copied: CopiedHold) -> Hold:
    try:
        MediaLibrary(db).span(copied.hold.media or "")
    except NotFound:
        if copied.of_session:
            return replace(copied.hold, media=None, camera=OF_NO_CAMERA)
    return copied.hold


def _is_known(holds: HoldRepository, hold: str) -> bool:
    try:
        holds.get(hold)
    except NotFound:
        return False
    return True


def _raw(store: ObjectStore) -> bytes:
    """Return the object as it is; of none, what it would be without holds."""
    try:
        return store.read(keys.HOLDS)
    except NotFound:
        return _NONE


def _bytes(db: Database) -> bytes:
    """Return what the object is to have, the same for the same holds."""
    clips, media, entries = ClipRepository(db), MediaLibrary(db), []
    for hold in sorted(HoldRepository(db).list(0), key=lambda one: one.id):
        values = {name: value for name, value in asdict(hold).items() if name in _Entry.model_fields}
        of_session = hold.media is not None and media.session_of(hold.media) is not None
        entries.append({**values, "clip_key": _key_of(clips, hold.clip), "of_session": of_session})
    return json.dumps({"holds": entries}, indent=1 if entries else None, ensure_ascii=False).encode() + b"\n"


def _key_of(clips: ClipRepository, clip: str | None) -> str:
    if clip is None:
        return ""
    try:
        return clips.get(clip).key
    except NotFound:
        return ""
