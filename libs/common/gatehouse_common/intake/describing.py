"""Media are described beside their files, by whoever has changed one, and by a sweep for those who died before.

Nobody is asked for leave to write, so two may write at once, and somebody may write what has been deleted meanwhile.
Whoever has written therefore reads the index again afterwards, and the object, until both say the same: of several the
last one to write sees what the last one to change has committed.
"""

from __future__ import annotations

import structlog

from gatehouse_common.db import MediaDescriptions, WholeMedium
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, NotFound
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

from .description import MOST_BYTES, describe, read_description

log = structlog.get_logger(__name__)

_TRIES = 8
_ANOTHERS = "it described another medium, or none, where one is described that the index has"


def keep_description(core: Core, number: int) -> bool:
    """Let the store say of a medium what the index says; of one that is deleted nothing. Return whether it did not.

    What is there of another medium, or is no description, is kept in the quarantine first; what cannot be read is
    written anew.

    Raises:
        NotFound: there is none of that number.
        Conflict: others change it all the time: whoever comes last describes it.
        DataLoss: the index says of it what none of ours would; nothing is written.
        GatehouseError: index or store does not answer.
    """
    descriptions = MediaDescriptions(core.db)
    for tried in range(_TRIES):
        known = descriptions.read(number)
        key, text = keys.media_description(known.media.folder), describe(known)
        there = _readable(core, key)
        if text is None:
            if known.media.state != "deleted":
                return tried > 0  # without a file there is nothing to find again
            if there is None or not _is_of(key, there, known):
                return tried > 0
            core.store.delete(key)
            continue
        if there == text:
            return tried > 0
        read_description(key, text)  # what could not be read again would be no description
        if there is not None and not _is_of(key, there, known):
            keep_aside(core, key, there, _ANOTHERS)
        core.store.put_bytes(key, text, overwrite=True)
    raise Conflict(f"medium {number} is changed all the time: it is described when that is over")


def describe_quietly(core: Core, number: int) -> None:
    """Describe a medium that was changed; where that fails it is changed all the same, and the sweep describes it."""
    try:
        keep_description(core, number)
    except GatehouseError as error:
        log.warning("a medium is not described beside its files yet", media=number, reason=error.message)


def is_described(core: Core, known: WholeMedium) -> bool:
    """Return whether the store says of a medium what the index said, or there is nothing to be said.

    Raises:
        GatehouseError: the store does not answer.
    """
    text = describe(known)
    return text is None or _readable(core, keys.media_description(known.media.folder)) == text


def raw_description(core: Core, key: str) -> bytes | None:
    """Return what an object has, but no more than a description may have and a byte; None: there is none.

    Raises:
        GatehouseError: the store does not answer.
    """
    try:
        size = core.store.stat(key).size
        return core.store.read(key, 0, min(size, MOST_BYTES + 1))
    except NotFound:
        return None


def _readable(core: Core, key: str) -> bytes | None:
    """Return what an object has; None: there is none, or the disk does not give it back any more."""
    try:
        return raw_description(core, key)
    except DataLoss as error:
        log.warning("what describes a medium cannot be read", key=key, reason=error.message)
        return None


def _is_of(key: str, data: bytes, known: WholeMedium) -> bool:
    """Return whether a description is of this very medium, and not of one of an index that was there before."""
    try:
        return read_description(key, data).media.id == known.media.id
    except DataLoss:
        return False


def keep_aside(core: Core, key: str, data: bytes, why: str) -> None:
    """Copy what an object says into the quarantine, with the reason: something else is written in its place.

    Raises:
        Conflict: it is too large to be a description.
        GatehouseError: the store does not take it.
    """
    if len(data) > MOST_BYTES:
        raise Conflict(f"{key} is no description, and too large to be kept elsewhere: it is left as it is")
    aside = keys.quarantine(key, core.clock.now_us())
    core.store.put_bytes(aside, data, overwrite=True)
    core.store.put_bytes(f"{aside}.reason.txt", f"{key}: {why}\n".encode(), overwrite=True)
    log.warning("what described a medium was kept in the quarantine", key=key, kept=aside, reason=why)
