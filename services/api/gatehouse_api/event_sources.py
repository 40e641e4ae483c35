"""What is told of events: plates, clips and cameras as their own routes show them, looked up in the index."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from gatehouse_common.clock import MINUTE
from gatehouse_common.db import (
    Camera,
    CameraRepository,
    ClipQuery,
    ClipRepository,
    Database,
    Job,
    JobRepository,
    Listing,
    PlateListings,
    PlateQuery,
    PlateReader,
    Visible,
)
from gatehouse_common.db.media_records import EXPORT
from gatehouse_common.errors import NotFound
from gatehouse_common.ids import id_time_us
from gatehouse_common.timefmt import rfc3339

from .events import EXPORTS, JOB_NAMES, LISTED, Event, Sights, reset
from .lookouts import State
from .plate_views import PlateViews, clip_view
from .routes.job_models import job_view
from .routes.list_models import listed_view
from .routes.plate_models import PlateListedView, PlateView

_MOST = 500
_CLIP_MAKING_US = 15 * MINUTE
"""A clip is stored so long after its first frame at most, where nothing is away."""
_TOLD = frozenset({"stored", "archived", "purged", "failed"})


@dataclass(frozen=True, slots=True)
class EventSources:
    """Looks up what events are about.

    Attributes:
        db: the index.
        cameras: cameras in the index.
        show_camera: makes what is told of a camera.
        seen: makes a camera what it is seen to be.
    """

    db: Database
    cameras: CameraRepository
    show_camera: Callable[[Camera], BaseModel]
    seen: Callable[[Camera], Camera]

    def resolve(self, events: Sequence[Event], visible: Visible | None = None) -> None:
        """Fill in what is told of events to who sees what is ``visible``; of what is gone, or not, an empty text."""
        plates, clips = PlateReader(self.db, visible), ClipRepository(self.db, visible)
        wanted = {event.subject for event in events if event.topic == "plates" and event.name != LISTED}
        listings = PlateListings(self.db).by_id({event.subject for event in events if event.name == LISTED})
        wanted |= {one.event for one in listings.values()}
        found = plates.events(wanted) if wanted else {}
        views = {view.id: view for view in self._views(plates, clips).views(list(found.values()))}
        told = {view.id: _json(view) for view in views.values()}
        stand = [one for one in listings.values() if one.stands and one.event in views]
        told |= {one.id: _listed(one, views[one.event]) for one in stand if not views[one.event].rejected}
        jobs = JobRepository(self.db)  # whose they are was looked at before: the hub knows it of each
        for event in events:
            if event.topic in {"jobs", EXPORTS}:
                event.data = _job(jobs, event.subject)
            else:
                event.data = _clip(clips, event.subject) if event.topic == "clips" else told.get(event.subject, "")

    def _views(self, plates: PlateReader, clips: ClipRepository) -> PlateViews:
        return PlateViews(plates, clips, PlateListings(self.db))

    def states(self) -> Mapping[str, State]:
        """Return what each camera is doing: the name of the event that it would be, and what is told of it."""
        found = {}
        for camera in map(self.seen, self.cameras.list()):
            off = not camera.enabled
            name = "camera.disabled" if off else _CAMERA_NAMES.get(camera.state, "camera.offline")
            found[camera.id] = State(name, _json(self.show_camera(camera)), camera.id)
        return found

    def since(self, event_id: str, topics: Sequence[str], sights: Sights | None = None) -> list[Event]:
        """Return what the index knows to have happened since an event that is not remembered any more.

        Each plate and clip comes once, as it is now; the oldest first. If there is more of it than is told, a ``reset``
        comes last. Of clips that could not be made nobody knows since when; those of the time are told.
        ``sights``: what there is for who asks; None: everything.

        Raises:
            InvalidInput: the id is none of ours.
        """
        since_us = id_time_us(event_id)
        found: list[Event] = []
        most, sights = 0, sights or {}
        if "plates" in topics:
            visible = sights.get("plates")
            reader = PlateReader(self.db, visible)
            plates = reader.search(PlateQuery(start_us=since_us, rejected=True, limit=_MOST))
            views, most = self._views(reader, ClipRepository(self.db, visible)).views(plates), len(plates)
            for plate, view in zip(plates, views, strict=True):
                name = "plate.closed" if plate.state == "closed" else "plate.updated"
                found.append(Event(0, event_id, "plates", name, plate.id, _json(view)))
            listings = PlateListings(self.db).since(since_us, _MOST)
            most = max(most, len(listings))
            seen_too = [Event(0, event_id, "plates", LISTED, one.id) for one in listings]
            self.resolve(seen_too, visible)
            found += [one for one in seen_too if one.data]
        if "clips" in topics:
            wanted = ClipQuery(start_us=since_us - _CLIP_MAKING_US, states=_TOLD, limit=_MOST)
            clips = ClipRepository(self.db, sights.get("clips")).list(wanted)
            most = max(most, len(clips))
            for clip in clips:
                if clip.state == "failed" or (clip.stored_us is not None and clip.stored_us >= since_us):
                    name = "clip.failed" if clip.state == "failed" else "clip.ready"
                    found.append(Event(0, event_id, "clips", name, clip.id, _json(clip_view(clip))))
        if "jobs" in topics:
            changed = JobRepository(self.db).changed_since(since_us, _MOST, _users(sights.get("jobs")))
            most, exports_of = max(most, len(changed)), _users(sights.get(EXPORTS))
            seen = [job for job in changed if job.kind != EXPORT or exports_of is None or job.user in exports_of]
            found += [_of_job(event_id, job) for job in seen]
        return [*found[::-1], *([reset()] if most >= _MOST else [])]


_CAMERA_NAMES = {"recording": "camera.online", "starting": "camera.starting"}


def _listed(one: Listing, visit: PlateView) -> str:
    shown = listed_view(one).model_dump()
    at = rfc3339(one.noted_us)
    seen = visit.to
    return _json(PlateListedView(**shown, id=one.id, at=at, seen=seen, camera=one.camera, text=one.text, visit=visit))


def _clip(clips: ClipRepository, clip_id: str) -> str:
    try:
        return _json(clip_view(clips.get(clip_id)))
    except NotFound:
        return ""


def _of_job(event_id: str, job: Job) -> Event:
    name = JOB_NAMES.get(job.state, "job.changed")
    return Event(0, event_id, "jobs", name, job.id, _json(job_view(job, whole=False)))


def _users(visible: Visible | None) -> frozenset[int] | None:
    """Return the users whose jobs there are for somebody; None: all."""
    if visible is None:
        return None
    return frozenset(int(place.partition(":")[2]) for place in visible.cameras)


def _job(jobs: JobRepository, job_id: str) -> str:
    try:
        return _json(job_view(jobs.get(job_id), whole=False))
    except NotFound:
        return ""


def _json(view: BaseModel) -> str:
    return json.dumps(view.model_dump(by_alias=True), separators=(",", ":"))
