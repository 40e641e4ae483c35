"""What goes: by age, by the room it may take, and when the disk is nearly full. Sweeps may be broken off anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

import structlog

from gatehouse_common.clock import HOUR
from gatehouse_common.db import (
    AgedFiles,
    ChunkDays,
    DeletionReason,
    Deletions,
    Deliveries,
    HoldRepository,
    Kept,
    MediaTrash,
    PlateRetention,
    RetentionReader,
    SessionTrash,
    Viewings,
)
from gatehouse_common.errors import GatehouseError
from gatehouse_common.observability.metrics import RETENTION_ARCHIVED
from gatehouse_common.retention import CameraRules, chunks_due, reserve_bytes
from gatehouse_common.retention.rules import DAY_US, GB, files_kept_us
from gatehouse_common.runtime import Core, PageSettings
from gatehouse_common.storage import Capacity

from .allowance import Allowance
from .guards import FEW, refuse_too_large, refuse_too_much
from .removal import AT_ONCE, Freed, Removal

log = structlog.get_logger(__name__)

_PAUSE_S = 0.01
_HEADROOM = 0.1
_MOST_PAGES = 40
_TOLD_US = HOUR
"""So often what webhooks were told is looked through: by its age alone it is found, and that may be all of it."""
_JOBS_KEPT_US = 90 * DAY_US
_Kind = Literal["chunk", "clip", "session", "media"]


class Sweeps:
    """Decides what goes, and has it deleted in small batches, so that recording is not held up.

    Args:
        core: what services are built from.
        removal: what deletes.
        deletions: what has been decided.
        now_us: the time by which footage ages and holds run out: as it would be if the clock had not jumped.
    """

    def __init__(self, core: Core, removal: Removal, deletions: Deletions, now_us: Callable[[], int]) -> None:
        self._core, self._removal, self._deletions, self._now_us = core, removal, deletions, now_us
        self._reader, self._holds = RetentionReader(core.db), HoldRepository(core.db)
        self._days = ChunkDays(core.db)
        self._plates, self._trash, self._viewings = PlateRetention(core.db), SessionTrash(core.db), Viewings(core.db)
        self._deliveries = Deliveries(core.db)
        self._told_us: int | None = None
        self._told_until_us = 0
        """How far what webhooks were told has been emptied, while there is more than a sweep can do."""
        self._media, self._aged = MediaTrash(core.db), AgedFiles(core.db)
        self._allowance, self._settings = Allowance(core.clock), PageSettings(core)

    def by_age(self, rules: CameraRules, stop: threading.Event, *, force: bool = False) -> tuple[Freed, str]:
        """Delete recordings and clips that are too old, and what nobody took out of the trash.

        Returns:
            What went, and why something did not.

        One class does not wait for another that cannot be deleted.
        """
        freed, troubles = Freed(), list[str]()
        old_files = (self._old_files, self._old_trash, self._old_rows)
        for sweep in (self._old_chunks, self._old_clips, self._old_plates, *old_files):
            try:
                self._removal.refuse_if_blocked()
                some, trouble = sweep(rules, stop, force)
            except GatehouseError as error:
                some, trouble = Freed(), error.message
            freed += some
            troubles += [trouble] if trouble and trouble not in troubles else []
        return freed, " ".join(troubles)

    def by_quota(self, rules: CameraRules, stop: threading.Event, *, force: bool = False) -> tuple[Freed, str]:
        """Delete the oldest recordings of cameras that take more room than they may, and of all if all together do.

        Returns:
            What went, and why something did not.

        Raises:
            GatehouseError: store or database do not answer.
        """
        limit = self._core.settings.values.retention.max_gb * GB
        if not limit and not rules.limited:
            return Freed(), ""
        self._removal.refuse_if_blocked()
        sizes: dict[str, int] = {}
        for day in self._days.all():
            sizes[day.camera] = sizes.get(day.camera, 0) + day.bytes
        freed, now_us, trouble = Freed(), self._now_us(), ""
        for camera, size in sizes.items():
            own = rules.of(camera)
            over = 0 if own.max_bytes is None else size - own.max_bytes
            if over <= 0:
                continue
            trouble = trouble or ("" if force else refuse_too_large(f"camera {camera}", over, size))
            if force or not refuse_too_large(camera, over, size):
                found = _pages(partial(self._reader.chunks_before, camera, now_us - own.minimum_us, now_us))
                freed += self._free(found, over, "quota", stop)
        whole = sum(sizes.values()) - freed.bytes + self._reader.clip_totals().bytes
        over = round(whole - limit) if limit else 0
        if over > 0:
            refused = "" if force else refuse_too_large("all that is stored", over, whole)
            trouble = trouble or refused
            freed += Freed() if refused else self._oldest(rules, over, "quota", stop)
        return freed, trouble

    def for_room(
        self, rules: CameraRules, room: Capacity, rate: float, allowed_rate: float, stop: threading.Event
    ) -> tuple[Freed, str]:
        """Make room if there is less than is to be kept free; return what went, and what is wrong if too little.

        At most half of what is stored goes at one look, and over some time no more than cameras send: then the disk is
        looked at again.

        Args:
            rules: of the cameras.
            room: of the store.
            rate: what cameras send, bytes a second: by this it is reckoned what is to be free.
            allowed_rate: what they may send: by this, how much may be deleted for it.
            stop: breaks it off.

        Raises:
            GatehouseError: store or database do not answer, or the store deletes nothing.
        """
        reserve = reserve_bytes(self._core.settings.values.retention, room.total, rate)
        if room.free >= reserve:
            self._allowance.well()
            return Freed(), ""
        self._removal.refuse_if_blocked()
        most = reserve * (1 + _HEADROOM)
        stored = sum(day.bytes for day in self._days.all()) + self._reader.clip_totals().bytes
        allowed = self._allowance.look(most, allowed_rate, room.free)
        wanted = min(round(most) - room.free, max(stored // 2, 1), allowed)
        freed = self._oldest(rules, wanted, "emergency", stop) if wanted > 0 else Freed()
        short = f"{room.free >> 20} MiB are free, {reserve >> 20} MiB should be"
        if freed.objects:
            self._allowance.spend(freed.bytes, room.free)
            log.warning("room was made", free=room.free, reserve=reserve, objects=freed.objects, bytes=freed.bytes)
            return freed, ""
        if stop.is_set():
            return freed, ""
        if self._allowance.is_in_vain:
            return freed, (
                f"{short}, and deleting frees nothing: something else fills the disk, or snapshots keep the files."
            )
        if allowed <= 0:
            return freed, f"{short}: something else fills the disk, faster than recordings may be deleted for it."
        return freed, (
            f"{short}, and nothing that is stored may go: it is held, too young, or there is none. Free some of the "
            "disk, or release holds."
        )

    def _old_chunks(self, rules: CameraRules, stop: threading.Event, force: bool) -> tuple[Freed, str]:
        days = self._days.all()
        now_us = self._now_us()
        going = chunks_due(rules, self._reader, self._holds, days, now_us).objects
        trouble = "" if force else refuse_too_much("continuous", going, sum(day.chunks for day in days))
        freed = Freed()
        before = {camera: rules.of(camera).continuous_before(now_us) for camera in {day.camera for day in days}}
        old = {camera: at for camera, at in sorted(before.items()) if at is not None}
        if old and going and not trouble:
            freed += self._free(_camera_after_camera(self._reader, old, now_us), None, "age", stop)
        return freed, trouble

    def _old_clips(self, rules: CameraRules, stop: threading.Event, force: bool) -> tuple[Freed, str]:
        """Archive clips that are too old, then delete the files of archived ones: two steps, each repeatable."""
        now_us, reader = self._now_us(), self._reader
        before = {camera: rules.of(camera).archived_before(now_us) for camera in reader.cameras_with_clips()}
        old = {camera: at for camera, at in before.items() if at is not None}
        for camera, at in old.items():
            RETENTION_ARCHIVED.inc(reader.archive_clips(camera, at, now_us))
        gone = {camera: at - rules.of(camera).archive_us for camera, at in old.items()}
        going = sum(reader.clip_totals(camera, until, "archived").clips for camera, until in gone.items())
        trouble = "" if force else refuse_too_much("event", going, reader.clip_totals().clips)
        freed = Freed()
        for camera, until in gone.items() if not trouble else ():
            if stop.is_set():
                break
            found = _pages(partial(reader.clips_before, "archived", camera, until, now_us))
            freed += self._free(found, None, "age", stop, of="clip")
        return freed, trouble

    def _old_plates(self, _rules: CameraRules, stop: threading.Event, force: bool) -> tuple[Freed, str]:
        """Forget plates that were read too long ago, and delete their pictures: independent of any footage."""
        days, now_us = self._core.settings.values.retention.plate_days, self._now_us()
        before = now_us - round(days * DAY_US)
        if not days:
            return Freed(), ""
        going = self._plates.count_before(before)
        trouble = ""
        if going > FEW and not force:
            trouble = refuse_too_much("plate", going, self._plates.count())
        freed = Freed()
        for _ in range(_MOST_PAGES if not trouble else 0):  # the disk has to be looked at meanwhile
            if stop.is_set():
                break
            events, pictures = self._plates.forget_before(before, now_us, AT_ONCE // 2)
            if pictures:
                freed += self._removal.remove(pictures)
                self._removal.refuse_if_blocked()
            if not events and not self._plates.forget_reads_before(before, now_us, AT_ONCE):
                break
        if not trouble:
            self._forget_told(before, stop, force=force)
        return freed, trouble

    def _forget_told(self, before_us: int, stop: threading.Event, *, force: bool) -> None:
        """Empty what webhooks were told of plates: as old, and as long, as the plates themselves."""
        now = self._core.clock.monotonic_us()
        if self._told_us is not None and now < self._told_us + _TOLD_US and not force:
            return
        for _ in range(_MOST_PAGES):
            if stop.is_set():
                return
            count, self._told_until_us = self._deliveries.forget_plates(before_us, AT_ONCE, self._told_until_us)
            if count < AT_ONCE:
                self._told_us, self._told_until_us = now, 0
                return

    def _old_files(self, _rules: CameraRules, stop: threading.Event, force: bool) -> tuple[Freed, str]:
        """Delete files of sessions, uploads and exports that are too old, where they are not kept for good."""
        freed, troubles, now_us = Freed(), list[str](), self._now_us()
        for kind, kept_us in files_kept_us(self._core.settings.values).items():
            self._removal.refuse_if_blocked()
            before = now_us - kept_us
            going = self._aged.due(kind, before, now_us).objects
            trouble = "" if force or not going else refuse_too_much(kind, going, self._aged.all(kind).objects)
            if going and not trouble:
                found = _pages(partial(self._aged.of, kind, before, now_us))
                freed += self._free(found, None, "age", stop, of="session" if kind == "session" else "media")
            troubles += [trouble] if trouble else []
        return freed, " ".join(troubles)

    def _old_trash(self, _rules: CameraRules, stop: threading.Event, _force: bool) -> tuple[Freed, str]:
        """Delete files and media that somebody did not want, when they cannot be taken out of the trash any more."""
        now_us = self._now_us()
        before = now_us - round(self._settings.values.sessions.trash_hours * HOUR)
        files, media = partial(self._trash.since, before, now_us), partial(self._media.since, before, now_us)
        freed = self._free(_pages(files), None, "asked", stop, of="session")
        return freed + self._free(_pages(media), None, "asked", stop, of="media"), ""

    def _old_rows(self, _rules: CameraRules, stop: threading.Event, _force: bool) -> tuple[Freed, str]:
        """Forget who watched live pictures too long ago, and which jobs of media ended; files stay whose they are."""
        days = self._core.settings.values.retention.viewing_days
        before = self._now_us() - round(days * DAY_US)
        for _ in range(_MOST_PAGES if days else 0):
            if stop.is_set() or not self._viewings.forget_before(before, AT_ONCE):
                break
        for _ in range(_MOST_PAGES):
            if stop.is_set() or not self._media.forget_jobs(self._now_us() - _JOBS_KEPT_US, AT_ONCE):
                break
        return Freed(), ""

    def _oldest(self, rules: CameraRules, wanted: int, reason: DeletionReason, stop: threading.Event) -> Freed:
        """Free so many bytes: the trash, archived clips, then recordings without events, then the others, then clips.

        The oldest first in each.
        """
        now_us, reader, special = self._now_us(), self._reader, rules.special
        general = now_us - rules.site.minimum_us

        def chunks(limit: int, *, without_events: bool) -> list[Kept]:
            found = reader.oldest_chunks(general, now_us, limit, without_events=without_events, besides=special)
            for camera, own in special.items() if not without_events else ():
                found += reader.chunks_before(camera, now_us - own.minimum_us, now_us, limit)
            return sorted(found, key=lambda kept: kept.start_us)[:limit]

        def clips(limit: int, *, state: str) -> list[Kept]:
            found = reader.oldest_clips(general, now_us, limit, state=state, besides=special)
            for camera, own in special.items():
                found += reader.clips_before(state, camera, now_us - own.minimum_us, now_us, limit)
            return sorted(found, key=lambda kept: kept.end_us)[:limit]

        freed = Freed()
        kinds: tuple[tuple[Callable[[int], list[Kept]], _Kind], ...] = (
            (partial(self._trash.since, now_us, now_us), "session"),
            (partial(self._media.since, now_us, now_us), "media"),
            (partial(clips, state="archived"), "clip"),
            (partial(chunks, without_events=True), "chunk"),
            (partial(chunks, without_events=False), "chunk"),
            (partial(clips, state="stored"), "clip"),
        )
        for find, kind in kinds:
            if freed.bytes < wanted and not self._removal.blocked:
                freed += self._free(_pages(find), wanted - freed.bytes, reason, stop, of=kind)
        return freed

    def _free(
        self,
        batches: Iterator[Sequence[Kept]],
        wanted: int | None,
        reason: DeletionReason,
        stop: threading.Event,
        *,
        of: _Kind = "chunk",
    ) -> Freed:
        """Delete batch after batch, until so many bytes are freed."""
        freed, deletions = Freed(), self._deletions
        marks = {
            "chunk": deletions.mark_chunks,
            "clip": deletions.mark_clips,
            "session": deletions.mark_session_files,
            "media": self._media.mark,
        }
        for batch in batches:
            if stop.is_set() or (wanted is not None and freed.bytes >= wanted):
                break
            chosen = list(batch) if wanted is None else _enough(batch, wanted - freed.bytes)
            decided = marks[of]([kept.id for kept in chosen], reason, self._now_us())
            if not decided:
                continue  # somebody has placed a hold, or was quicker; the same page twice ends it
            freed += self._removal.remove(decided)
            if self._removal.blocked:
                break
            self._core.clock.wait(stop, _PAUSE_S)
        return freed


def _pages(find: Callable[[int], list[Kept]]) -> Iterator[list[Kept]]:
    """Yield batches of what is found, each looked for when the one before it has been decided on."""
    before: list[Kept] = []
    while (found := find(AT_ONCE)) and found != before:
        yield found
        before = found


def _camera_after_camera(reader: RetentionReader, before_us: Mapping[str, int], now_us: int) -> Iterator[list[Kept]]:
    """Yield batches of stored chunks of cameras that ended before an instant of each.

    A camera that has nothing left is not asked again: at a large site that would be most of what a sweep does.
    """
    left, before = dict(before_us), list[Kept]()
    while (found := reader.chunks_of(left, now_us, AT_ONCE)) and found != before:
        yield found
        if len(found) < AT_ONCE:
            return
        before = found
        for camera in list(left):
            if camera == found[-1].camera:
                break
            del left[camera]


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
