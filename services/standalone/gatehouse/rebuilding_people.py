"""The index from files alone, as far as people brought or recorded them: files of sessions, uploads, exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeVar

from gatehouse_common.accounts import name_key
from gatehouse_common.db import FormerUser, FormerUsers, MediaDescriptions, NamedAlone, Whose
from gatehouse_common.errors import DataLoss, GatehouseError, InvalidInput, Unavailable
from gatehouse_common.retention import restore_trash
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys
from gatehouse_janitor.checking.mend_sessions import restore_session_file
from gatehouse_janitor.checking.restore_media import owner_described, restore_medium

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
    named_alone = [
        info.key for info in core.store.list(keys.SESSIONS) if _restore_session(core, done, former, info.key)
    ]
    former.by_name = True
    for key in named_alone:
        _restore_session(core, done, former, key)
    advance(done.sessions + len(done.left))
    try:
        restore_trash(core.db, core.store)
    except (DataLoss, InvalidInput) as error:
        done.left[keys.TRASH] = error.message
    for folder, found in _folders(core):
        advance(len(found))
        _restore_folder(core, done, former, folder, [info.key for info in found])
    _tell_of_pieces(core, done)
    done.users = former.added
    return done


def _owners(core: Core) -> FormerUsers:
    """Return the users whom descriptions name by an id, each added by all that is said; note which numbers are had."""
    highest = 0
    newest, removed, named = dict[str, tuple[int, Whose]](), set[str](), dict[str, set[str]]()
    for folder, found in _folders(core):
        place = keys.media_folder_of(found[0].key)
        highest = max(highest, place[1] if place else 0)
        about = next((one for one in found if folder and one.key == keys.media_description(folder)), None)
        owner = None if about is None or len(found) == 1 else _owner(core, about.key)
        if about is None or owner is None:
            continue
        if owner.removed:
            removed.add(owner.id)
        named.setdefault(name_key(owner.name), set()).add(owner.id)
        if owner.id not in newest or newest[owner.id][0] < about.modified_us:
            newest[owner.id] = about.modified_us, owner
    # However much of it comes back, no medium that is still to come gets a folder in which there is something.
    MediaDescriptions(core.db).count_on(highest)
    contested = [name for name, ids in named.items() if len(ids - removed) > 1]
    former, now_us = FormerUsers(core.db, contested, by_name=False), core.clock.now_us()
    for _, owner in sorted(newest.values(), key=lambda one: (one[1].created_us, one[1].id)):
        former.of(replace(owner, removed=owner.id in removed), now_us)
    return former


def _owner(core: Core, about: str) -> Whose | None:
    """Return whom a description names by an id; None: nobody, or it cannot be read, which is told in its turn."""
    try:
        owner = owner_described(core, about)
    except GatehouseError:
        return None
    return owner if owner is not None and owner.id else None


def _restore_session(core: Core, done: RestoredFiles, former: FormerUsers, key: str) -> bool:
    """Make the row of a session's file; return whether it has to wait, for it says only a name."""
    try:
        _twice(lambda: restore_session_file(core, key, former))
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
    """Yield the prefixes of media and what is below each; of keys that can be of none, an empty prefix."""

    def folder(info: ObjectInfo) -> str:
        place = keys.media_folder_of(info.key)
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
