"""A range of recorded footage from index and store, without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import CameraRepository, FootageReader
from gatehouse_common.errors import InvalidInput, NotFound, TooLarge
from gatehouse_common.footage import Library
from gatehouse_common.media.conversion import Target, check_copied
from gatehouse_common.media.conversion.making import convert
from gatehouse_common.media.conversion.reading import SliceFile
from gatehouse_common.media.slicing import Slice, slice_footage, smart_slice, split_footage
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import rfc3339


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: ``[start_us, end_us)`` of a camera; ``cut`` exact or smart, ``gaps`` keep, skip or split.

    ``target`` is what to make of it, None for the MP4 that is described and not made.
    """

    camera: str
    start_us: int
    end_us: int
    cut: str = "exact"
    gaps: str = "keep"
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """A file that is described, and where its bytes come from; ``target`` is what to make of it, if anything."""

    slice: Slice
    core: Core
    target: Target | None = None

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.slice.file.size

    def read(self) -> Iterator[bytes]:
        """Yield the file.

        Raises:
            DataLoss: a chunk is shorter than its index says.
            NotFound: a chunk's file is gone.
        """
        return self.slice.file.read(self.core.media)

    def convert(self, path: str, told: Callable[[float], None]) -> None:
        """Write what ``target`` makes of it to a path, or to ``pipe:1``; ``told`` gets the seconds that are made.

        Raises:
            DataLoss: what is recorded cannot be decoded.
            NotFound: a chunk's file is gone.
        """
        file, media = self.slice.file, self.core.media
        if self.target is not None:
            source = SliceFile(file.size, lambda start, end: b"".join(file.read(media, start, end)))
            convert(source, path, self.target, told)


def extract(core: Core, wanted: Request) -> Extraction:
    """Return the footage of a range.

    Raises:
        InvalidInput: the range is empty or reversed.
        NotFound: there is no such camera, the range is in the future, or nothing of it is recorded.
        TooLarge: the range is longer than one file may be.
        DataLoss: what is recorded there is damaged.
    """
    _check(core, wanted)
    end_us = min(wanted.end_us, core.clock.now_us())
    library = Library(core)
    try:
        media = library.find(wanted.camera, wanted.start_us, end_us).media
    finally:
        library.close()
    try:
        target = wanted.target
        if target is not None and wanted.gaps == "split":
            raise InvalidInput("--gaps split makes MP4 only: use keep or skip.", "gaps")
        if wanted.gaps == "split":
            return Extraction(split_footage(media, wanted.start_us, end_us, wanted.camera), core)
        gaps: Literal["keep", "skip"] = "skip" if wanted.gaps == "skip" else "keep"
        if target.copies if target else wanted.cut == "smart":  # Matroska can hide nothing
            piece = smart_slice(media, wanted.start_us, end_us, core.media, gaps=gaps)
        else:
            piece = slice_footage(media, wanted.start_us, end_us, gaps=gaps)
        if target is not None:
            check_copied(target, piece)
        return Extraction(piece, core, target)
    except NotFound as error:
        raise NotFound(f"{error.message}: {_nearest(core, wanted)}.") from error


def _check(core: Core, wanted: Request) -> None:
    if wanted.end_us <= wanted.start_us:
        raise InvalidInput(f"TO ({rfc3339(wanted.end_us)}) must be after FROM ({rfc3339(wanted.start_us)}).", "to")
    known = [c.id for c in CameraRepository(core.db).list()]
    if wanted.camera not in known and wanted.camera not in FootageReader(core.db).cameras():
        listed = ", ".join(known[:8]) or "none"
        raise NotFound(f"there is no camera {wanted.camera[:64]!r}; known are: {listed}.")
    if wanted.start_us >= core.clock.now_us():
        raise NotFound(f"the range begins at {rfc3339(wanted.start_us)}, which is in the future.")
    most_us = round(core.settings.values.api.max_range_seconds * SECOND)
    if wanted.end_us - wanted.start_us > most_us:
        raise TooLarge(f"one file holds at most {most_us / HOUR:g} h (setting api.max_range_seconds): ask in parts.")


def _nearest(core: Core, wanted: Request) -> str:
    before, after = FootageReader(core.db).nearest(wanted.camera, wanted.start_us)
    hints = []
    if before is not None and before <= wanted.start_us:
        hints.append(f"footage before it ends at {rfc3339(before)}")
    if after is not None:
        hints.append(f"footage after it begins at {rfc3339(after)}")
    return ", ".join(hints) or "this camera has no footage"
