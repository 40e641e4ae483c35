"""How careful a check has to be: who else is at work while it looks."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.clock import MINUTE


@dataclass(frozen=True, slots=True)
class Care:
    """What a check allows for.

    Attributes:
        grace_us: a file that is younger is on its way into the index, microseconds.
        pause_s: so long after all has been looked at, what was found is looked at again, seconds. Only what stands
            twice is a problem.
        bytes_per_second: files are read no faster; 0: as fast as it goes.
    """

    grace_us: int
    pause_s: float
    bytes_per_second: float = 0.0

    def is_young(self, modified_us: int, now_us: int) -> bool:
        """Return whether a file that was last changed then may be on its way into the index.

        Not where nobody else writes, whatever the store's clock says.
        """
        return self.grace_us > 0 and modified_us > now_us - self.grace_us


ALONE = Care(0, 0.0)
"""Nobody else writes."""
LIVE = Care(15 * MINUTE, 5.0)
"""Cameras are being recorded: chunks are stored, indexed, deleted all the time."""
