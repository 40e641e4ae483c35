"""How much of a work is a member's fair share."""

from __future__ import annotations

from collections.abc import Mapping


def quota(name: str, holding: Mapping[str, int], parts: int) -> int:
    """Return how many of ``parts`` a member should have: shares differ by one at most, and add up to all.

    Where they cannot all be the same, the larger ones are for those that hold the most already: what changes hands is
    not done for a moment, so nothing should without need.

    Args:
        name: the member.
        holding: how many each member has that is there; itself included or not.
        parts: of the whole work.
    """
    order = sorted({*holding, name}, key=lambda one: (-holding.get(one, 0), one))
    share, more = divmod(parts, len(order))
    return share + (order.index(name) < more)
