"""Exports of footage: a medium that is still to be made, and the job that makes it, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import insert

from gatehouse_common.ids import new_id

from .contention import retried
from .engine import Database
from .jobs import Job
from .media_intake import next_number
from .media_jobs import queue_job
from .media_models import MediaRow
from .media_records import EXPORT, Media
from .media_rows import row_values


class MediaExports:
    """Asks for exports.

    Args:
        db: the index.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def ask(
        self,
        owner: int,
        owner_name: str,
        name: str,
        media_type: str,
        parameters: Mapping[str, Any],
        start_us: int,
        now_us: int,
        folder: Callable[[int], str],
    ) -> tuple[Media, Job]:
        """Ask for an export; return the medium that it will be, and its job, which is queued.

        Args:
            owner: number of the user whose it is.
            owner_name: as it is now.
            name: what the file is called.
            media_type: of the file.
            parameters: which footage of which cameras: see the job's stage in the transcoder.
            start_us: where the footage begins.
            now_us: the time.
            folder: returns the prefix of keys of a medium by its number, see ``keys.media_folder``.
        """
        with self._db.begin() as c:
            number = next_number(c)
            media = Media(
                number=number,
                id=new_id(),
                owner=owner,
                owner_name=owner_name,
                kind="export",
                name=name,
                folder=folder(number),
                type=media_type,
                start_us=start_us,
                created_us=now_us,
            )
            c.execute(insert(MediaRow).values(row_values(media)))
            wanted = {**parameters, "media": number}
            return media, queue_job(c, EXPORT, wanted, number, now_us, owner, owner_name)
