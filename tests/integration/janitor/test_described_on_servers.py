"""Media described in a bucket by an index of MariaDB: what a larger installation has is written and read alike (R5)."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gatehouse.rebuilding import rebuild
from gatehouse_common.accounts import Role
from gatehouse_common.db import MediaDescriptions, MediaLibrary, MediaTrash, Users
from gatehouse_common.intake import keep_description, read_description
from gatehouse_common.storage import keys
from gatehouse_janitor.description_sweep import DescriptionSweep
from gatehouse_janitor.service import build as build_janitor
from janitor_kit import objects
from media_rows import add_file, put
from pipeline_kit import core_at
from plates_kit import server_settings

FILM = b"film" * 1000
TABLES = ("media_files", "media", "users")


@pytest.mark.timeout(300)
def test_media_are_described_deleted_and_come_back_on_servers(tmp_path: Path) -> None:
    with server_settings(tmp_path) as settings, core_at(tmp_path / "data", **settings) as core:
        now_us = core.clock.now_us()
        ada = Users(core.db).add("Ada", Role.OPERATOR, now_us)
        digest = hashlib.sha256(FILM).hexdigest()
        media = [put(core.db, n, owner=ada.number, created_us=now_us, digest=digest) for n in (1, 2, 3)]
        for one in media:
            core.store.put_bytes(add_file(core.db, one, "original", len(FILM)).key, FILM)
        looks = [DescriptionSweep(core).look(threading.Event()) for _ in media]  # each goes on for a second at most
        assert sum(looks) == 3
        assert DescriptionSweep(core).look(threading.Event()) == 0

        def change(n: int) -> None:
            MediaLibrary(core.db).rename(1, f"name {n}")
            keep_description(core, 1)

        threads = [threading.Thread(target=change, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        about = keys.media_description(media[0].folder)
        assert read_description(about, core.store.read(about)).media == MediaLibrary(core.db).get(1)
        MediaLibrary(core.db).trash(2, now_us)
        keep_description(core, 2)
        MediaLibrary(core.db).trash(3, now_us)
        assert MediaTrash(core.db).mark([media[2].id], "asked", now_us)
        build_janitor(core).look(threading.Event())
        assert {key.split("/")[2] for key in objects(core, keys.UPLOADS)} == {"1", "2"}
        before = [MediaDescriptions(core.db).read(number) for number in (1, 2)]
        with core.db.begin() as c:
            for table in TABLES:
                c.exec_driver_sql(f"DELETE FROM {table}")
            c.exec_driver_sql("UPDATE facts SET value = '0' WHERE name = 'media.lock'")
        done = rebuild(core, lambda _: None)
        assert (done.media, done.left) == (2, {})
        after = [MediaDescriptions(core.db).read(number) for number in (1, 2)]
        assert (after[1].media.trashed_us or 0) > (before[1].media.trashed_us or 0), "it is in the trash since now"
        since_then = replace(after[1].media, trashed_us=before[1].media.trashed_us)
        assert [after[0], replace(after[1], media=since_then)] == before
        assert MediaTrash(core.db).bytes() == 2 * len(FILM)
        assert [(one.id, one.state) for one in Users(core.db).list()] == [(ada.id, "disabled")]
