"""Why each camera is not recorded, since its last frame: kept over the ends of workers and of the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from gatehouse_common.clock import Clock
from gatehouse_common.errors import DataLoss, GatehouseError, NotFound
from gatehouse_common.messages import GapCause, Interruption

from .kept_file import read_kept, write_kept

log = structlog.get_logger(__name__)

_MOST = 64
"""Causes kept of one absence: a camera that is away for months sees many restarts."""


@dataclass(slots=True)
class _Absence:
    """What followed one another since a camera's last frame; ``off`` while it is switched off or removed."""

    causes: list[Interruption] = field(default_factory=list)
    off: bool = False


class Absences:
    """Knows what a gap will have been caused by when its camera comes back.

    While a camera is off, ``disabled`` is the cause, whatever else happens: a service that is down then keeps no
    camera from being recorded. A file holds what is known; when it was written last tells how long the service was
    seen alive.

    Args:
        path: the file.
        clock: the time.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._absences: dict[str, _Absence] = {}
        self._down_since_us: int | None = None
        self._alive_us: int | None = None
        self._beginning = True

    def begin(self) -> None:
        """The service begins, maybe anew in the same process: until now it was down."""
        if self._alive_us is None:
            self._read()
        self._beginning = True
        self._down_since_us = self._alive_us
        for absence in self._absences.values():
            if not absence.off:
                _follow(absence, GapCause.SERVICE_DOWN, self._down_since_us)

    def settled(self) -> None:
        """The index has told all cameras once: one that turns up now has not waited for this service."""
        self._beginning = False

    @property
    def known(self) -> frozenset[str]:
        """Every camera of which something is known, those included that have been removed."""
        return frozenset(self._absences)

    def off(self, camera: str) -> None:
        """A camera is off; from now on, if it was not before."""
        absence = self._absences.get(camera)
        if absence is None:
            self._absences[camera] = _Absence([Interruption(cause=GapCause.DISABLED, since_us=None)], off=True)
        elif not absence.off:
            absence.off = True
            _follow(absence, GapCause.DISABLED, self._clock.now_us())

    def forget(self, camera: str) -> None:
        """Another worker records a camera: what interrupts it is for that one to know."""
        self._absences.pop(camera, None)

    def on(self, camera: str, *, taken_over: bool = False) -> list[Interruption]:
        """A camera is to be recorded from now on; return why it was not until now.

        Args:
            camera: its id.
            taken_over: another worker recorded it before, of which nothing is known here.
        """
        absence = self._absences.get(camera)
        if absence is None:
            cause = GapCause.SERVICE_DOWN if self._beginning or taken_over else GapCause.CAMERA_OFFLINE
            absence = self._absences[camera] = _Absence([Interruption(cause=cause, since_us=None)])
        elif absence.off:
            absence.off = False
            if self._beginning:  # switched on while nobody looked: known is only that it was off before
                _follow(absence, GapCause.SERVICE_DOWN, self._down_since_us)
        return list(absence.causes)

    def update(self, causes: Mapping[str, Sequence[Interruption]]) -> None:
        """Take from workers what has interrupted them; nothing, if they record."""
        for camera, found in causes.items():
            absence = self._absences.setdefault(camera, _Absence())
            before, absence.causes = absence.causes, list(found)
            if absence.off and before:  # its worker took its time to end: that it was told to still stands
                _follow(absence, before[-1].cause, before[-1].since_us)

    def keep(self) -> None:
        """Write down what is known, and that the service lives."""
        self._alive_us = self._clock.now_us()
        known = {
            camera: {"off": a.off, "causes": [i.model_dump(mode="json") for i in a.causes]}
            for camera, a in self._absences.items()
        }
        try:
            write_kept(self._path, {"alive_us": self._alive_us, "cameras": known})
        except GatehouseError as error:
            log.warning("why cameras are not recorded cannot be kept", reason=error.message)

    def _read(self) -> None:
        try:
            self._absences, self._alive_us = _parse(read_kept(self._path))
        except NotFound:
            return  # the first start of all
        except GatehouseError as error:
            log.warning("why cameras were not recorded is not known", reason=error.message)


def _follow(absence: _Absence, cause: GapCause, since_us: int | None) -> None:
    """Let a cause follow those known; the first of all counts from the last frame."""
    known = absence.causes
    if known and known[-1].cause is cause:
        return
    known.append(Interruption(cause=cause, since_us=since_us if known else None))
    del known[1 : max(1, len(known) - _MOST)]


def _parse(kept: Any) -> tuple[dict[str, _Absence], int]:
    """Return the absences that a file tells of, and when it was written.

    Raises:
        DataLoss: it tells of something else.
    """
    try:
        absences = {
            str(camera): _Absence([Interruption.model_validate(i) for i in fields["causes"]], bool(fields["off"]))
            for camera, fields in kept["cameras"].items()
        }
        return absences, int(kept["alive_us"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # pydantic's errors are ValueErrors
        raise DataLoss(f"the file is of another form: {type(error).__name__}") from error
