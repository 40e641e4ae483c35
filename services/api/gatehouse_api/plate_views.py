"""Plate events and clips as answers show them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, ClipRepository, Listing, PlateEvent, PlateListings, PlateReader, PlateReadRecord
from gatehouse_common.timefmt import rfc3339

from .routes.list_models import listed_view
from .routes.plate_models import Box, ClipView, PlateDetail, PlateView, ReadView, Seen, Vote

_PRE_US = 5 * SECOND
_POST_US = 15 * SECOND
_HISTORY = 20


def box_of(quad: Sequence[tuple[float, float]]) -> Box:
    """Return the edges of what stands around a plate's corners: left, upper, right, lower."""
    xs, ys = [x for x, _ in quad] or [0.0], [y for _, y in quad] or [0.0]
    return min(xs), min(ys), max(xs), max(ys)


def clip_view(clip: Clip) -> ClipView:
    """Return a clip as answers show it."""
    base = f"/api/v1/clips/{clip.id}"
    return ClipView(
        id=clip.id,
        camera=clip.camera,
        state=clip.state,
        from_=rfc3339(clip.start_us),
        to=rfc3339(clip.end_us),
        duration_seconds=(clip.end_us - clip.start_us) / SECOND,
        bytes=clip.bytes,
        width=clip.width,
        height=clip.height,
        frames=clip.frames,
        detail=clip.detail,
        previous=clip.previous,
        events=list(clip.events),
        links={"self": base, "media": f"{base}/media"},
    )


class PlateViews:
    """Makes views of plate events, with one look-up for many where there can be one.

    Args:
        reader: plates in the index.
        clips: clips in the index.
        listings: what plates are on.
    """

    def __init__(self, reader: PlateReader, clips: ClipRepository, listings: PlateListings) -> None:
        self._reader, self._clips, self._listings = reader, clips, listings

    def views(self, events: Sequence[PlateEvent], matches: Sequence[str | None] = ()) -> list[PlateView]:
        """Return events as lists show them, in their order."""
        clips = self._clips.of_events([e.id for e in events]) if events else {}
        seen = self._reader.histories({e.text for e in events}) if events else {}
        lists = self._listings.of_events({e.id: _says(e) for e in events}) if events else {}
        found = dict(zip((e.id for e in events), matches, strict=False))
        return [
            PlateView(**_fields(e, clips.get(e.id, []), seen.get(e.text), found.get(e.id), lists.get(e.id, [])))
            for e in events
        ]

    def detail(self, event: PlateEvent, others: Sequence[PlateEvent]) -> PlateDetail:
        """Return an event with its reads and their votes; ``others`` are visits of the same text."""
        reads = self._reader.reads(event.id)
        lists = self._listings.of_events({event.id: _says(event)}).get(event.id, [])
        fields = _fields(event, self._clips.of_event(event.id), self._reader.history(event.text), None, lists)
        return PlateDetail(
            **fields,
            alternatives=event.alternatives,
            votes=_votes(reads),
            character_votes=_character_votes(event.voted_text, reads),
            read_list=[_read(one) for one in reads],
            history=self.views([other for other in others if other.id != event.id][:_HISTORY]),
        )


def _says(event: PlateEvent) -> str:
    return "" if event.rejected else event.text


def _fields(
    event: PlateEvent,
    clips: Sequence[Clip],
    seen: tuple[int, int, int] | None,
    match: str | None,
    lists: Sequence[Listing],
) -> dict[str, Any]:
    count, first, last = seen or (1, event.start_us, event.start_us)
    return {
        "id": event.id,
        "camera": event.camera,
        "state": event.state,
        "text": event.text,
        "voted_text": event.voted_text,
        "corrected_at": None if event.corrected_us is None else rfc3339(event.corrected_us),
        "corrected_by": event.corrected_by,
        "rejected": event.rejected,
        "confidence": event.confidence,
        "characters": event.characters,
        "region": event.region,
        "pattern": event.pattern,
        "direction": event.direction,
        "from_": rfc3339(event.start_us),
        "to": rfc3339(event.end_us),
        "duration_seconds": (event.end_us - event.start_us) / SECOND,
        "reads": event.reads,
        "best_at": rfc3339(event.best_us),
        "best_read": event.best_read,
        "quad": event.quad,
        "box": box_of(event.quad),
        "picture_width": event.picture_width,
        "picture_height": event.picture_height,
        "area": event.area,
        "match": match,
        "lists": [listed_view(one) for one in lists],
        "seen": Seen(count=count, first=rfc3339(first), last=rfc3339(last)),
        "clips": [clip_view(clip) for clip in clips],
        "links": _links(event),
    }


def _links(event: PlateEvent) -> dict[str, str]:
    base = f"/api/v1/plates/{event.id}"
    around = {
        "camera": event.camera,
        "from": rfc3339(event.start_us - _PRE_US),
        "to": rfc3339(event.end_us + _POST_US),
        "download": "false",
    }
    links = {"self": base, "footage": f"/api/v1/footage?{urlencode(around)}"}
    if event.crop_key:
        links["crop"] = f"{base}/crop.jpg?read={event.best_read}"
    if event.frame_key:
        links["frame"] = f"{base}/frame.jpg?read={event.best_read}"
    return links


def _read(read: PlateReadRecord) -> ReadView:
    return ReadView(
        id=read.id,
        at=rfc3339(read.time_us),
        text=read.text,
        confidence=read.confidence,
        characters=read.characters,
        qualifies=read.qualifies,
        threshold=read.threshold,
        region=read.region,
        pattern=read.pattern,
        box=box_of(read.quad),
    )


def _votes(reads: Sequence[PlateReadRecord]) -> list[Vote]:
    counts = Counter(read.text for read in reads)
    surest = {read.text: read.confidence for read in sorted(reads, key=lambda read: read.confidence)}
    return [Vote(text=text, reads=count, confidence=surest[text]) for text, count in counts.most_common()]


def _character_votes(text: str, reads: Sequence[PlateReadRecord]) -> list[dict[str, float]]:
    """Return, at each place of ``text``, the shares of the characters there in reads that are as long as it."""
    weights: list[dict[str, float]] = [defaultdict(float) for _ in text]
    for read in reads:
        if len(read.text) == len(text):
            for place, character in enumerate(read.text):
                weights[place][character] += read.confidence
    shares = []
    for weight_of in weights:
        total = sum(weight_of.values())
        ranked = sorted(weight_of.items(), key=lambda one: -one[1])
        shares.append({character: round(weight / total, 4) for character, weight in ranked} if total else {})
    return shares
