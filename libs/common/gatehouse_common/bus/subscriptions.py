"""Several subscriptions that are closed together."""

from __future__ import annotations

from collections.abc import Sequence

from .port import Subscription


class Together:
    """The subscriptions of a queue's partitions."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self._subscriptions = subscriptions

    @property
    def dropped(self) -> int:
        """Messages dropped by all of them."""
        return sum(one.dropped for one in self._subscriptions)

    def close(self) -> None:
        """Close all of them."""
        for one in self._subscriptions:
            one.close()
