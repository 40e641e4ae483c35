"""Settings of one camera alone, as they are kept with it; what it does not say is the site's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from gatehouse_common.errors import InvalidInput

from .group import Group
from .model import SettingsModel
from .retention import CameraRetention

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Polygon = Annotated[
    list[tuple[Fraction, Fraction]],
    Field(min_length=3, max_length=64, description="corners as fractions of the picture's width and height"),
]


class PlateOptions(Group):
    """How a camera is watched for plates."""

    enabled: bool = Field(True, description="whether it is watched at all")
    threshold: float | None = Field(None, ge=0, le=1, description="reads strictly surer than this qualify")
    region: Literal["", "us", "eu", "br"] | None = Field(None, description="syntaxes of plates to prefer")
    masks: list[Polygon] = Field(default_factory=list, max_length=32, description="what is in them is not looked at")
    zones: list[Polygon] = Field(
        default_factory=list, max_length=32, description="if there are any, only what is in them is looked at"
    )


class CameraSettings(Group):
    """All settings of a camera that are its own."""

    plates: PlateOptions = Field(default_factory=PlateOptions)
    retention: CameraRetention = Field(default_factory=CameraRetention)
    keep: Literal["all", "events"] | None = Field(
        None, description="`events`: only the clips of plate events are kept, if there can be any"
    )
    priority: int = Field(
        0,
        ge=-1000,
        le=1000,
        description="where a disk fills up, cameras of lower numbers stop first, of those that one process records",
    )


def camera_settings(kept: dict[str, Any]) -> CameraSettings:
    """Return the settings that were kept with a camera.

    Raises:
        InvalidInput: they are none; the sentence says which value is wrong.
    """
    try:
        return CameraSettings.model_validate(kept)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"camera setting {where!r}: {first['msg']}", where) from error


def changed_settings(kept: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return settings with a change merged in as RFC 7386 says: what is null is the site's again.

    Args:
        kept: those that a camera has.
        change: of the same shape; what it does not name stays.

    Raises:
        InvalidInput: what comes of it is none; the sentence says which value is wrong.
    """
    merged = _merged(kept, change)
    camera_settings(merged)
    return merged


def _merged(kept: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(kept)
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            before = merged.get(name)
            merged[name] = _merged(before if isinstance(before, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def plate_threshold(site: SettingsModel, own: CameraSettings) -> float:
    """Return what a read must be surer than to qualify."""
    return site.detection.threshold if own.plates.threshold is None else own.plates.threshold


def plate_region(site: SettingsModel, own: CameraSettings) -> str:
    """Return whose syntaxes are preferred; empty: all alike."""
    return site.detection.region if own.plates.region is None else own.plates.region


def keeps_all(site: SettingsModel, own: CameraSettings) -> bool:
    """Return whether all footage is kept, and not the clips of plate events alone."""
    return (own.keep or site.recording.keep) == "all"


def why_no_clips(site: SettingsModel, own: CameraSettings) -> str:
    """Return which setting keeps a camera from having any clips; empty: none does."""
    if not site.clips.enabled:
        return "clips.enabled is false"
    if site.detection.frames == "off":
        return "detection.frames is off"
    if site.detection.reader == "none":
        return "detection.reader is none"
    return "" if own.plates.enabled else "the camera's plates.enabled is false"
