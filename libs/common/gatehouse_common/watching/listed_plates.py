"""Tells that plates are on watch lists.

What is to be told is a row first, written once for each visit and entry; then it is told; then the row says so. Who
stops in between has it told by whoever looks next: at least once, and by the same id. That a person corrected a visit
is a row too, until it was looked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Listing, PlateListings, PlateLooks, WatchedPlates, WatchMatch
from gatehouse_common.errors import GatehouseError, Unavailable
from gatehouse_common.messages import PlateListed
from gatehouse_common.runtime import Core

log = structlog.get_logger(__name__)

LATE_US = 10 * SECOND
"""What is not told for so long was forgotten by who noted it."""


class ListedPlates:
    """Notes which entries match a visit, and tells it.

    Args:
        core: what services are built from.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._watched = WatchedPlates(core.db)
        self._listings = PlateListings(core.db, self._watched)
        self._looks = PlateLooks(core.db)

    def look_at(self, event: str) -> None:
        """Note which entries match what a plate event says by now, and tell those that were not told.

        Raises:
            Unavailable: the database does not answer.
        """
        self._tell(self._listings.note(event, self._core.zone, self._core.clock.now_us()))

    def look_at_corrected(self, event: str) -> None:
        """Do what :meth:`look_at` does, of an event that a person has corrected, and note that it is done.

        Raises:
            Unavailable: the database does not answer; it is done by whoever looks for what is late.
        """
        noted = self._looks.of(event)  # what is corrected after this is looked at again
        self.look_at(event)
        self._looks.done(noted)

    def would_match(self, text: str, at_us: int) -> list[tuple[WatchMatch, bool]]:
        """Return the entries that a text of A-Z and 0-9 matches, each with whether it is valid at an instant.

        Raises:
            Unavailable: the database does not answer.
        """
        return self._watched.compare(text, at_us, self._core.zone)

    def tell_late(self) -> None:
        """Look at what was corrected some time ago and never looked at, and tell what was noted and never told.

        Raises:
            Unavailable: the database does not answer.
        """
        before_us = self._core.clock.now_us() - LATE_US
        for event in self._looks.waiting(before_us):
            try:
                self.look_at_corrected(event)
            except Unavailable:
                raise
            except Exception:  # a fault with one must not keep the others
                log.exception("a corrected plate was not looked for on lists", event_id=event)
        self._tell(self._listings.untold(before_us))

    def _tell(self, listings: Sequence[Listing]) -> None:
        told = []
        for one in listings:
            try:
                self._core.bus.publish(message_of(one))
            except GatehouseError as error:  # it stays to be told
                log.warning("a plate on a list was not told of", reason=error.message)
            else:
                told.append(one.id)
        if told:
            self._listings.note_told(told)


def message_of(one: Listing) -> PlateListed:
    """Return the message that tells a listing."""
    return PlateListed(
        id=one.id,
        camera=one.camera,
        time_us=one.noted_us,
        event=one.event,
        text=one.text,
        watch_list=one.list,
        list_name=one.list_name,
        kind=one.kind,
        entry=one.entry,
        plate=one.plate,
        match=one.how,
        distance=one.distance,
    )
