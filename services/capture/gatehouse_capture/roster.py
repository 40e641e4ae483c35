"""Which cameras to record: from the index, or as it was last known while the index is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import structlog

from gatehouse_common.db import Camera, CameraRepository, FootageReader
from gatehouse_common.errors import DataLoss, GatehouseError, InvalidInput, NotFound
from gatehouse_common.settings.cameras import camera_settings

from .kept_file import read_kept, write_kept

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A camera to record.

    Attributes:
        id: of the camera.
        url: where its pictures come from.
        end_us: where its recording ended when that was last known.
        epoch: that of its lease; 0: none.
        keeps_all: whether its footage is kept, and not the clips of plate events alone; None: as the site says.
        settings: the camera's own, as they are kept with it.
    """

    id: str
    url: str
    end_us: int | None = None
    epoch: int = 0
    keeps_all: bool | None = None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """The cameras as they are known now.

    Attributes:
        wanted: those to record.
        off: ids of those that the index knows and that are switched off.
        elsewhere: ids of those that other workers record, or will.
        from_index: whether the index said so; else it is what was true the last time that it answered.
    """

    wanted: tuple[Assignment, ...]
    off: frozenset[str]
    from_index: bool
    elsewhere: frozenset[str] = frozenset()


class Roster:
    """The cameras; a copy in the data directory, readable by its owner alone, outlives the database.

    Args:
        cameras: those that the index knows.
        footage: tells where their recordings end.
        path: the copy: of those that this worker records.
        held: returns the epoch of each camera that is this worker's; None if all are.
    """

    def __init__(
        self,
        cameras: CameraRepository,
        footage: FootageReader,
        path: Path,
        held: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        self._cameras, self._footage, self._path, self._held = cameras, footage, path, held
        self._seen: str | None = None
        """The mark of the cameras that were read last; None: they could not be."""
        self._kept: list[dict[str, object]] | None = None
        self._trouble = ""

    def load(self) -> Listing | None:
        """Return the cameras; None if nobody knows them now, which is not the same as that there are none."""
        try:
            seen = self._cameras.mark()  # before the rows: a change between the two is seen once more
            cameras = self._cameras.list()
            enabled = [c for c in cameras if c.enabled]
            mine = dict.fromkeys((c.id for c in enabled), 0) if self._held is None else self._held()
            wanted = tuple(
                Assignment(c.id, c.url, self._footage.last_end_us(c.id), mine[c.id], _keeps_all(c), c.settings)
                for c in enabled
                if c.id in mine
            )
        except GatehouseError as error:
            self._seen = None
            return self._remembered(error)
        self._seen = seen
        self._trouble = ""
        self._remember(wanted)
        off = frozenset(c.id for c in cameras if not c.enabled)
        return Listing(wanted, off, from_index=True, elsewhere=frozenset(c.id for c in enabled if c.id not in mine))

    def changed(self) -> bool:
        """Return whether the index now says otherwise than :meth:`load` did; False if it does not answer.

        Whoever changes a camera may be another process, so nobody has to tell. Each recorder looks twice a second, and
        each time at all cameras: so at what is said of all together, which costs a millisecond however many there are.
        """
        try:
            found = self._cameras.mark()
        except GatehouseError:  # load says so, and when the index is back, that it has changed
            return False
        return found != self._seen

    def _remembered(self, away: GatehouseError) -> Listing | None:
        try:
            fields = read_kept(self._path)
            wanted = tuple(Assignment(**{**one, "url": self._cameras.sealer.open(one["url"])}) for one in fields)
        except NotFound:
            self._tell("the index is away, and no list of cameras has been kept: trying again", away)
            return None
        except (GatehouseError, TypeError, KeyError, AttributeError) as error:
            reason = error.message if isinstance(error, GatehouseError) else f"{self._path} is no list of cameras"
            self._tell("the index is away, and the list of cameras cannot be read: trying again", DataLoss(reason))
            return None
        self._tell("the index is away: recording the cameras of the last time", away)
        return Listing(wanted, frozenset(), from_index=False)

    def _tell(self, what: str, reason: GatehouseError) -> None:
        """Log a trouble once, and not again at every look."""
        if self._trouble != what:
            self._trouble = what
            log.warning(what, reason=reason.message)

    def _remember(self, cameras: tuple[Assignment, ...]) -> None:
        fields = [asdict(one) for one in cameras]
        if fields == self._kept:
            return
        try:
            write_kept(self._path, [{**one, "url": self._cameras.sealer.seal(one["url"])} for one in fields])
        except GatehouseError as error:
            log.warning("the list of cameras cannot be kept", reason=error.message)
        else:
            self._kept = fields


def _keeps_all(camera: Camera) -> bool | None:
    """Return what a camera says of its own footage; one whose settings cannot be read says nothing."""
    try:
        keep = camera_settings(camera.settings).keep
    except InvalidInput:
        return None
    return None if keep is None else keep == "all"
