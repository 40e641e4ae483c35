"""Uploads and media as the rest of Gatehouse sees them: times in microseconds UTC, sizes in bytes, as in the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOBODY = 0
"""The owner of what came while nobody has to say who they are."""
PROCESS = "media-process"
"""The job that makes of an upload what belongs to it. Parameters: ``media``, its number."""
EXPORT = "media-export"
"""The job that makes a file of recorded footage. Parameters: ``media``; ``parts``, a list of ``camera``, ``start_us``
and ``end_us``, each a film of its own; ``gaps``, keep or skip; ``signed``; ``missing``, cameras without footage."""
AUDIO = "media-audio"
"""The job that makes a file of sound. Parameters: ``media``, ``codec``, ``quality`` or ``bitrate``."""
VIDEO = "media-video"
"""The job that makes a film, or a moving picture. Parameters: ``media``, ``format``, and what the format knows."""
MEDIA_KINDS = (PROCESS, EXPORT, AUDIO, VIDEO)
"""Jobs of media, which the transcoder does."""
WHOLE = (PROCESS, EXPORT)
"""Those that a medium is made by: it is ready when they are done, and failed when they fail."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is being sent in pieces, or was; see ``UploadRow``."""

    id: str
    owner: int
    owner_name: str
    door: str
    role: str
    state: str
    name: str
    name_digest: str
    open_name: str | None
    claimed_type: str
    length: int | None
    received: int
    digest: str
    facts: Mapping[str, Any]
    last_position: int | None
    media: int | None
    detail: str
    created_us: int
    changed_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A durable piece of an upload; see ``UploadPieceRow``."""

    upload: str
    position: int
    bytes: int
    digest: str
    key: str


@dataclass(frozen=True, slots=True)
class Media:
    """A film or a sound that somebody brought; without more, one of which nothing is made yet. See ``MediaRow``."""

    number: int
    id: str
    owner: int
    owner_name: str
    kind: str
    name: str
    folder: str
    type: str
    created_us: int
    upload: str | None = None
    session: int | None = None
    state: str = "queued"
    stage: str = ""
    detail: str = ""
    bytes: int = 0
    digest: str = ""
    lasted_us: int | None = None
    width: int = 0
    height: int = 0
    fps: float = 0.0
    video_codec: str = ""
    audio_codec: str = ""
    start_us: int | None = None
    ready_us: int | None = None
    trashed_us: int | None = None
    before_trash: str = ""
    version: int = 1

    @property
    def tag(self) -> str:
        """What it is called as it is: another text once people change it."""
        return f"{self.id}-{self.version}"


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file of a medium; see ``MediaFileRow``."""

    media: int
    kind: str
    variant: str
    key: str
    type: str
    bytes: int
    state: str
    made_us: int
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
