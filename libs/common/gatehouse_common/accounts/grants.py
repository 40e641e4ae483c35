"""What a user may do with one camera."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gatehouse_common.clock import HOUR
from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import parse_slug


class Permission(StrEnum):
    """What may be done with a camera that was granted."""

    LIVE = "live"
    PLAYBACK = "playback"
    EXPORT = "export"
    CONTROL = "control"


ALL_PERMISSIONS = frozenset(Permission)


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody may do with a camera.

    Attributes:
        camera: its slug.
        permissions: what.
        last_hours: only with the footage of so many hours; None: with all that there is.
    """

    camera: str
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    last_hours: float | None = None

    @classmethod
    def of(cls, camera: str, permissions: Iterable[str] | None = None, last_hours: float | None = None) -> Grant:
        """Return a grant of what people wrote.

        Raises:
            InvalidInput: the camera is no slug, there is no such permission, or the hours are no time to look back.
        """
        parse_slug(camera)
        if last_hours is not None and not 0 < last_hours <= 876_000:
            raise InvalidInput("last_hours has to be more than 0 and at most 876000.", "last_hours")
        if permissions is None:
            return cls(camera, last_hours=last_hours)
        found = set()
        for name in permissions:
            try:
                found.add(Permission(name))
            except ValueError as error:
                known = ", ".join(Permission)
                raise InvalidInput(
                    f"there is no permission {name[:40]!r}: there are {known}.", "permissions"
                ) from error
        return cls(camera, frozenset(found), last_hours)

    def earliest_us(self, now_us: int) -> int | None:
        """Return the first instant that may be looked at, microseconds UTC; None: there is no such limit."""
        return None if self.last_hours is None else now_us - round(self.last_hours * HOUR)
