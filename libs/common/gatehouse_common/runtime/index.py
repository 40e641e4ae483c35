"""Opening the index with what keeps its passwords."""

from __future__ import annotations

from gatehouse_common.db import Database
from gatehouse_common.sealing import sealer_of
from gatehouse_common.settings import Settings


def open_index(settings: Settings, answer_s: int | None = None) -> Database:
    """Return the index that settings name; connects to nothing.

    Args:
        settings: where it is, and the key.
        answer_s: a server that does not answer for so many seconds is away; None: as usual.

    Raises:
        InvalidInput: its URL cannot be read, or the key is too short.
    """
    values = settings.values
    sealer = sealer_of(values.sealing_key, values.data_dir.absolute(), shared=bool(values.database_url))
    if answer_s is None:
        return Database(settings.database_url, sealer=sealer)
    return Database(settings.database_url, answer_s, sealer)
