"""Whether an object is still the one that somebody meant when it was written down under its key alone."""

from __future__ import annotations

from gatehouse_common.errors import NotFound

from .port import ObjectStore


def is_meant(store: ObjectStore, key: str, size: int) -> bool:
    """Return whether the object of a key may be the one of so many bytes that was meant; also if there is none.

    Keys come again: a recording's is its second by the site's clock, which runs through one hour of a year twice, and
    may be set back. So what has been waiting is compared before it is deleted: what has another size is something else.

    Args:
        store: where it is.
        key: its key.
        size: bytes of what was meant; 0: not known, so it is taken for that.

    Raises:
        GatehouseError: the store does not answer.
    """
    if size <= 0:
        return True
    try:
        return store.stat(key).size == size
    except NotFound:
        return True
