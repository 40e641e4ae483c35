"""Answers that are kept for a day for who asks the same again under one key (``Idempotency-Key``)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select, update

from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.errors import Conflict
from gatehouse_common.ids import new_id
from gatehouse_common.sealing import is_sealed

from .contention import retried
from .engine import Database
from .kept_answer_models import KeptAnswerRow
from .new_rows import insert_new

KEPT_US: Final = 24 * HOUR
ABANDONED_US: Final = 10 * MINUTE
"""After this who worked on a request is taken for dead; no request takes as long."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer to a request.

    Attributes:
        same: whether what is asked now is what was asked then.
        status: HTTP status.
        headers: those that belong to it.
        body: its text.
    """

    same: bool
    status: int
    headers: Mapping[str, str]
    body: str


class KeptAnswers:
    """Keeps answers. A body is sealed where there is a key, for some show a secret this once."""

    def __init__(self, db: Database) -> None:
        self._db, self._sealer = db, db.sealer

    @property
    def keeps_secrets(self) -> bool:
        """Whether what is kept can be read by nobody who has the index alone."""
        return self._sealer.seals

    @retried
    def begin(self, who: str, key: str, request: str, now_us: int) -> KeptAnswer | str:
        """Begin work on a request, unless it has been answered under this key: then return that answer.

        Args:
            who: who asks; others have keys of their own.
            key: what the request is called.
            request: fingerprint of what is asked.
            now_us: the time.

        Returns:
            The answer; or the name of the attempt, by which its answer is to be kept or given up.

        Raises:
            Conflict: the same is being worked on at this moment, or its answer was sealed with another key.
        """
        row_id, attempt = _row_id(who, key), new_id()
        row = {
            "id": row_id,
            "request": request,
            "attempt": attempt,
            "begun_us": now_us,
            "status": None,
            "headers": {},
            "body": "",
        }
        abandoned = (KeptAnswerRow.status.is_(None), KeptAnswerRow.begun_us <= now_us - ABANDONED_US)
        with self._db.begin() as c:
            c.execute(delete(KeptAnswerRow).where(KeptAnswerRow.begun_us <= now_us - KEPT_US))
            c.execute(delete(KeptAnswerRow).where(KeptAnswerRow.id == row_id, *abandoned))
            if insert_new(c, KeptAnswerRow, row):
                return attempt
            columns = (KeptAnswerRow.request, KeptAnswerRow.status, KeptAnswerRow.headers, KeptAnswerRow.body)
            asked, status, headers, body = c.execute(select(*columns).where(KeptAnswerRow.id == row_id)).one()
        if status is None and asked == request:
            raise Conflict("the request of this Idempotency-Key is being worked on: ask again in a moment.")
        opened = self._sealer.open(body)
        if asked == request and is_sealed(opened):
            raise Conflict(
                "the request of this Idempotency-Key has been answered, and its answer cannot be read any more."
            )
        return KeptAnswer(asked == request, status or 0, headers, opened)

    @retried
    def keep(self, who: str, key: str, attempt: str, status: int, headers: Mapping[str, str], body: str) -> None:
        """Keep the answer of an attempt, unless another has been begun since."""
        mine = (KeptAnswerRow.id == _row_id(who, key), KeptAnswerRow.attempt == attempt)
        values = {"status": status, "headers": dict(headers), "body": self._sealer.seal_text(body)}
        with self._db.begin() as c:
            c.execute(update(KeptAnswerRow).where(*mine).values(values))

    @retried
    def give_up(self, who: str, key: str, attempt: str) -> None:
        """Forget an attempt of which nothing came: the key is free again."""
        mine = (KeptAnswerRow.id == _row_id(who, key), KeptAnswerRow.attempt == attempt)
        with self._db.begin() as c:
            c.execute(delete(KeptAnswerRow).where(*mine))


def _row_id(who: str, key: str) -> str:
    return hashlib.sha256(f"{who}\n{key}".encode()).hexdigest()
