"""Media in a store, described beside their files, and an index that is made anew of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from gatehouse.rebuilding import Rebuilt, rebuild
from gatehouse_common.accounts import Role
from gatehouse_common.db import Media, MediaDescriptions, MediaFile, Users
from gatehouse_common.intake import keep_description
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from media_rows import add_file, put
from pipeline_kit import core_at
from retention_kit import NOW


def stored(core: Core, number: int, *kinds: str, **more: Any) -> Media:
    """A medium with files in the store, described as the transcoder does when it is done."""
    name = str(more.pop("owner_name", "ada"))
    user = Users(core.db).named(name) or Users(core.db).add(name, Role.OPERATOR, NOW)
    folder = keys.media_folder(user.number, name, number)
    digest = hashlib.sha256(bytes_of("original", number)).hexdigest()
    facts = {"owner": user.number, "owner_name": name, "folder": folder, "created_us": NOW, "digest": digest}
    media = put(core.db, number, **facts, **more)
    for kind in kinds:
        data = bytes_of(kind, number)
        file = add_file(core.db, media, kind, len(data), key=f"{folder}{kind}.webm", facts={"width": 640})
        core.store.put_bytes(file.key, data)
    keep_description(core, number)
    return media


def bytes_of(kind: str, number: int) -> bytes:
    return f"{kind} of {number}".encode()


def about(media: Media) -> str:
    return keys.media_description(media.folder)


def files_of(core: Core, number: int) -> list[MediaFile]:
    return list(MediaDescriptions(core.db).read(number).files)


def anew(tmp_path: Path, name: str = "fresh") -> Any:
    return core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/{name}.db", broker_url="memory:")


def rebuilt(core: Core) -> Rebuilt:
    return rebuild(core, lambda _: None)


def forgotten(core: Core, *tables: str) -> None:
    """Let the index be an older copy, which knows nothing of what these tables have."""
    with core.db.begin() as c:
        for table in tables:
            c.exec_driver_sql(f"DELETE FROM {table}")
