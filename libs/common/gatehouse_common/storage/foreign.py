"""What others have put into a store under names that no object can have."""

from __future__ import annotations

import structlog

from . import keys

log = structlog.get_logger(__name__)


class ForeignNames:
    """Passes over what no key can name, and tells of it once: one such file must not end a whole listing.

    Nothing can be done with it by its name, so it is left to whoever has put it there.
    """

    def __init__(self) -> None:
        self._told = False

    def has(self, name: str) -> bool:
        """Return whether a name is one that no object can have."""
        if keys.is_valid(name):
            return False
        if not self._told:
            log.warning("what has a name that no object can have is left alone", name=ascii(name))
        self._told = True
        return True
