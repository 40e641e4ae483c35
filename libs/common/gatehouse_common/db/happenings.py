"""What webhooks may want to be told of, noted in the very transaction in which it happened.

So there is no moment at which a process could die that has done something and not told it, or told what was undone.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection, insert, select

from gatehouse_common.ids import new_id
from gatehouse_common.observability.secrets import mask
from gatehouse_common.timefmt import rfc3339

from .records import Gap
from .webhook_models import HappeningRow, WebhookRow

_WANTED = select(WebhookRow.id).where(WebhookRow.active.is_(True)).limit(1)


def note(
    c: Connection, name: str, subject: str, camera: str, time_us: int, data: str | None = None, *, once: bool = False
) -> None:
    """Note in a transaction that something happens in it; nothing where there is no webhook that is active.

    Args:
        c: the transaction.
        name: of the event.
        subject: id of what it happens to.
        camera: slug; empty: it is of none.
        time_us: when it happens, microseconds UTC.
        data: what is told of it, JSON; None: it is looked up when it is told.
        once: not if the same of the same waits to be told: that tells the state by then, which is this one or later.
    """
    if c.execute(_WANTED).first() is None:
        return
    if once:
        same = (HappeningRow.subject == subject, HappeningRow.name == name)
        waits = c.execute(select(HappeningRow.id).where(*same).limit(1)).scalar()
        if waits is not None and _stays(c, waits):
            return
    row = {"id": new_id(), "name": name, "subject": subject, "camera": camera, "time_us": time_us, "data": data}
    c.execute(insert(HappeningRow).values(row))


def _stays(c: Connection, happening_id: str) -> bool:
    """Return whether what waits is there still, and is not told before this transaction has come to its end.

    A view of the past may show what has been taken to be told meanwhile, by who does not see what is changed here.
    It is asked for by its key, for a locking read of an index locks the place where others add theirs.
    """
    of = HappeningRow.id == happening_id
    return c.execute(select(HappeningRow.id).where(of).with_for_update()).first() is not None


def note_gap(c: Connection, gap: Gap) -> None:
    """Note in a transaction that a gap is found: a span in which a camera was not recorded, and why."""
    span = {"camera": gap.camera, "from": rfc3339(gap.start_us), "to": rfc3339(gap.end_us)}
    data = json.dumps({**span, "cause": str(gap.cause), "detail": mask(gap.detail)}, separators=(",", ":"))
    note(c, "recording.gap", gap.camera, gap.camera, gap.end_us, data)
