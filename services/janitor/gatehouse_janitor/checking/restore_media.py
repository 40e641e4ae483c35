"""A medium made anew of what describes it, for an index that does not know it: a new one, or an older copy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import structlog

from gatehouse_common.db import FormerUsers, Media, MediaDescriptions, MediaFile, Whose
from gatehouse_common.db.media_inventory import GONE
from gatehouse_common.db.media_records import NOBODY
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.intake import keep_aside, raw_description, read_description
from gatehouse_common.runtime import Core

log = structlog.get_logger(__name__)

ORIGINAL = "original"
_CHANGED = "its original is not what it was when it was described, and is left out"
_INTERRUPTED = "the index was lost while something was made of it: it can be tried again"
_NO_EXPORT = "the index was lost while the export was made: ask for it again"
_LEFT_OUT = "its medium was indexed anew of it without files that it names, for they are not as it says"
_MISSING = "a description names it, and it is not in the store"
_MADE = {"queued", "processing"}


@dataclass(frozen=True, slots=True)
class RestoredMedium:
    """What became of a description.

    Attributes:
        number: of the medium, which the index knows now.
        taken: keys of the files that it has there.
        left: why it does not have others that are described, by key.
    """

    number: int
    taken: frozenset[str]
    left: dict[str, str] = field(default_factory=dict)


def restore_medium(core: Core, key: str, former: FormerUsers) -> RestoredMedium:
    """Make the rows of a medium and its files anew of what describes it.

    A file counts as its own only with the size that is described, an original only with its SHA-256, too, as long as
    the disk gives it back: damage within it a check tells of. What was being made when the index was lost has failed,
    and says so.

    Args:
        core: the index and the store.
        key: of the description.
        former: finds whose it is.

    Raises:
        DataLoss: it describes no medium, or none of its files is there as it says.
        NotFound: it is gone.
        AnotherMedium: the index has another medium of that number, or of that id.
        Conflict: it knows this one.
        GatehouseError: index or store does not answer.
    """
    data = raw_description(core, key)
    if data is None:
        raise NotFound(f"there is no {key}")
    known = read_description(key, data)
    descriptions = MediaDescriptions(core.db)
    descriptions.refuse_known(known.media)
    there, left = list[MediaFile](), dict[str, str]()
    for file in known.files:
        wrong = wrong_with(core, file, known.media.digest if file.kind == ORIGINAL else "")
        if wrong:
            left[file.key] = wrong
        else:
            there.append(file)
    if not there:
        raise DataLoss("none of the files that it describes is there as it says: " + "; ".join(left.values())[:200])
    changed = any(file.kind == ORIGINAL and left.get(file.key, _MISSING) != _MISSING for file in known.files)
    media = _as_found(known.media, there, changed=changed)
    if media.trashed_us is not None:  # who is to hold it, or to take it out, has as long as ever for that
        media = replace(media, trashed_us=core.clock.now_us())
    if left:  # it is written anew without them
        keep_aside(core, key, data, f"{_LEFT_OUT}: {', '.join(sorted(left))}")
    descriptions.add(replace(media, owner=_owner(core, known.owner, former)), there)
    return RestoredMedium(media.number, frozenset(file.key for file in there), left)


def owner_described(core: Core, key: str) -> Whose | None:
    """Return who is described as having a medium; None: nobody, or it is no description.

    Raises:
        GatehouseError: the store does not answer, or give it back.
    """
    data = raw_description(core, key)
    try:
        told = None if data is None else read_description(key, data).owner
    except DataLoss:
        return None
    return None if told is None or told.number == NOBODY else told


def _owner(core: Core, told: Whose, former: FormerUsers) -> int:
    return NOBODY if told.number == NOBODY else former.of(told, core.clock.now_us()).number


def _as_found(media: Media, there: list[MediaFile], *, changed: bool) -> Media:
    """Return a medium as it is with the files that are there; ``changed``: its original is another than it was."""
    interrupted = _NO_EXPORT if media.kind == "export" else _INTERRUPTED
    if media.state in _MADE:
        media = replace(media, state="failed", detail=interrupted)
    if media.before_trash in _MADE:
        media = replace(media, before_trash="failed", detail=interrupted)
    if all(file.kind != ORIGINAL for file in there):
        media = replace(media, detail=_CHANGED if changed else GONE)
    return media


def wrong_with(core: Core, file: MediaFile, digest: str) -> str:
    """Return why a file is not the one that is described; empty: it is.

    Raises:
        GatehouseError: the store does not say whether it is there.
    """
    found = hashlib.sha256()
    try:
        size = core.store.stat(file.key).size
        if size != file.bytes:
            return f"it has {size} bytes, and is described with {file.bytes}"
        if not digest:
            return ""
        for data in core.store.open_range(file.key):
            found.update(data)
    except NotFound:
        return _MISSING
    except DataLoss as error:
        log.warning("an original is not given back whole", key=file.key, reason=error.message)
        return ""
    return "" if found.hexdigest() == digest else f"its SHA-256 is {found.hexdigest()}, and is described as {digest}"
