"""A job in hand: what its stages work with, and how they tell how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from gatehouse_common.db import Job, Media, MediaFile, MediaWork
from gatehouse_common.db.job_queue import MOST_TRIES, tries
from gatehouse_common.errors import Cancelled, Conflict, DataLoss, InvalidInput, ResourceExhausted, from_os_error
from gatehouse_common.media.inspection import Film
from gatehouse_common.runtime import Core

from .children import ChildDied, Limits
from .program import Program
from .room import Room

log = structlog.get_logger(__name__)

Told = Callable[[float], None]
"""Is told which part of a stage is done, 0 to 1."""
_MOST_NAMES = 20
_OPTIONAL_WAITS = 3


class Lost(Cancelled):
    """The job was called off, or another process has it by now: nothing more of it is written."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What child processes are, and what they may take.

    Attributes:
        program: ffmpeg.
        limits: of those that make something.
        looks: of those that only look at a file.
    """

    program: Program
    limits: Limits
    looks: Limits


@dataclass
class Work:
    """What a stage works with.

    Attributes:
        core: settings, index, store, bus.
        tools: of child processes.
        rows: the index's part of it.
        job: as it was taken; ``parameters`` say what was asked for.
        media: the medium as it is known now.
        folder: of this job alone, for temporary files; it goes with the job, whatever becomes of it.
        ending: returns why the work is to be broken off, None while it goes on.
        told: is told which part of the stage is done, 0 to 1; the job's row follows about once a second.
        waited: how often in a row the job has waited for room or something else.
        films: what is known of files of the medium, by their keys.
        result: what is told of the job when it is done.
    """

    core: Core
    tools: Tools
    rows: MediaWork
    job: Job
    media: Media
    folder: Path
    ending: Callable[[], Cancelled | None]
    told: Told
    waited: int = 0
    films: dict[str, Film] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    _paths: dict[str, Path] = field(default_factory=dict)

    def check(self) -> None:
        """Return while the job is this process's to do, and there is room.

        Raises:
            ResourceExhausted: there is not.
            Lost: it was called off, or another process has it.
            Cancelled: this process is to end.
        """
        reason = self.ending()
        if reason is not None:
            raise reason

    def require_room(self, data: int, store: int) -> None:
        """Return if files of so many bytes can be made in the data directory, and kept in the store.

        Raises:
            ResourceExhausted: there is too little room.
        """
        Room(self.core).require(data, store)

    @contextmanager
    def optional(self, name: str) -> Iterator[None]:
        """Let what is made not be made where that fails: the job's result says why, by this name.

        A child that was killed is tried again first, as often as a job is; for room it is waited some times.
        """
        try:
            yield
        except (DataLoss, InvalidInput, ChildDied, ResourceExhausted) as error:
            if isinstance(error, ChildDied) and tries(self.job) < MOST_TRIES:
                raise
            if isinstance(error, ResourceExhausted) and self.waited < _OPTIONAL_WAITS:
                raise
            log.warning("something was not made of a medium", media=self.media.number, what=name, reason=error.message)
            self.result[name] = error.message

    def learn(self, **facts: Any) -> None:
        """Keep facts of the medium, by the names of its columns.

        Raises:
            Lost: the job is not this process's any more.
        """
        if not self.rows.learn(self.job, self.media.number, **facts):
            raise Lost("another process does it by now, or it was called off")
        self.media = replace(self.media, **facts)

    def file(self, kind: str, variant: str = "") -> MediaFile | None:
        """Return a file of the medium; None if it has none of the kind and variant."""
        files = self.rows.files(self.media.number)
        return next((file for file in files if (file.kind, file.variant) == (kind, variant)), None)

    def original(self) -> MediaFile:
        """Return the original.

        Raises:
            DataLoss: it is not there.
        """
        found = self.file("original")
        if found is None:
            raise DataLoss("the original is not there any more")
        return found

    def path(self, file: MediaFile) -> Path:
        """Return where the bytes of a file can be read on this machine; of a store elsewhere they are fetched once."""
        known = self._paths.get(file.key) or self.core.store.local_path(file.key)
        if known is None:
            known = self.folder / f"source-{len(self._paths)}{Path(file.key).suffix}"
            try:
                with known.open("wb") as copy:
                    for piece in self.core.store.open_range(file.key):
                        self.check()
                        copy.write(piece)
            except OSError as error:
                raise from_os_error(error, "fetching what is to be worked on") from error
        self._paths[file.key] = known
        return known

    def keep(
        self,
        made: Path,
        kind: str,
        variant: str,
        media_type: str,
        *,
        name: str = "",
        of_file: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> MediaFile:
        """Make a finished file one of the medium's; the file is moved.

        Args:
            made: the file.
            kind: see ``MediaFileRow``.
            variant: likewise.
            media_type: MIME.
            name: of its object; empty: its kind, and variant if it has one, with the extension of ``made``.
            of_file: facts of the file.
            facts: of the medium, by the names of its columns, that hold from then on.

        Raises:
            Lost: the job is not this process's any more. Its object is left to the janitor: whoever has the job now may
                have stored the same bytes under the same key.
        """
        self.check()
        before = self.file(kind, variant)
        size = made.stat().st_size
        key = self._put(made, name or f"{kind}{f'-{variant}' if variant else ''}{made.suffix}")
        file = self.note(key, kind, variant, media_type, size, of_file or {}, **facts)
        if before is not None and before.key != key:
            self.core.store.delete(before.key)
        return file

    def note(
        self, key: str, kind: str, variant: str, media_type: str, size: int, of_file: Mapping[str, Any], **facts: Any
    ) -> MediaFile:
        """Let an object be one of the medium's files; see ``keep``.

        Raises:
            Lost: the job is not this process's any more.
        """
        now_us = self.core.clock.now_us()
        file = MediaFile(self.media.number, kind, variant, key, media_type, size, "ready", now_us, of_file)
        if not self.rows.keep(self.job, file, **facts):
            raise Lost("another process does it by now, or it was called off")
        self.media = replace(self.media, **facts)
        return file

    def _put(self, made: Path, name: str) -> str:
        """Store a file under a key that nobody has: what a process that died has stored may be there."""
        stem, dot, extension = name.rpartition(".")
        for attempt in range(1, _MOST_NAMES):
            key = f"{self.media.folder}{stem}{'' if attempt == 1 else f'-{attempt}'}{dot}{extension}"
            try:
                self.core.store.put_file(made, key, move=True)
            except Conflict:
                continue
            return key
        raise Conflict(f"there are too many files called {name}")
