"""The janitor as a service: one of them leads, and looks at ages and room again and again."""

from __future__ import annotations

import threading

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Deletions, Facts, LeaseRepository, RetentionReader
from gatehouse_common.errors import GatehouseError, ResourceExhausted
from gatehouse_common.observability.metrics import (
    JANITOR_LAST_SUCCESS,
    RETENTION_ENABLED,
    RETENTION_LEFT,
    RETENTION_RESERVE,
)
from gatehouse_common.retention import CameraRules, copy_holds, copy_trash, know_holds, read_copy, reserve_bytes
from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.buses import is_shared
from gatehouse_common.sharing import FairShare
from gatehouse_common.storage import Ballast, Capacity

from .checking.check_jobs import CheckJobs
from .description_sweep import DescriptionSweep
from .fill_rate import FillRate
from .gauges import Gauges
from .giving_back import GivingBack
from .guards import CONFIRMED, ClockGuard, StoreGuard, refuse_after_rebuild
from .media_numbers import MediaNumbers
from .removal import Freed, Removal
from .sweeps import Sweeps
from .upload_sweep import UploadSweep

log = structlog.get_logger(__name__)

NAME = "janitor"
_LEADER = "leader"
_BY_AGE_US = 30 * SECOND
_SOONEST_S = 0.2
_SHARE_S = 1.0
_END_S = 4.0
_COPY_US = 30 * SECOND
_SUCCESS = "janitor.success"
_JUMPED = (
    "the clock has jumped by more than an hour: nothing is deleted for its age until it is back, or until "
    "`gatehouse retention run` says that it is right"
)


class Janitor:
    """Deletes what is too old or stands in the way of what is recorded."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._facts, self._store = Facts(core.db), StoreGuard(core)
        self._clock = ClockGuard(core.clock, lambda: self._facts.get(CONFIRMED))
        deletions = Deletions(core.db)
        self._removal = Removal(core, deletions, self._store.check, self._clock.now_us)
        self._giving_back = GivingBack(core, deletions, self._clock.now_us)
        self._sweeps = Sweeps(core, self._removal, deletions, self._clock.now_us)
        self._uploads, self._uploads_away = UploadSweep(core, self._clock.now_us), ""
        self._descriptions, self._numbers = DescriptionSweep(core), MediaNumbers(core, self._store.check)
        self._undescribed = ""
        self._rate = FillRate(RetentionReader(core.db), core.clock)
        self._gauges = Gauges(core.db, core.clock)
        self._ballast = Ballast(core.data_dir)
        self._has_no_ballast = False
        self._share: FairShare | None = None
        self._away = self._held_back = self._no_room = ""
        self._by_age_us: int | None = None
        self._copied_us: int | None = None
        self._uncopied, self._knows_holds = "", False
        self._has_found_store = threading.Event()
        self._knows_success = False
        self._checks = CheckJobs(core, lambda: self.leads)

    def run(self, stop: threading.Event) -> None:
        """Look at ages and room, if this process leads, until told to stop."""
        if is_shared(self._core.settings):
            leases = LeaseRepository(self._core.signs, NAME)
            clock = self._core.clock
            self._share = FairShare(leases, self._core.name, lambda: [_LEADER], clock.monotonic_us, work=NAME)
        ending = threading.Event()
        threads = [
            threading.Thread(target=self._checks.run, args=(ending,), name="checks", daemon=True),
            threading.Thread(
                target=self._numbers.run, args=(self._has_found_store, ending), name="media-numbers", daemon=True
            ),
            threading.Thread(target=self._keep_share, args=(ending,), name="share-janitor", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            pause = 0.0
            while not self._core.clock.wait(stop, pause):
                self._tell_success_before()
                pause = self.look(stop) if self.leads else self._rest()
        finally:
            ending.set()
            for thread in threads:
                thread.join(_END_S)  # what is in hand is left to whoever leads next
            if self._share is not None:
                self._share.leave()

    @property
    def leads(self) -> bool:
        """Whether this process is the one that deletes."""
        return self._share is None or bool(self._share.held())

    def look(self, stop: threading.Event) -> float:
        """Do what is due, room first; return after how many seconds to look again."""
        pause = self._look_after_room(stop)
        self._look_at_descriptions(stop)
        return pause

    def _look_after_room(self, stop: threading.Event) -> float:
        settings, strange = self._core.settings.values.retention, self._trouble_of_store()
        RETENTION_ENABLED.set(settings.enabled)
        if strange is None:
            self._has_found_store.set()
            self._copy()
        self._look_at_uploads(stop, strange)
        if not settings.enabled:
            self._away = self._held_back = self._no_room = ""
            return settings.look_seconds
        pause = settings.look_seconds
        self._keep_ballast()
        try:
            if strange is not None:
                raise strange
            self._store.check()  # again: that took its time, and what is decided now would go when the disk is back
            self._refuse_before_holds_are_known()
            trusted = self._clock.trusted()
            rules = CameraRules(self._core.settings.values, self._core.db)
            pause = self._make_room(rules, stop)
            self._giving_back.look()
            self._removal.finish(stop)
            self._sweep_by_age(rules, stop, trusted=trusted)
        except GatehouseError as error:
            if error.message != self._away:
                log.warning("not all is deleted that should be", reason=error.message)
            self._away = error.message
            return _SOONEST_S if self._give_ballast(error) else pause
        self._away = ""
        return pause

    def _trouble_of_store(self) -> GatehouseError | None:
        """Return why nothing in the store is to be touched; None: it is the one whose objects the index tells of."""
        try:
            self._store.check()
        except GatehouseError as error:
            return error
        return None

    def _look_at_uploads(self, stop: threading.Event, strange: GatehouseError | None) -> None:
        """Look after uploads; what fails of it is tried again with the next look, and hinders nothing else.

        Args:
            stop: breaks it off.
            strange: what is wrong with the store; None: nothing.
        """
        try:
            if strange is not None:
                raise strange
            self._clock.trusted()  # which has to look at the clock again and again, also where no footage is deleted
            self._uploads.look(stop)
        except GatehouseError as error:
            if error.message != self._uploads_away:
                log.warning("uploads are not looked after", reason=error.message)
            self._uploads_away = error.message
        else:
            self._uploads_away = ""

    def _copy(self) -> None:
        """Have the store say what is held and what is in the trash; a new index takes over what is held by that.

        So it comes before anything is deleted, and again and again, also where nothing is deleted by itself.
        """
        now = self._core.clock.monotonic_us()
        if self._copied_us is None or now - self._copied_us >= _COPY_US:
            self._uncopied = copy_holds(self._core.db, self._core.store, self._core.clock.now_us())
            copy_trash(self._core.db, self._core.store, self._core.clock.now_us())
            self._copied_us = now

    def _refuse_before_holds_are_known(self) -> None:
        """Return if the index knows what the store says of holds, or no room is left to note that there is none.

        Raises:
            GatehouseError: it does not: what goes now may be held.
        """
        if self._knows_holds:
            return
        try:
            know_holds(self._core.db, self._core.store, self._core.clock.now_us())
        except ResourceExhausted:
            if self._has_no_ballast and not read_copy(self._core.store):
                return
            raise
        self._knows_holds = True

    def _look_at_descriptions(self, stop: threading.Event) -> None:
        """Have media described that are not; as with uploads, what fails hinders nothing else."""
        trouble = ""
        try:
            self._store.check()
            self._descriptions.look(stop)
        except GatehouseError as error:
            trouble = error.message
        trouble = trouble or self._descriptions.trouble
        if trouble and trouble != self._undescribed:
            log.warning("not all media are described beside their files", reason=trouble)
        self._undescribed = trouble

    def health(self) -> list[Check]:
        """Return whether what should go goes, there is room, uploads are looked after, and media are described."""
        trouble = self._no_room or self._away or self._held_back or self._removal.refused
        retention = Check("retention", ok=not trouble, detail=trouble)
        uploads = Check("uploads", ok=not self._uploads_away, detail=self._uploads_away)
        # Told, and no reason to be unready: files are as safe as before, and nothing waits for it.
        described = Check("descriptions", ok=True, detail=self._uncopied or self._undescribed or self._numbers.trouble)
        return [retention, uploads, described, *self._checks.health()]

    def _keep_share(self, ending: threading.Event) -> None:
        """Give signs of life, however long a look takes: who gives none is not the one that leads any more."""
        while self._share is not None and not ending.is_set():
            self._share.look([])
            self._core.clock.wait(ending, _SHARE_S)

    def _rest(self) -> float:
        """Do nothing, for another leads; return after how many seconds to see whether it still does.

        Without an index nobody leads, and nothing is deleted: that it should be is told all the same.
        """
        self._gauges.forget()
        RETENTION_ENABLED.set(self._core.settings.values.retention.enabled)
        self._undescribed = self._uploads_away = self._away = self._held_back = self._no_room = ""
        return _SHARE_S

    def _tell_success_before(self) -> None:
        """Tell, once, when all had gone that should before this process began: it may never come to that itself."""
        if self._knows_success:
            return
        try:
            known = self._facts.get(_SUCCESS)
        except GatehouseError as error:  # it is asked for again; until then it is told that it never was so
            log.debug("when all had gone that should is not known", reason=error.message)
            return
        self._knows_success = True
        now_us = self._core.clock.now_us()  # what was kept by a clock that was ahead says nothing
        JANITOR_LAST_SUCCESS.set((now_us if known is None else min(int(known), now_us)) / SECOND)

    def _sweep_by_age(self, rules: CameraRules, stop: threading.Event, *, trusted: bool) -> None:
        now = self._core.clock.monotonic_us()
        if self._by_age_us is not None and now - self._by_age_us < _BY_AGE_US:
            return
        self._held_back = "" if trusted else _JUMPED
        self._held_back = self._held_back or refuse_after_rebuild(self._facts)
        if self._held_back:
            return
        freed, self._held_back = self._sweeps.by_age(rules, stop)
        some, too_large = self._sweeps.by_quota(rules, stop)
        self._held_back = self._held_back or too_large
        if freed + some != Freed():
            log.info("old footage was deleted", objects=(freed + some).objects, bytes=(freed + some).bytes)
        if stop.is_set():
            return
        self._by_age_us = now
        now_us = self._core.clock.now_us()
        self._facts.put(_SUCCESS, str(now_us), now_us)
        JANITOR_LAST_SUCCESS.set(now_us / SECOND)
        self._gauges.show(rules)

    def _make_room(self, rules: CameraRules, stop: threading.Event) -> float:
        """Make room if it is needed; return when to look again: sooner, the sooner it may be needed."""
        most = self._core.settings.values.retention.look_seconds
        room = self._core.store.capacity()
        if room is None:
            return most
        rate, seen = self._rate.of_cameras(rules), self._rate.seen(room.free)
        try:
            freed, self._no_room = self._sweeps.for_room(rules, room, rate, self._rate.allowed(rules), stop)
        except GatehouseError as error:
            freed, self._no_room = Freed(), error.message
            if self._give_ballast(error):
                return _SOONEST_S
        if freed.objects:
            room = self._core.store.capacity() or room
            self._rate.freed(room.free)
        return self._until_needed(room, rate, max(rate, seen), most)

    def _keep_ballast(self) -> None:
        """Take the room for bad times, if there is plenty; without it everything else goes on."""
        try:
            self._ballast.keep()
        except GatehouseError as error:
            if not self._has_no_ballast:
                log.warning("no room can be kept for a disk that is full", reason=error.message)
            self._has_no_ballast = True
        else:
            self._has_no_ballast = False

    def _give_ballast(self, error: GatehouseError) -> bool:
        """Give the ballast up where something failed for want of room; return whether that has made some."""
        given = isinstance(error, ResourceExhausted) and self._ballast.give()
        if given:
            log.warning("not a byte was free to decide what goes: the ballast was given up", reason=error.message)
        return given

    def _until_needed(self, room: Capacity, rate: float, fills: float, most: float) -> float:
        reserve = reserve_bytes(self._core.settings.values.retention, room.total, rate)
        RETENTION_RESERVE.set(reserve)
        if rate > 0:
            RETENTION_LEFT.set(max(0, room.free - reserve) / rate)
        if fills <= 0:
            return most
        left = max(room.free - reserve, reserve // 8)
        return max(_SOONEST_S, min(most, left / fills / 2))


def build(core: Core) -> Janitor:
    """Return the janitor."""
    return Janitor(core)
