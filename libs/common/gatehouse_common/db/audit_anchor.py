"""The two ends of the audit log: the entry that was written last, and the oldest that was not forgotten."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from sqlalchemy import Connection, select, update

from .upkeep_models import FactRow

_IS_IT = FactRow.name == "audit.lock"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The ends of the chain, as they are kept beside it.

    Attributes:
        first: number of the oldest entry that was not forgotten.
        number: that of the newest.
        digest: of the newest.
    """

    first: int
    number: int
    digest: str

    @classmethod
    def read(cls, c: Connection, *, lock: bool = False) -> Self | None:
        """Return what is kept, None if nothing is that can be read.

        Args:
            c: a transaction.
            lock: nobody else writes to the log until its end.
        """
        query = select(FactRow.value).where(_IS_IT)
        text = c.execute(query.with_for_update() if lock else query).scalar()
        try:
            kept = json.loads(text or "")
            return cls(int(kept["first"]), int(kept["number"]), str(kept["digest"]))
        except (ValueError, TypeError, KeyError):
            return None

    def write(self, c: Connection) -> None:
        """Keep it, in the transaction that changes the log."""
        c.execute(update(FactRow).where(_IS_IT).values(value=json.dumps(asdict(self))))
