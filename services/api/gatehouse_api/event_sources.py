"""What is told of events: plates, clips and cameras as their own routes show them, looked up in the index."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from gatehouse_common.clock import MINUTE
from gatehouse_common.db import Camera, CameraRepository, ClipQuery, ClipRepository, PlateQuery, PlateReader
from gatehouse_common.errors import NotFound
from gatehouse_common.ids import id_time_us

from .events import Event, reset
from .plate_views import PlateViews, clip_view

_MOST = 500
_CLIP_MAKING_US = 15 * MINUTE
"""A clip is stored so long after its first frame at most, where nothing is away."""
_TOLD = frozenset({"stored", "archived", "purged", "failed"})


@dataclass(frozen=True, slots=True)
class EventSources:
    """Looks up what events are about.

    Attributes:
        plates: plates in the index.
        clips: clips in the index.
        views: makes what is told of plates.
        cameras: cameras in the index.
        show_camera: makes what is told of a camera.
        seen: makes a camera what it is seen to be.
    """

    plates: PlateReader
    clips: ClipRepository
    views: PlateViews
    cameras: CameraRepository
    show_camera: Callable[[Camera], BaseModel]
    seen: Callable[[Camera], Camera]

    def resolve(self, events: Sequence[Event]) -> None:
        """Fill in what is told of events; of what is gone an empty text."""
        wanted = {event.subject for event in events if event.topic == "plates"}
        found = self.plates.events(wanted) if wanted else {}
        told = {view.id: _json(view) for view in self.views.views(list(found.values()))}
        for event in events:
            event.data = self._clip(event.subject) if event.topic == "clips" else told.get(event.subject, "")

    def states(self) -> Mapping[str, tuple[str, str]]:
        """Return what each camera is doing: the name of the event that it would be, and what is told of it."""
        found = {}
        for camera in map(self.seen, self.cameras.list()):
            off = not camera.enabled
            name = "camera.disabled" if off else _CAMERA_NAMES.get(camera.state, "camera.offline")
            found[camera.id] = (name, _json(self.show_camera(camera)))
        return found

    def since(self, event_id: str, topics: Sequence[str]) -> list[Event]:
        """Return what the index knows to have happened since an event that is not remembered any more.

        Each plate and clip comes once, as it is now; the oldest first. If there is more of it than is told, a ``reset``
        comes last. Of clips that could not be made nobody knows since when; those of the time are told.

        Raises:
            InvalidInput: the id is none of ours.
        """
        since_us = id_time_us(event_id)
        found: list[Event] = []
        most = 0
        if "plates" in topics:
            plates = self.plates.search(PlateQuery(start_us=since_us, rejected=True, limit=_MOST))
            views, most = self.views.views(plates), len(plates)
            for plate, view in zip(plates, views, strict=True):
                name = "plate.closed" if plate.state == "closed" else "plate.updated"
                found.append(Event(0, event_id, "plates", name, plate.id, _json(view)))
        if "clips" in topics:
            clips = self.clips.list(ClipQuery(start_us=since_us - _CLIP_MAKING_US, states=_TOLD, limit=_MOST))
            most = max(most, len(clips))
            for clip in clips:
                if clip.state == "failed" or (clip.stored_us is not None and clip.stored_us >= since_us):
                    name = "clip.failed" if clip.state == "failed" else "clip.ready"
                    found.append(Event(0, event_id, "clips", name, clip.id, _json(clip_view(clip))))
        return [*found[::-1], *([reset()] if most >= _MOST else [])]

    def _clip(self, clip_id: str) -> str:
        try:
            return _json(clip_view(self.clips.get(clip_id)))
        except NotFound:
            return ""


_CAMERA_NAMES = {"recording": "camera.online", "starting": "camera.starting"}


def _json(view: BaseModel) -> str:
    return json.dumps(view.model_dump(by_alias=True), separators=(",", ":"))
