"""Chunks that are being recorded, read up to their last whole part."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from gatehouse_common.errors import NotFound

from .chunk_file import FileReader
from .samples import ChunkMedia
from .scan import ChunkScanner


class _Scan:
    """One open chunk; its file stays readable when its name goes."""

    def __init__(self, reader: FileReader, key: str) -> None:
        self._reader = reader
        self._scanner = ChunkScanner(reader, key, headers_only=True)
        self._lock = threading.Lock()
        self._last: ChunkMedia | None = None
        self._closed = False

    def media(self, origin_us: int | None) -> ChunkMedia | None:
        """Return what is there by now; None if there is nothing.

        Raises:
            NotFound: it has been closed.
        """
        with self._lock:
            if self._closed:
                raise NotFound("the open chunk was let go of")
            grown = self._scanner.update()
            if not self._scanner.part_count:
                return None
            if grown or self._last is None or origin_us not in {None, self._last.origin_us}:
                self._last = self._scanner.media(origin_us)
            return self._last

    def close(self) -> None:
        """Close the file, not while somebody reads it: its number may be another file's at once."""
        with self._lock:
            self._closed = True
            self._reader.close()


class OpenChunks:
    """Scans open chunks, each time only what has been added. Safe for many threads.

    Args:
        root: the directory that spool keys are relative to.
        most: how many files to hold open; those asked for last are.
    """

    def __init__(self, root: Path, most: int) -> None:
        self._root, self._most = root, most
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Scan] = OrderedDict()

    def media(self, key: str, origin_us: int | None = None) -> ChunkMedia | None:
        """Return what an open chunk holds by now; None if it holds nothing yet.

        Args:
            key: its key in the spool.
            origin_us: the origin of its run as it is known by now; None: as the file says.

        Raises:
            NotFound: its file is not in the spool any more.
        """
        while True:
            scan = self._scan(key)
            try:
                return scan.media(origin_us)
            except NotFound:
                continue  # let go of in this very moment, for others asked for many chunks

    def forget(self, key: str) -> None:
        """Close a chunk's file if it is held: the chunk has been stored."""
        with self._lock:
            scan = self._held.pop(key, None)
        if scan is not None:
            scan.close()

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            scans = list(self._held.values())
            self._held.clear()
        for scan in scans:
            scan.close()

    @property
    def held(self) -> int:
        """Files that are held open."""
        return len(self._held)

    def _scan(self, key: str) -> _Scan:
        with self._lock:
            known = self._held.get(key)
            if known is not None:
                self._held.move_to_end(key)
                return known
        made = _Scan(FileReader(self._root / key), key)
        with self._lock:
            kept = self._held.setdefault(key, made)
            surplus = [self._held.popitem(last=False)[1] for _ in range(len(self._held) - self._most)]
        if kept is not made:
            surplus.append(made)
        for scan in surplus:
            scan.close()
        return kept
