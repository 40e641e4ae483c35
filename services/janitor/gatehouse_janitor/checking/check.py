"""The whole comparison of index and store: looked at once, and what was found a second time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gatehouse_common.db import FootageReader
from gatehouse_common.db.inventory import Inventory
from gatehouse_common.errors import Cancelled, DataLoss, InvalidInput, NotFound
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

from .care import Care
from .chunk_check import ChunkCheck
from .clip_check import ClipCheck
from .media_check import MediaCheck
from .object_check import ObjectCheck
from .pace import Pace
from .picture_check import PictureCheck
from .problem import Area, Kind, Problem, counts
from .recordings import Recordings, beside
from .session_check import SessionCheck
from .spool_check import SpoolCheck

Advance = Callable[[int], None]


@dataclass(slots=True)
class Report:
    """What a check found.

    Attributes:
        problems: what is wrong, and stood when it was looked at a second time.
        chunks: rows of chunks that were looked at.
        of_cameras: the same, by camera.
        media: rows of files of media that were.
        files: recordings, clips, files of sessions and of media, and pictures in the store that were.
        clips: rows of clips that were.
        sessions: rows of files of sessions that were.
        pictures: keys of pictures that were.
        spool_files: files in this machine's spool, as a number; what waits there is no problem.
        quarantined: objects in the quarantine, as a number: they wait for a person.
        passed: problems of the first look that were none at the second.
    """

    problems: list[Problem] = field(default_factory=list)
    chunks: int = 0
    files: int = 0
    clips: int = 0
    sessions: int = 0
    pictures: int = 0
    spool_files: int = 0
    quarantined: int = 0
    passed: int = 0
    of_cameras: Mapping[str, int] = field(default_factory=dict)
    media: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many problems there are of each kind."""
        return counts(self.problems)


class Check:
    """Compares index and store.

    Args:
        core: where to look.
        care: who else is at work.
        quick: compare names and sizes only, and read no file.
        stop: set when the check is to be broken off.
    """

    def __init__(self, core: Core, care: Care, *, quick: bool = False, stop: threading.Event | None = None) -> None:
        self._core, self._care, self._quick = core, care, quick
        self._stop = stop or threading.Event()
        self._footage = FootageReader(core.db)
        self._chunks = ChunkCheck(core, Pace(core.clock, self._stop, care.bytes_per_second))
        self._objects = ObjectCheck(core, care, lambda c: self._chunks.again(c.id, c.key, quick=False))
        self._recordings = Recordings(core, self._chunks, self._objects, quick=quick)
        self._clips = ClipCheck(core, care, quick=quick)
        self._sessions = SessionCheck(core, care, quick=quick)
        self._media = MediaCheck(core, care, quick=quick)
        self._pictures = PictureCheck(core, care)
        self._spool = SpoolCheck(core, care)

    @property
    def is_alone(self) -> bool:
        """Whether nobody else writes to index, store and spools."""
        return not self._care.grace_us

    def steps(self) -> int:
        """Return about how many steps the whole of it takes."""
        return 3 * Inventory(self._core.db).count_stored()

    def all(self, advance: Advance) -> Report:
        """Compare everything.

        Args:
            advance: called with the steps done since.

        Raises:
            Cancelled: it was to be broken off.
            Unavailable: index or store does not answer.
        """
        found: list[Problem] = []
        parts = (self._recordings, self._clips, self._sessions, self._media, self._pictures, self._spool)
        for look in (part.all for part in parts):
            found += self._taken(look(advance))
        return self._report(found)

    def since(self, since_us: int, advance: Advance) -> Report:
        """Compare what was stored since an instant, and names and sizes of its days; see ``all``."""
        return self._report(list(self._taken(self._recordings.since(since_us, advance))))

    def again(self, problem: Problem) -> Problem | None:
        """Look once more at what was found; None if it is well by now."""
        others: dict[Area, ClipCheck | SessionCheck | MediaCheck | PictureCheck | SpoolCheck] = {
            Area.CLIP: self._clips,
            Area.SESSION: self._sessions,
            Area.MEDIA: self._media,
            Area.PICTURE: self._pictures,
            Area.SPOOL: self._spool,
        }
        if problem.area in others:
            return others[problem.area].again(problem)
        if problem.other:
            return self._beside_again(problem)
        if not problem.subject:
            return self._objects.again(problem.key)
        return self._chunks.again(problem.subject, problem.key, quick=self._quick)

    def of_another(self, problem: Problem) -> Problem | None:
        """Look at a file that its row is not of: what would be wrong with it if the row did not have its key."""
        return self._objects.again(problem.key, of_another=True)

    def _stands(self, problem: Problem) -> Problem | None:
        """Look once more; what cannot be looked at is told as it was found, and the others are gone on with."""
        try:
            return self.again(problem)
        except (DataLoss, InvalidInput):
            return problem

    def _beside_again(self, problem: Problem) -> Problem | None:
        try:
            return beside(self._footage.chunk(problem.other), self._footage.chunk(problem.subject))
        except NotFound:
            return None

    def _taken(self, problems: Iterator[Problem]) -> Iterator[Problem]:
        for problem in problems:
            if self._stop.is_set():
                raise Cancelled("the check was broken off")
            yield problem

    def _report(self, found: list[Problem]) -> Report:
        first = {p.identity: p for p in found}
        if first and self._care.pause_s and self._core.clock.wait(self._stop, self._care.pause_s):
            raise Cancelled("the check was broken off")
        stands = list(first.values())
        if self._care.pause_s:
            stands = [p for p in map(self._stands, self._taken(iter(stands))) if p is not None]
        kept = sum(1 for info in self._core.store.list(keys.QUARANTINE) if not info.key.endswith(".reason.txt"))
        return Report(
            _without_echoes(stands),
            self._recordings.rows,
            self._recordings.files
            + self._clips.files
            + self._sessions.files
            + self._media.files
            + self._pictures.files,
            self._clips.rows,
            self._sessions.rows,
            self._pictures.rows,
            self._spool.files,
            kept,
            len(first) - len(stands),
            self._recordings.of_cameras,
            self._media.rows,
        )


_ECHOED = frozenset({Kind.DURATION, Kind.FOREIGN, Kind.TWIN_ROWS})


def _without_echoes(problems: list[Problem]) -> list[Problem]:
    """Return the problems without those that others explain: a row that is of another's footage overlaps it, too."""
    wrong = {p.subject for p in problems if p.kind in _ECHOED and p.subject}
    return [p for p in problems if p.kind is not Kind.OVERLAP or not {p.subject, p.other} & wrong]
