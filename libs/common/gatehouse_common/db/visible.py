"""What there is for somebody: of which cameras, and from when on; a condition of queries, so that counts are right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

OF_NO_CAMERA = ""
"""Stands for the camera of what a browser recorded."""


@dataclass(frozen=True, slots=True)
class Visible:
    """The cameras that there are for somebody. Readers that are given none of these look at everything.

    Attributes:
        cameras: their ids.
        since_us: the first instant that may be looked at, microseconds UTC, of those that have one.
    """

    cameras: frozenset[str]
    since_us: Mapping[str, int] = field(default_factory=dict)

    def has(self, camera: str, start_us: int | None = None) -> bool:
        """Return whether a camera is there; with an instant, what began then."""
        return camera in self.cameras and (start_us is None or start_us >= self.since_us.get(camera, start_us))

    def conditions(self, camera: Any, begins_us: Any = None) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions that something is there.

        Args:
            camera: the column of its camera.
            begins_us: the column of when it began; None: only the camera counts.
        """
        yield camera.in_(sorted(self.cameras))
        if begins_us is not None:
            yield from self.since(camera, begins_us)

    def since(self, camera: Any, begins_us: Any) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions that something is not too old to be there; none where nothing is."""
        limits = {name: at for name, at in sorted(self.since_us.items()) if name in self.cameras}
        if limits:
            own = [(camera == name) & (begins_us >= at) for name, at in limits.items()]
            yield or_(camera.not_in(sorted(limits)), *own)


def seen(visible: Visible | None, camera: Any, begins_us: Any = None) -> list[ColumnElement[bool]]:
    """Return the conditions that something is there for somebody; for None, who sees everything, there are none."""
    return [] if visible is None else list(visible.conditions(camera, begins_us))


def seen_or_of_none(visible: Visible | None, camera: Any, begins_us: Any = None) -> list[ColumnElement[bool]]:
    """Return the same conditions for what may be of no camera: a browser recorded it, so no grant of one counts."""
    return [] if visible is None else [or_(camera == OF_NO_CAMERA, and_(*visible.conditions(camera, begins_us)))]


def among(visible: Visible | None, cameras: Collection[str] | None) -> Collection[str] | None:
    """Return which of the cameras that are asked for are there; None: all that there are, for who sees all."""
    if visible is None:
        return cameras
    return visible.cameras if cameras is None else visible.cameras.intersection(cameras)
