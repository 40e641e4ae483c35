"""What is whole becomes a medium, and gets the job that makes of it what belongs to it: in one transaction."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, insert, select, update

from gatehouse_common.errors import Conflict
from gatehouse_common.ids import new_id

from .jobs import Job
from .media_jobs import queue_job
from .media_models import MediaRow
from .media_records import PROCESS, Media, Upload
from .media_rows import row_values
from .upkeep_models import FactRow
from .upload_models import UploadRow

LOCK = "media.lock"
"""Name of the fact that counts media."""


def take_in(
    c: Connection,
    upload: Upload,
    media_type: str,
    now_us: int,
    folder: Callable[[int], str],
    *,
    session: int | None = None,
) -> tuple[Media, Job]:
    """Complete an upload whose pieces are all durable: make a medium of it; return that, and its job, which is queued.

    Args:
        c: a transaction.
        upload: all of whose bytes are here, as it was read with its pieces.
        media_type: by its first bytes.
        now_us: the time.
        folder: returns the prefix of keys of a medium by its number, see ``keys.media_folder``.
        session: number of the recorder session whose recording it is; None: it is a file that somebody had.

    Raises:
        Conflict: it is not received any more: complete already, cancelled or let go of; or more of it has come since
            it was read.
    """
    mine = (UploadRow.id == upload.id, UploadRow.state == "receiving", UploadRow.received == upload.received)
    values = {"state": "complete", "changed_us": now_us, "open_name": None}
    if c.execute(update(UploadRow).where(*mine).values(values)).rowcount == 0:
        raise Conflict(f"upload {upload.id} is not received any more, or more of it has come")
    number = next_number(c)
    media = Media(
        number=number,
        id=new_id(),
        owner=upload.owner,
        owner_name=upload.owner_name,
        kind="upload" if session is None else "recording",
        name=upload.name,
        folder=folder(number),
        upload=upload.id,
        session=session,
        type=media_type,
        bytes=upload.received,
        start_us=upload.facts.get("started_us"),
        created_us=now_us,
    )
    c.execute(insert(MediaRow).values(row_values(media)))
    c.execute(update(UploadRow).where(UploadRow.id == upload.id).values(media=number))
    return media, queue_job(c, PROCESS, {"media": number}, number, now_us, upload.owner, upload.owner_name)


def next_number(c: Connection) -> int:
    """Return a number that no medium ever had or gets; nobody else takes one until the end of the transaction."""
    told = c.execute(select(FactRow.value).where(FactRow.name == LOCK).with_for_update()).scalar_one()
    number = int(told or 0) + 1
    c.execute(update(FactRow).where(FactRow.name == LOCK).values(value=str(number)))
    return number
