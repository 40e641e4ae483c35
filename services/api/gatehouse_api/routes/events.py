"""``/api/v1/events/stream``: what happens, as server-sent events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import structlog
from flask import Response, request
from flask_openapi3 import Tag
from pydantic import Field

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, visible_to
from gatehouse_api.context import Context, context
from gatehouse_api.events import EXPORTS, Event, Sights, place_of_user
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.models import Asked
from gatehouse_common.accounts import Permission, Principal, Scope
from gatehouse_common.db import Visible
from gatehouse_common.errors import Forbidden, GatehouseError, InvalidInput, Unavailable

log = structlog.get_logger(__name__)

api = Routes("events", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Events")])

TOPICS: dict[str, tuple[Scope, Permission | None]] = {
    "plates": (Scope.PLATES_READ, Permission.PLAYBACK),
    "clips": (Scope.FOOTAGE_READ, Permission.PLAYBACK),
    "cameras": (Scope.CAMERAS_READ, None),
    "jobs": (Scope.RECORDS_OWN, None),
    "recordings": (Scope.RECORDS_OWN, Permission.PLAYBACK),
}
"""What can be told of, what somebody has to be allowed to be told of it, and of which cameras that is."""
_UPDATES = frozenset({"plate.updated", "job.changed"})
_HEARTBEAT_S = 15.0
_WAIT_S = 1.0
_RETRY_MS = 3000


class StreamQuery(Asked):
    """What to be told of."""

    topics: str = Field(
        "plates,clips,cameras",
        max_length=100,
        description="some of plates, clips, cameras, recordings, jobs; those that one may not read are left out",
    )
    last_event_id: str = Field("", max_length=64, description="as the header `Last-Event-ID`, for programs")


@api.get(
    "/events/stream",
    summary="What happens, as server-sent events",
    responses={200: {"content": {"text/event-stream": {}}}},
)
@needs(Scope.CAMERAS_READ, Scope.FOOTAGE_READ, Scope.PLATES_READ, Scope.RECORDS_OWN)
def get_stream(query: StreamQuery) -> Response:
    """Tell of plates, clips, cameras, recordings by name and jobs as things happen to them.

    Events are ``plate.detected``, ``plate.updated``, ``plate.closed``, ``plate.corrected``, and ``plate.listed`` once
    for each entry of a watch list that a visit matches (`fuzzy`: not to the letter); ``clip.ready``,
    ``clip.failed``; ``camera.online``, ``camera.offline``, ``camera.starting``, ``camera.disabled``; of one's own, of
    all for who may see others', ``recording.started``, ``recording.stopped``, ``recording.failed``, ``job.changed``,
    ``job.done``, ``job.failed``, ``job.cancelled``.

    Each has an ``id``; who comes back with it as ``Last-Event-ID`` is told what happened meanwhile, of the last
    thousand events each, of older ones the plates and clips as they are now, 500 of each at most. ``reset``, with
    nothing in it, is told whom more has escaped, or who reads so slowly that it has: look at everything anew then. A
    comment every 15 s shows that the server is there.
    """
    ctx = context()
    topics = [topic for topic in dict.fromkeys(query.topics.split(",")) if topic]
    if not topics or not set(topics) <= set(TOPICS):
        raise InvalidInput(f"topics are some of {', '.join(TOPICS)}, with commas between", "topics")
    asks = caller()
    topics = [topic for topic in topics if asks.may(TOPICS[topic][0])]
    if not topics:
        needed = sorted({TOPICS[topic][0] for topic in query.topics.split(",") if topic})
        raise Forbidden(f"this needs {' or '.join(needed)}, which {asks.name!r} may not.")

    standing = ctx.standing()

    def sights() -> tuple[Sights, int | None] | None:
        """What there is for this viewer by now, and whose; None: they are not let in any more."""
        still = standing.principal()
        if still is None:
            return None
        return _sights(ctx, still, topics), ctx.media.owner(still)

    last = (request.headers.get("Last-Event-ID") or query.last_event_id).strip()[:64]
    number, missed = _resume(ctx, last, topics, _sights(ctx, asks, topics))
    if ctx.events.full():
        raise Unavailable("as many pages are told of events as the server bears")
    answer = Response(
        _stream(ctx, topics, number, missed, sights), content_type="text/event-stream", direct_passthrough=True
    )
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _sights(ctx: Context, asks: Principal, topics: Sequence[str]) -> Sights:
    found: dict[str, Visible | None] = {}
    now_us = ctx.core.clock.now_us()
    for topic in topics:
        if topic == "jobs":
            found[topic] = _whose_jobs(ctx, asks)
            found[EXPORTS] = _whose_exports(ctx, asks, found[topic])
            continue
        scope, permission = TOPICS[topic]
        found[topic] = visible_to(asks if asks.may(scope) else None, permission, now_us)
    return found


def _whose_jobs(ctx: Context, asks: Principal) -> Visible | None:
    """Return the users whose jobs somebody is told of, as events name them; None: all."""
    if not asks.may(TOPICS["jobs"][0]):
        return Visible(frozenset())
    owner = ctx.media.owner(asks)
    return None if owner is None else Visible(frozenset({place_of_user(owner)}))


def _whose_exports(ctx: Context, asks: Principal, jobs: Visible | None) -> Visible | None:
    """Return the same of jobs that tell of cameras."""
    users = ctx.media.exports_of(asks)
    if users is None:
        return jobs
    places = frozenset(map(place_of_user, users))
    return Visible(places if jobs is None else places & jobs.cameras)


def _resume(ctx: Context, last: str, topics: Sequence[str], sights: Sights) -> tuple[int, list[Event]]:
    """Return the number to go on from, and what the index knows of before it."""
    newest = ctx.events.newest
    if not last:
        return newest, []
    known = ctx.events.number_of(last)
    return (known, []) if known is not None else (newest, ctx.event_sources.since(last, topics, sights))


def _stream(
    ctx: Context,
    topics: Sequence[str],
    number: int,
    missed: list[Event],
    sights: Callable[[], tuple[Sights, int | None] | None],
) -> Iterator[bytes]:
    heard = [*topics, EXPORTS] if "jobs" in topics else topics
    with ctx.events.watch():
        yield f"retry: {_RETRY_MS}\n\n".encode()
        if missed:
            yield b"".join(_written(event) for event in missed)
        told = time.monotonic()
        while not ctx.stop.is_set():
            try:
                there = sights()
                if there is None:
                    return
                number, found = ctx.events.next_after(number, heard, _WAIT_S, *there)
            except GatehouseError as error:  # the index is away: who comes back by the last id has missed nothing
                log.warning("a page is told of events no more", reason=error.message)
                return
            if found:
                yield b"".join(_written(event) for event in _latest(found))
            elif time.monotonic() - told > _HEARTBEAT_S:
                # That a viewer has left shows only when something is sent: else it would keep its place for ever.
                yield b": still here\n\n"
            else:
                continue
            told = time.monotonic()


def _latest(events: Sequence[Event]) -> list[Event]:
    """Return events without updates that a later one of the same thing has overtaken: all tell its present state."""
    last = {(event.topic, event.subject): event.number for event in events}
    return [e for e in events if e.name not in _UPDATES or last[e.topic, e.subject] == e.number]


def _written(event: Event) -> bytes:
    return f"id: {event.id}\nevent: {event.name}\ndata: {event.data}\n\n".encode()
