"""The index from files alone, as far as people brought or recorded them: files of sessions, uploads, exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TypeVar

from gatehouse_common.db import FormerUser, FormerUsers, MediaDescriptions, NamedAlone, Whose
from gatehouse_common.errors import DataLoss, GatehouseError, Unavailable
from gatehouse_common.retention import read_trash
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys
from gatehouse_janitor.checking.mend_sessions import owner_in_session, restore_session_file
from gatehouse_janitor.checking.restore_media import owner_described, restore_medium

from .rebuilding_owners import Owners

_T = TypeVar("_T")


@dataclass(slots=True)
class RestoredFiles:
    """What people had, as far as files say.

    Attributes:
        sessions: how many files of recorder sessions got a row.
        media: how many uploads, recordings of browsers and exports did.
        users: who are users again since something is theirs; none of them is let in.
        left: keys of files that got none, each with the reason.
    """

    sessions: int = 0
    media: int = 0
    users: list[FormerUser] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def restore_files(core: Core, advance: Callable[[int], None]) -> RestoredFiles:
    """Make rows of files of sessions and of media anew.

    First those who are written down with an id, by all that is said of each: one who was removed is so whatever older
    descriptions say, and a name that two have had is given to neither. Files of older versions say only a name; they
    come last, for an account that is called so.

    Args:
        core: its index knows none of them.
        advance: called with 1 after each file.

    Raises:
        Unavailable: index or store does not answer.
    """
    done = RestoredFiles()
    former = _owners(core)
    trashed = _trashed(core, done)
    named_alone = list[str]()
    for info in core.store.list(keys.SESSIONS):
        advance(1)
        if _restore_session(core, done, former, trashed, info.key):
            named_alone.append(info.key)
    former.by_name = True
    for key in named_alone:
        _restore_session(core, done, former, trashed, key)
    for folder, found in _folders(core):
        advance(len(found))
        _restore_folder(core, done, former, folder, [info.key for info in found])
    _tell_of_pieces(core, done)
    done.users = former.added
    return done


def _owners(core: Core) -> FormerUsers:
    """Return the users whom files name by an id, each added by all that is said.

    Where the store did not say it of all, any name may be one that several have had.
    """
    owners, is_all_heard = Owners(), True
    for info, read in _words(core):
        try:
            owners.hear(_twice(partial(read, core, info.key)), info.modified_us)
        except GatehouseError:  # the file is told of in its turn
            is_all_heard = False
    former = FormerUsers(core.db, owners.contested() if is_all_heard else None, by_name=False)
    now_us = core.clock.now_us()
    for owner in owners.each():
        former.of(owner, now_us)
    return former


def _words(core: Core) -> Iterator[tuple[ObjectInfo, Callable[[Core, str], Whose | None]]]:
    """Yield what says whose files are, and how to read it; note which numbers folders of media have."""
    for info in core.store.list(keys.SESSIONS):
        yield info, owner_in_session
    numbers = set[int]()
    for folder, found in _folders(core):
        place = keys.media_folder_of(folder)
        numbers.update([place[1]] if place else [])
        about = next((one for one in found if folder and one.key == keys.media_description(folder)), None)
        if about is not None and len(found) > 1:
            yield about, owner_described
    # However much of it comes back, no medium that is still to come gets a folder in which there is something.
    MediaDescriptions(core.db).count_on(numbers)


def _trashed(core: Core, done: RestoredFiles) -> frozenset[tuple[int, str]]:
    """Return which files of sessions were in the trash; of what says it and cannot be read it is told."""
    try:
        return _twice(lambda: read_trash(core.store))
    except DataLoss as error:
        done.left[keys.TRASH] = error.message
        return frozenset()


def _restore_session(
    core: Core, done: RestoredFiles, former: FormerUsers, trashed: frozenset[tuple[int, str]], key: str
) -> bool:
    """Make the row of a session's file; return whether it has to wait, for it says only a name."""
    try:
        _twice(lambda: restore_session_file(core, key, former, trashed))
        done.sessions += 1
    except NamedAlone:
        return True
    except GatehouseError as error:
        done.left[key] = error.message
    return False


def _twice(do: Callable[[], _T]) -> _T:
    """Return what comes of something; where store or index did not answer, of the second try."""
    try:
        return do()
    except Unavailable:
        return do()


def _folders(core: Core) -> Iterator[tuple[str, list[ObjectInfo]]]:
    """Yield the prefixes of media and what is below each, however deep; of other keys an empty prefix."""

    def folder(info: ObjectInfo) -> str:
        place = keys.media_folder_of("/".join(info.key.split("/", 3)[:3]) + "/")
        return place[0] if place else ""

    for prefix, some in groupby(core.store.list(keys.UPLOADS), folder):
        yield prefix, list(some)


def _restore_folder(core: Core, done: RestoredFiles, former: FormerUsers, folder: str, found: list[str]) -> None:
    about = keys.media_description(folder) if folder else ""
    if about not in found:
        why = "nothing describes the medium that it is of" if folder else "its name is not that of a file of a medium"
        done.left |= dict.fromkeys(found, why)
        return
    try:
        restored = _twice(lambda: restore_medium(core, about, former))
    except GatehouseError as error:
        done.left |= dict.fromkeys(found, "what describes it cannot be used")
        done.left[about] = error.message
        return
    done.media += 1
    others = [key for key in found if key != about and key not in restored.taken]
    done.left |= dict.fromkeys(others, f"{about} does not name it") | restored.left


def _tell_of_pieces(core: Core, done: RestoredFiles) -> None:
    """Tell of uploads that had not been put together: only the index knew what their pieces are of."""
    for upload, pieces in groupby(core.store.list(keys.INCOMING), lambda info: info.key.rpartition("/")[0] + "/"):
        some = list(pieces)
        size = sum(one.size for one in some)
        done.left[upload] = f"{len(some)} pieces, {size} bytes, of an upload that was not put together"
