"""Where a file of a session goes in the store: after the site's template, beside what others have put there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import structlog

from gatehouse_common.db import SessionChunk
from gatehouse_common.errors import Conflict, InvalidInput
from gatehouse_common.runtime import Core
from gatehouse_common.settings.session_path import DEFAULT_SESSION_PATH
from gatehouse_common.storage import Source, keys, same_bytes

log = structlog.get_logger(__name__)


def place_session_file(
    core: Core,
    chunk: SessionChunk,
    source: Callable[[str], Source],
    put: Callable[[Source, str], object],
    extension: Literal["mp4", "webm"] = "mp4",
) -> str:
    """Put a file into the store; return its key.

    The same bytes may be there already: a crash came in between. A name that is taken by others is left to whoever
    took it. Where the store refuses the place, since a folder on the way is a link, the file goes where it would
    without a setting: better there than nowhere.

    Args:
        core: the store, the site's zone and template.
        chunk: the file's row.
        source: makes of a key the file that is to be read.
        put: puts it under a key, as ``ObjectStore.put`` does.
        extension: by what is in it.

    Raises:
        InvalidInput: the store refuses the usual place too.
        GatehouseError: as ``put`` does, but for a name that is taken.
    """
    path, attempt = core.site.session_path, 1
    while True:
        key = keys.session(
            chunk.wanted_start_us,
            chunk.number,
            core.zone,
            attempt,
            name=chunk.name,
            extension=extension,
            path=path,
            camera=chunk.camera,
            user=chunk.user,
            user_name=chunk.user_name,
        )
        file = source(key)
        try:
            put(file, key)
        except Conflict:
            if same_bytes(core.store, key, file):
                return key
            attempt += 1
        except InvalidInput as error:
            if path == DEFAULT_SESSION_PATH:
                raise
            log.warning("a file of a session goes to the usual place", key=key, reason=error.message)
            path = DEFAULT_SESSION_PATH
        else:
            return key
