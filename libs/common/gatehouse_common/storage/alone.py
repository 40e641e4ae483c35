"""Whether it is one object that does not answer, or its store."""

from __future__ import annotations

from gatehouse_common.errors import GatehouseError, NotFound

from . import keys
from .port import ObjectStore


def is_alone(store: ObjectStore, key: str) -> bool:
    """Return whether an object cannot be read for reasons of its own, because nobody here may, say.

    Of a bucket nobody can tell: its server may answer the next time.

    Args:
        store: where it is.
        key: an object that could not be read.
    """
    if store.local_path(key) is None:
        return False
    try:
        store.stat(keys.STORE_SIGN)
    except NotFound:
        return True
    except GatehouseError:
        return False
    return True
