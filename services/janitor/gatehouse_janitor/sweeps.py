"""What goes: by age, by the room it may take, and when the disk is nearly full. Sweeps may be broken off anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from gatehouse_common.db import ChunkDays, DeletionReason, Deletions, Kept, PlateRetention, RetentionReader
from gatehouse_common.observability.metrics import RETENTION_ARCHIVED
from gatehouse_common.retention import CameraRules, chunks_due, reserve_bytes
from gatehouse_common.retention.rules import DAY_US, GB
from gatehouse_common.runtime import Core
from gatehouse_common.storage import Capacity

from .guards import refuse_too_much
from .removal import AT_ONCE, Removal

log = structlog.get_logger(__name__)

_PAUSE_S = 0.01
_HEADROOM = 0.1


@dataclass(frozen=True, slots=True)
class Freed:
    """What a sweep has deleted."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: Freed) -> Freed:
        """Return both together."""
        return Freed(self.objects + other.objects, self.bytes + other.bytes)


class Sweeps:
    """Decides what goes, and has it deleted in small batches, so that recording is not held up.

    Args:
        core: what services are built from.
        removal: what deletes.
    """

    def __init__(self, core: Core, removal: Removal, deletions: Deletions) -> None:
        self._core, self._removal, self._deletions = core, removal, deletions
        self._reader = RetentionReader(core.db)
        self._days = ChunkDays(core.db)
        self._plates = PlateRetention(core.db)

    def by_age(self, rules: CameraRules, stop: threading.Event, *, force: bool = False) -> tuple[Freed, str]:
        """Delete recordings and clips that are too old; return what went, and why something did not.

        Raises:
            GatehouseError: store or database do not answer; what has been decided is done later.
        """
        freed, troubles = Freed(), list[str]()
        for sweep in (self._old_chunks, self._old_clips, self._old_plates):
            some, trouble = sweep(rules, stop, force)
            freed += some
            troubles += [trouble] if trouble else []
        return freed, " ".join(troubles)

    def by_quota(self, rules: CameraRules, stop: threading.Event) -> Freed:
        """Delete the oldest recordings of cameras that take more room than they may, and of all if all together do.

        Raises:
            GatehouseError: store or database do not answer.
        """
        limit = self._core.settings.values.retention.max_gb * GB
        if not limit and not rules.limited:
            return Freed()
        sizes: dict[str, int] = {}
        for day in self._days.all():
            sizes[day.camera] = sizes.get(day.camera, 0) + day.bytes
        freed, now_us = Freed(), self._core.clock.now_us()
        for camera, size in sizes.items():
            own = rules.of(camera)
            if own.max_bytes is not None and size > own.max_bytes:
                before = now_us - own.minimum_us
                found = _pages(partial(self._reader.chunks_before, camera, before, now_us))
                freed += self._free(found, size - own.max_bytes, "quota", stop)
        over = round(sum(sizes.values()) - freed.bytes + self._reader.clip_totals().bytes - limit) if limit else 0
        return freed + (self._oldest(rules, over, "quota", stop) if over > 0 else Freed())

    def for_room(self, rules: CameraRules, room: Capacity, rate: float, stop: threading.Event) -> tuple[Freed, str]:
        """Make room if there is less than is to be kept free; return what went, and what is wrong if nothing may.

        At most half of what is stored goes at one look: then the disk is looked at again.

        Args:
            rules: of the cameras.
            room: of the store.
            rate: what cameras send, bytes a second.
            stop: breaks it off.

        Raises:
            GatehouseError: store or database do not answer.
        """
        reserve = reserve_bytes(self._core.settings.values.retention, room.total, rate)
        if room.free >= reserve:
            return Freed(), ""
        wanted = round(reserve * (1 + _HEADROOM)) - room.free
        stored = sum(day.bytes for day in self._days.all()) + self._reader.clip_totals().bytes
        freed = self._oldest(rules, min(wanted, max(stored // 2, 1)), "emergency", stop)
        log.warning("room was made", free=room.free, reserve=reserve, objects=freed.objects, bytes=freed.bytes)
        if freed.objects == 0 and not stop.is_set():
            return freed, (
                f"{room.free >> 20} MiB are free, {reserve >> 20} MiB should be, and nothing that is stored may go: "
                "it is held, too young, or there is none. Free some of the disk, or release holds."
            )
        return freed, ""

    def _old_chunks(self, rules: CameraRules, stop: threading.Event, force: bool) -> tuple[Freed, str]:
        days = self._days.all()
        now_us = self._core.clock.now_us()
        going = chunks_due(rules, self._reader, days, now_us).objects
        trouble = "" if force else refuse_too_much("continuous", going, sum(day.chunks for day in days))
        freed = Freed()
        before = {camera: rules.of(camera).continuous_before(now_us) for camera in {day.camera for day in days}}
        old = {camera: at for camera, at in sorted(before.items()) if at is not None}
        if old and going and not trouble:
            freed += self._free(_pages(partial(self._reader.chunks_of, old, now_us)), None, "age", stop)
        return freed, trouble

    def _old_clips(self, rules: CameraRules, stop: threading.Event, force: bool) -> tuple[Freed, str]:
        """Archive clips that are too old, then delete the files of archived ones: two steps, each repeatable."""
        now_us, reader = self._core.clock.now_us(), self._reader
        before = {camera: rules.of(camera).archived_before(now_us) for camera in reader.cameras_with_clips()}
        old = {camera: at for camera, at in before.items() if at is not None}
        going = sum(reader.clip_totals(camera, at).clips for camera, at in old.items())
        trouble = "" if force else refuse_too_much("event", going, reader.clip_totals().clips)
        freed = Freed()
        for camera, at in old.items() if not trouble else ():
            if stop.is_set():
                break
            RETENTION_ARCHIVED.inc(reader.archive_clips(camera, at, now_us))
            until = at - rules.of(camera).archive_us
            found = _pages(partial(reader.clips_before, "archived", camera, until, now_us))
            freed += self._free(found, None, "age", stop, clips=True)
        return freed, trouble

    def _old_plates(self, _rules: CameraRules, stop: threading.Event, force: bool) -> tuple[Freed, str]:
        """Forget plates that were read too long ago, and delete their pictures: independent of any footage."""
        days, now_us = self._core.settings.values.retention.plate_days, self._core.clock.now_us()
        before = now_us - round(days * DAY_US)
        if not days:
            return Freed(), ""
        trouble = "" if force else refuse_too_much("plate", self._plates.count_before(before), self._plates.count())
        freed = Freed()
        while not trouble and not stop.is_set():
            events, pictures = self._plates.forget_before(before, now_us, AT_ONCE // 2)
            if pictures:
                self._removal.remove(pictures)
            freed += Freed(len(pictures))
            if not events and not self._plates.forget_reads_before(before, now_us, AT_ONCE):
                break
        return freed, trouble

    def _oldest(self, rules: CameraRules, wanted: int, reason: DeletionReason, stop: threading.Event) -> Freed:
        """Free so many bytes: recordings without events first, then the others, then clips; the oldest first."""
        now_us, reader = self._core.clock.now_us(), self._reader
        general, special = now_us - rules.site.minimum_us, rules.special

        def chunks(limit: int, *, without_events: bool) -> list[Kept]:
            found = reader.oldest_chunks(general, now_us, limit, without_events=without_events, besides=special)
            for camera, own in special.items() if not without_events else ():
                found += reader.chunks_before(camera, now_us - own.minimum_us, now_us, limit)
            return sorted(found, key=lambda kept: kept.start_us)[:limit]

        freed = self._free(_pages(lambda n: chunks(n, without_events=True)), wanted, reason, stop)
        if freed.bytes < wanted:
            rest = _pages(lambda n: chunks(n, without_events=False))
            freed += self._free(rest, wanted - freed.bytes, reason, stop)
        if freed.bytes < wanted:
            clips = _pages(lambda n: [k for k in reader.oldest_clips(general, now_us, n) if k.camera not in special])
            freed += self._free(clips, wanted - freed.bytes, reason, stop, clips=True)
        return freed

    def _free(
        self,
        batches: Iterator[Sequence[Kept]],
        wanted: int | None,
        reason: DeletionReason,
        stop: threading.Event,
        *,
        clips: bool = False,
    ) -> Freed:
        """Delete batch after batch, until so many bytes are freed."""
        freed = Freed()
        for batch in batches:
            if stop.is_set() or (wanted is not None and freed.bytes >= wanted):
                break
            chosen = list(batch) if wanted is None else _enough(batch, wanted - freed.bytes)
            mark = self._deletions.mark_clips if clips else self._deletions.mark_chunks
            decided = mark([kept.id for kept in chosen], reason, self._core.clock.now_us())
            if not decided:
                break  # somebody has placed a hold, or was quicker
            self._removal.remove(decided)
            freed += Freed(len(decided), sum(d.bytes for d in decided))
            self._core.clock.wait(stop, _PAUSE_S)
        return freed


def _pages(find: Callable[[int], list[Kept]]) -> Iterator[list[Kept]]:
    """Yield batches of what is found, each looked for when the one before it has been decided on."""
    before: list[Kept] = []
    while (found := find(AT_ONCE)) and found != before:
        yield found
        before = found


def _enough(batch: Sequence[Kept], wanted: int) -> list[Kept]:
    """Return as many of a batch, from its beginning, as free so many bytes."""
    chosen: list[Kept] = []
    size = 0
    for kept in batch:
        if size >= wanted:
            break
        chosen.append(kept)
        size += kept.bytes
    return chosen
