"""Chunk files of a library's recorder: those that are whole are kept in a folder, and ranges cut out of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gatehouse_common.errors import Conflict, DataLoss, from_os_error

from .chunk_file import FileReader
from .fragment import TimedSample
from .recorder import Written
from .samples import ChunkMedia
from .scan import ChunkScanner
from .slicing import LOOKBACK_US, Slice, slice_footage

_COPIED_BYTES = 1 << 20


class KeptChunks:
    """The closed chunk files below a folder; as the listener of a ``RunRecorder`` it learns of each.

    Args:
        folder: which their keys are relative to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: list[ChunkMedia] = []

    @property
    def start_us(self) -> int | None:
        """When the first of them begins; None: there is none."""
        return min((c.start_us for c in self._written), default=None)

    @property
    def end_us(self) -> int | None:
        """When the last of them ends; None: there is none."""
        return max((c.end_us for c in self._written), default=None)

    def adopt(self) -> None:
        """Take what there is in the folder, as far as it was written: of a process that was killed, too.

        Raises:
            GatehouseError: it cannot be read.
        """
        for path in sorted(self._folder.rglob("*.mp4")):
            with suppress(DataLoss):  # killed before its first part was whole: there is no picture in it
                self._take(path.relative_to(self._folder).as_posix())
        self._written.sort(key=lambda chunk: chunk.start_us)

    def slice(self, start_us: int, end_us: int) -> Slice:
        """Return what was recorded in ``[start_us, end_us)``.

        Raises:
            NotFound: nothing was.
            InvalidInput: the range does not end after it begins.
        """
        # How long the last picture of a run was to be seen is not known: it must not be on the screen still when the
        # next run begins. Within a run pictures may need the chunk before, whose last ones they are sent after.
        begins = {c.run_id for c in self._written if c.start_us == start_us}
        found = [c for c in self._written if c.end_us > start_us - LOOKBACK_US and c.start_us < end_us]
        wanted = [c for c in found if not begins or c.start_us >= start_us or c.run_id in begins]
        return slice_footage(wanted, start_us, end_us)

    def cut(self, start_us: int, end_us: int, path: Path) -> Slice:
        """Write what was recorded in ``[start_us, end_us)`` to a file; it is there as a whole or not at all.

        Raises:
            NotFound: nothing was.
            InvalidInput: the range does not end after it begins.
            GatehouseError: it cannot be written.
        """
        cut = self.slice(start_us, end_us)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._written_down(cut, path.parent) as made:
                made.replace(path)
                _sync(path.parent)
        except OSError as error:
            raise from_os_error(error, f"writing {path}") from error
        return cut

    def write(self, cut: Slice, paths: Iterable[Path]) -> Path:
        """Write a slice to the first of some files that is not there yet, and return which that is.

        Others may write files of these names at once: none replaces another's. They are in one file system with the
        folder.

        Raises:
            GatehouseError: it cannot be written.
        """
        try:
            with self._written_down(cut, self._folder) as made:
                for path in paths:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with suppress(FileExistsError):
                        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
                        made.replace(path)
                        _sync(path.parent)
                        return path
        except OSError as error:
            raise from_os_error(error, "writing a recording") from error
        raise Conflict("all names of a recording are taken.")

    @contextmanager
    def _written_down(self, cut: Slice, folder: Path) -> Iterator[Path]:
        """Yield a file that holds a slice, durable; what is left of it at the end is deleted."""
        handle, name = tempfile.mkstemp(prefix=".cut-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in cut.file.read(self):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def forget(self, before_us: int) -> None:
        """Delete the chunks that end before a time."""
        for chunk in [c for c in self._written if c.end_us < before_us]:
            self._written.remove(chunk)
            (self._folder / chunk.key).unlink(missing_ok=True)

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range of a file in pieces."""
        with (self._folder / key).open("rb") as file:
            file.seek(offset)
            left = length
            while left is None or left > 0:
                piece = file.read(_COPIED_BYTES if left is None else min(left, _COPIED_BYTES))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    def chunk_opened(self, _chunk: str, _key: str, _start_us: int, /) -> None:
        """Nobody has to know."""

    def sample_timed(self, _chunk: str, _sample: TimedSample, /) -> None:
        """Nobody watches live."""

    def part_written(self, _part: Written, /) -> None:
        """Nobody watches live."""

    def gop_written(self, _gop: Written, /) -> None:
        """Nobody has to know."""

    def chunk_closed(self, _chunk: str, key: str, _start_us: int, _end_us: int, _size: int, /) -> None:
        """Remember it: files are made of closed chunks."""
        self._take(key)

    def _take(self, key: str) -> None:
        reader = FileReader(self._folder / key)
        try:
            scanner = ChunkScanner(reader, key)
            scanner.update()
            if scanner.part_count:
                self._written.append(scanner.media())
        finally:
            reader.close()


def _sync(folder: Path) -> None:
    """Make durable what was put into a folder."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
