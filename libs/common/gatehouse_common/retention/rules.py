"""What the settings say of one camera: how long its recordings and clips are kept, and how much room they may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from gatehouse_common.clock import HOUR
from gatehouse_common.db import Camera, CameraRepository, Database, FileClass
from gatehouse_common.errors import Conflict, InvalidInput
from gatehouse_common.settings import SettingsModel
from gatehouse_common.settings.cameras import CameraSettings, camera_settings, keeps_all

log = structlog.get_logger(__name__)

DAY_US = 24 * HOUR
GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What is kept of a camera; spans in microseconds.

    Attributes:
        continuous_us: how long recordings are; None: until their room is needed.
        event_us: after how long clips are archived; None: never by age.
        archive_us: how much longer the file of an archived clip stays.
        minimum_us: nothing younger is deleted.
        max_bytes: how much its recordings may take; None: as much as there is.
    """

    continuous_us: int | None
    event_us: int | None
    archive_us: int
    minimum_us: int
    max_bytes: int | None

    def continuous_before(self, now_us: int) -> int | None:
        """Return the instant before which recordings are too old, None if none ever are."""
        return None if self.continuous_us is None else now_us - max(self.continuous_us, self.minimum_us)

    def archived_before(self, now_us: int) -> int | None:
        """Return the instant before which clips are archived, None if none ever are."""
        return None if self.event_us is None else now_us - max(self.event_us, self.minimum_us)


def files_kept_us(site: SettingsModel) -> dict[FileClass, int]:
    """Return how long files of people are kept, microseconds; classes that are kept for good are left out."""
    said = site.retention
    days: dict[FileClass, float] = {
        "session": said.session_days,
        "upload": said.upload_days,
        "export": said.export_days,
    }
    least = round(said.minimum_hours * HOUR)
    return {kind: max(round(kept * DAY_US), least) for kind, kept in days.items() if kept}


def refuse_of_age(site: SettingsModel, kind: FileClass, at_us: int, now_us: int) -> None:
    """Return unless files of a class that are as old as one are deleted; ``at_us`` is since when it counts.

    Raises:
        Conflict: they are: taken out of the trash it would be gone with the janitor's next look.
    """
    kept_us = files_kept_us(site).get(kind)
    if kept_us is not None and at_us < now_us - kept_us:
        raise Conflict(
            f"it is older than such files are kept (retention.{kind}_days), and would be deleted at once: "
            "put it on hold first, then take it out of the trash"
        )


def rules_of(site: SettingsModel, own: CameraSettings) -> Rules:
    """Return what holds for a camera: what it says itself, else what the site says."""
    said, general = own.retention, site.retention
    hours = general.continuous_hours if said.continuous_hours is None else said.continuous_hours
    days = general.event_days if said.event_days is None else said.event_days
    least = general.minimum_hours if said.minimum_hours is None else said.minimum_hours
    return Rules(
        continuous_us=round(hours * HOUR) if hours else None,
        event_us=round(days * DAY_US) if days else None,
        archive_us=round(general.archive_days * DAY_US),
        minimum_us=round(least * HOUR),
        max_bytes=round(said.max_gb * GB) if said.max_gb else None,
    )


class CameraRules:
    """The rules of all cameras, as they are now. Cameras that were removed are as the site says.

    Raises:
        Unavailable: the database does not answer.
    """

    def __init__(self, site: SettingsModel, db: Database) -> None:
        self.site = rules_of(site, CameraSettings())
        self.cameras: Mapping[str, Camera] = {camera.id: camera for camera in CameraRepository(db).list()}
        own = {camera.id: _read(camera) for camera in self.cameras.values()}
        self._of = {camera: rules_of(site, settings) for camera, settings in own.items()}
        self.recorded: frozenset[str] = frozenset(
            camera.id for camera in self.cameras.values() if camera.enabled and keeps_all(site, own[camera.id])
        )
        """The cameras that are recorded, and of which more is kept than clips."""

    def of(self, camera: str) -> Rules:
        """Return the rules of a camera."""
        return self._of.get(camera, self.site)

    @property
    def special(self) -> dict[str, Rules]:
        """The cameras of which more, or less, may be deleted for room than the site says."""
        return {camera: rules for camera, rules in self._of.items() if rules.minimum_us != self.site.minimum_us}

    @property
    def limited(self) -> bool:
        """Whether the recordings of some camera may take only so much room."""
        return any(rules.max_bytes is not None for rules in self._of.values())


def _read(camera: Camera) -> CameraSettings:
    """Return what a camera says itself."""
    try:
        return camera_settings(camera.settings)
    except InvalidInput as error:
        log.warning("a camera's settings cannot be read; it is as the site says", camera=camera.id, why=error.message)
        return CameraSettings()
