"""The index from files alone, as far as people brought or recorded them: files of sessions, uploads, exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from gatehouse_common.db import FormerUser, FormerUsers
from gatehouse_common.errors import DataLoss, GatehouseError, InvalidInput
from gatehouse_common.retention import restore_trash
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_janitor.checking.mend_sessions import restore_session_file
from gatehouse_janitor.checking.restore_media import owner_described, restore_medium


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

    First who is described with an id: files of older versions say only a name, and must not take it from them.

    Args:
        core: its index knows none of them.
        advance: called with 1 after each file.

    Raises:
        Unavailable: index or store does not answer.
    """
    done, former = RestoredFiles(), FormerUsers(core.db)
    for folder, found in _folders(core):
        if len(found) > 1 and folder and keys.media_description(folder) in found:
            owner = owner_described(core, keys.media_description(folder))
            if owner is not None:
                former.of(owner, core.clock.now_us())
    for info in core.store.list(keys.SESSIONS):
        advance(1)
        try:
            restore_session_file(core, info.key, former)
            done.sessions += 1
        except GatehouseError as error:
            done.left[info.key] = error.message
    try:
        restore_trash(core.db, core.store)
    except (DataLoss, InvalidInput) as error:
        done.left[keys.TRASH] = error.message
    for folder, found in _folders(core):
        advance(len(found))
        _restore_folder(core, done, former, folder, found)
    _tell_of_pieces(core, done)
    done.users = former.added
    return done


def _folders(core: Core) -> Iterator[tuple[str, list[str]]]:
    """Yield the prefixes of media and the keys below each; of keys that can be of none, an empty prefix."""

    def folder(key: str) -> str:
        place = keys.media_folder_of(key)
        return place[0] if place else ""

    for prefix, some in groupby((info.key for info in core.store.list(keys.UPLOADS)), folder):
        yield prefix, list(some)


def _restore_folder(core: Core, done: RestoredFiles, former: FormerUsers, folder: str, found: list[str]) -> None:
    about = keys.media_description(folder) if folder else ""
    if about not in found:
        why = "nothing describes the medium that it is of" if folder else "its name is not that of a file of a medium"
        done.left |= dict.fromkeys(found, why)
        return
    try:
        restored = restore_medium(core, about, former)
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
