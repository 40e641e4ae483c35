"""How much of a work is a member's fair share."""

from __future__ import annotations

from collections.abc import Collection


def quota(name: str, members: Collection[str], parts: int) -> int:
    """Return how many of ``parts`` a member should have: shares differ by one at most, and add up to all.

    Args:
        name: the member.
        members: those that are there, itself included or not.
        parts: of the whole work.
    """
    order = sorted({*members, name})
    share, more = divmod(parts, len(order))
    return share + (order.index(name) < more)
