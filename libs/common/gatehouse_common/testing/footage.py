"""Recorded footage whose every frame is known: what a slice must show is worked out without the slicer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.virtual_file import VirtualFile
from gatehouse_common.storage import LocalStore

from .film import frame_numbers
from .recording import record_film, scan_file


@dataclass(frozen=True, slots=True)
class KnownFrame:
    """A frame by its burned-in number, and the wall time it appears at."""

    number: int
    at_us: int


@dataclass(frozen=True, slots=True)
class KnownRun:
    """The frames of a run in presentation order, and the wall time at which the last one ends."""

    frames: tuple[KnownFrame, ...]
    end_us: int


@dataclass(frozen=True, slots=True)
class Footage:
    """Runs of one camera, recorded as chunk files below ``root``."""

    root: Path
    store: LocalStore
    chunks: tuple[ChunkMedia, ...]
    runs: tuple[KnownRun, ...]

    @property
    def start_us(self) -> int:
        """Wall time of the first frame."""
        return self.runs[0].frames[0].at_us

    @property
    def end_us(self) -> int:
        """Wall time at which the last frame ends."""
        return self.runs[-1].end_us

    def shown(self, start_us: int, end_us: int) -> list[KnownFrame]:
        """Return the frames on screen in ``[start_us, end_us)``: the one at its start, and all that begin in it."""
        found: list[KnownFrame] = []
        for run in self.runs:
            ends = [*(f.at_us for f in run.frames[1:]), run.end_us]
            found += [f for f, end in zip(run.frames, ends, strict=True) if f.at_us < end_us and end > start_us]
        return found

    def bytes_of(self, file: VirtualFile) -> bytes:
        """Return all bytes of a described file."""
        return b"".join(file.read(self.store))


def record_footage(
    root: Path, films: Sequence[tuple[Path, int]], *, chunk_us: int = 600_000_000, leave_open: bool = False
) -> Footage:
    """Record films as the runs of one camera.

    Args:
        root: an empty directory.
        films: each film with the wall time of its first frame, in order of time.
        chunk_us: length of a chunk.
        leave_open: the last run is still being recorded: its last chunk has no index and no last part.
    """
    chunks: list[ChunkMedia] = []
    runs: list[KnownRun] = []
    for number, (film, start_us) in enumerate(films):
        is_open = leave_open and number == len(films) - 1
        heard = record_film(film, root, start_us=start_us, chunk_us=chunk_us, leave_open=is_open)
        media = [scan_file(root, key) for key in heard.chunks]
        chunks += media
        last = media[-1]
        end_us = last.end_us
        frames = [KnownFrame(n, start_us + round(seconds * 1_000_000)) for n, seconds in frame_numbers(film)]
        runs.append(KnownRun(tuple(f for f in frames if f.at_us < end_us), end_us))
    return Footage(root, LocalStore(root), tuple(chunks), tuple(runs))
