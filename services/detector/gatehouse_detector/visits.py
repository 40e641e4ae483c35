"""Visits of plates at one camera: when they begin, go on, stand, and end. By the times of frames alone.

A visit begins with the first read that is strictly surer than the camera's threshold, and ends when its plate has not
been read for some time. What stands still is another matter: nothing moves, so nothing is looked at, and the silence
says nothing. Such a visit stays open, *parked*, until its place is seen empty or taken, until its plate is read
elsewhere, or for so long that nobody would call it the same visit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from gatehouse_common.clock import SECOND
from gatehouse_common.messages.plates import ReadFields, VisitFields

from .geometry import shared
from .sightings import Look, Sighting
from .similarity import are_same
from .tracking import Track, assign
from .visit import Visit

DISORDER_US = 2 * SECOND
"""Frames may come so much later than one that was after them, and still count."""
_FORGOTTEN_US = 3 * SECOND
"""A track that nothing was sure about is given up after so long."""
_DOUBTS_APART_US = SECOND // 2
_DOUBTS_A_SECOND = 5
_REMEMBERED = 1024
_TAKEN = 0.3
_SETTLED_READS = 2


@dataclass(frozen=True, slots=True)
class Rules:
    """When visits end: without a read for so long; parked for so long. Microseconds."""

    visit_us: int
    parked_us: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a read.

    Attributes:
        sighting: the read.
        threshold: what it had to be surer than.
        qualifies: whether it was.
        tell: whether others are told of it.
        standing: whether its plate has not moved for some seconds.
        visit: the visit that it belongs to, None if none has begun.
        opened: whether the visit has begun with it.
        best: whether it is the best picture of its visit so far.
    """

    sighting: Sighting
    threshold: float
    qualifies: bool
    tell: bool
    standing: bool
    visit: VisitFields | None
    opened: bool = False
    best: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A visit has ended; ``time_us``: by the time of frames, when that was known."""

    visit: VisitFields
    time_us: int


Outcome = Judged | Ended


class CameraVisits:
    """All visits at one camera. Not safe for use by many threads.

    Args:
        rules: when visits end.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._tracks: list[Track] = []
        self._visits: dict[Track, Visit] = {}
        self._looked: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self._doubts: dict[Track, int] = {}
        self._doubts_us: list[int] = []
        self._run = ""
        self._newest_us: int | None = None

    @property
    def open(self) -> list[str]:
        """Ids of the visits that have not ended."""
        return [visit.event for visit in self._visits.values()]

    @property
    def newest_us(self) -> int | None:
        """The latest time of a frame that was looked at, None: none yet."""
        return self._newest_us

    def look(self, look: Look, threshold: float) -> list[Outcome]:
        """Take what was seen on a picture; one that was taken before, or is far too old, changes nothing."""
        outcomes: list[Outcome] = []
        if self._is_new_time(look):
            outcomes += self._end_those([t for t in self._visits if not t.parked], look.time_us)
            self._tracks = [t for t in self._tracks if t in self._visits]
        elif self._newest_us is not None and look.time_us < self._newest_us - DISORDER_US:
            return []
        if not self._is_new(look):
            return outcomes
        self._run = max(self._run, look.run)
        self._newest_us = max(look.time_us, self._newest_us or look.time_us)
        outcomes += self.pass_time(look.time_us)
        read: set[Track] = set()
        for track, sighting in assign(self._tracks, look):
            if track not in self._tracks:
                self._tracks.append(track)
            track.add(sighting)
            read.add(track)
            outcomes += self._judge(track, sighting, threshold)
        outcomes += self._look_for_the_missing(look, read)
        return outcomes

    def pass_time(self, now_us: int) -> list[Outcome]:
        """Let time pass, by frames or without: end what has not been read for long enough."""
        now_us = max(now_us, self._newest_us or now_us)
        self._tracks = [t for t in self._tracks if t in self._visits or now_us - t.last_us < _FORGOTTEN_US]
        self._doubts = {t: at for t, at in self._doubts.items() if t in self._tracks}
        ending: list[Track] = []
        for track, visit in self._visits.items():
            silent_us = now_us - track.last_us
            if silent_us < self._rules.visit_us:
                continue
            track.parked = visit.may_stand() and silent_us < self._rules.parked_us
            if not track.parked:
                ending.append(track)
        return self._end_those(ending, now_us)

    def end_all(self) -> list[Outcome]:
        """End every visit: the camera is not watched any more."""
        self._tracks = [t for t in self._tracks if t in self._visits]
        return self._end_those(list(self._visits), self._newest_us or 0)

    def resume(self, visit: Visit) -> None:
        """Go on with a visit that another process began; one that is known already is left as it is."""
        if visit.event not in self.open:
            self._tracks.append(visit.track)
            self._visits[visit.track] = visit

    def _is_new_time(self, look: Look) -> bool:
        """Return whether the clock has been set back: a newer run is earlier than what was seen."""
        newest = self._newest_us
        if newest is None or look.run <= self._run or look.time_us >= newest - DISORDER_US:
            return False
        self._newest_us = look.time_us
        return True

    def _is_new(self, look: Look) -> bool:
        name = (look.run, look.pts, look.region)
        if name in self._looked:
            return False
        self._looked[name] = None
        if len(self._looked) > _REMEMBERED:
            self._looked.popitem(last=False)
        return True

    def _judge(self, track: Track, sighting: Sighting, threshold: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        qualifies = sighting.read.confidence > threshold
        visit = self._visits.get(track)
        opened = visit is None and qualifies
        if visit is None and qualifies:
            outcomes += self._end_those(self._elsewhere(track), sighting.read.time_us)
            visit = self._visits[track] = Visit(track, sighting)
        if visit is None:
            tell = self._may_doubt(track, sighting.read)
            return [*outcomes, Judged(sighting, threshold, False, tell, False, None)]
        best = visit.take(sighting, qualifies=qualifies)
        if qualifies:
            tell = visit.is_worth_telling(sighting.read.time_us)
        else:
            tell = not visit.standing and self._may_doubt(track, sighting.read)
        if visit.qualifying == _SETTLED_READS:
            outcomes += self._end_those(self._displaced_by(track), sighting.read.time_us)
        fields = visit.fields()
        return [*outcomes, Judged(sighting, threshold, qualifies, tell, visit.standing, fields, opened, best)]

    def _may_doubt(self, track: Track, read: ReadFields) -> bool:
        """Return whether to tell of a read that does not qualify: noise must not drown what matters."""
        at = read.time_us
        self._doubts_us = [t for t in self._doubts_us if abs(at - t) < SECOND]
        last = self._doubts.get(track)
        if (last is not None and abs(at - last) < _DOUBTS_APART_US) or len(self._doubts_us) >= _DOUBTS_A_SECOND:
            return False
        self._doubts[track] = at
        self._doubts_us.append(at)
        return True

    def _elsewhere(self, track: Track) -> list[Track]:
        """Return what is parked and cannot be there any more: its plate has just been read elsewhere."""
        text = track.verdict.text
        return [t for t in self._visits if t.parked and are_same(t.verdict.text, text)]

    def _displaced_by(self, track: Track) -> list[Track]:
        """Return what was parked where another plate is now."""
        return [t for t in self._visits if t is not track and t.parked and shared(t.box, track.box) >= _TAKEN]

    def _look_for_the_missing(self, look: Look, read: set[Track]) -> list[Outcome]:
        """Note which plates could have been read on a picture and were not."""
        for track, visit in self._visits.items():
            if track in read or look.time_us <= track.last_us or not look.region.covers(track.box):
                continue
            if all(shared(sighting.box, track.box) < _TAKEN for sighting in look.sightings):
                visit.miss(look.time_us)  # else something that may be it is there, and could not be read
        gone = [t for t, v in self._visits.items() if t.parked and v.is_gone(self._rules.visit_us)]
        return self._end_those(gone, look.time_us)

    def _end_those(self, tracks: Iterable[Track], time_us: int) -> list[Outcome]:
        ended: list[Outcome] = []
        for track in list(tracks):
            visit = self._visits.pop(track)
            self._tracks = [t for t in self._tracks if t is not track]
            fields = visit.fields()
            ended.append(Ended(fields, max(time_us, fields.end_us)))
        return ended
