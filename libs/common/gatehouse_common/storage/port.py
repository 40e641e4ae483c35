"""What a store of media objects is: a flat space of keys, written once and read in ranges.

An object appears whole and durable, or not at all: a reader never sees half of one, and a crash leaves none.
Keys are made by ``keys.py`` alone and never contain anything that a client sent; adapters check them all the
same, and refuse with ``InvalidInput`` what could leave their root.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gatehouse_common.errors import GatehouseError

from .source import Source


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object's key, size in bytes and time of its last change, microseconds UTC."""

    key: str
    size: int
    modified_us: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """Room of a storage root: bytes in all, bytes free, and free inodes (None where there is no such limit)."""

    total: int
    free: int
    free_inodes: int | None


class Growing(Protocol):
    """An object that is sent while its file is written; see ``ObjectStore.grow``. Safe for use by many threads.

    Each call says where the file is to be read: the worker that has it may get another address while it is written.
    """

    @property
    def key(self) -> str:
        """The key of the object that it becomes."""
        ...

    def feed(self, source: Source, size: int) -> int:
        """Send what can be sent of the first ``size`` bytes, which do not change any more; return how many were.

        Raises:
            GatehouseError: the store does not take it; call again later.
        """
        ...

    def finish(self, source: Source) -> None:
        """Make the file, which is not written to any more, an object; may be called again if that fails.

        Raises:
            NotFound: there is no file.
            Conflict: the key is taken by something else; what was sent is taken back.
            ResourceExhausted: no room.
        """
        ...

    def abort(self) -> None:
        """Take back what was sent; the file stays."""
        ...


class Draft(Protocol):
    """A file in the store that is not an object yet; see ``ObjectStore.draft``. For one thread at a time.

    Raises:
        ResourceExhausted: no room.
        GatehouseError: another error of the file system.
    """

    def write(self, at: int, data: bytes) -> None:
        """Write bytes at an offset."""
        ...

    def copy(self, path: Path, offset: int, length: int, at: int) -> None:
        """Copy a range of a file of this machine to the offset ``at``, in the kernel where it can.

        Raises:
            NotFound: there is no such file.
            DataLoss: it is shorter.
        """
        ...

    def publish(self, key: str) -> ObjectInfo:
        """Make it an object, durable when this returns.

        Raises:
            Conflict: the key is taken; the draft stays.
        """
        ...

    def discard(self) -> None:
        """Delete it, if it has not become an object."""
        ...


class ObjectStore(Protocol):
    """Where published media lives. Safe for use by many threads; errors are those of ``errors.py``."""

    def put_file(self, path: Path, key: str, *, move: bool = False) -> ObjectInfo:
        """Make the finished file at ``path`` an object, durable when this returns.

        The file stays where it is, or is gone afterwards with ``move``. It must not be written to any more.
        Putting the same file under the same key again is no conflict: a crash may have come in between.

        Raises:
            NotFound: there is no file at ``path``.
            Conflict: the key is taken; the file is untouched, even with ``move``.
            ResourceExhausted: no room.
        """
        ...

    def put(self, source: Source, key: str) -> ObjectInfo:
        """Make a finished file an object, durable when this returns; it may be on another machine.

        Putting the same file again is no conflict where that can be seen without reading what is there.

        Raises:
            NotFound: there is no file.
            Unavailable: whoever has the file, or the store, does not answer.
            Conflict: the key is taken.
            ResourceExhausted: no room.
        """
        ...

    def put_bytes(
        self, key: str, data: bytes | memoryview, *, overwrite: bool = False, settled: bool = True
    ) -> ObjectInfo:
        """Make ``data`` an object, durable when this returns.

        Args:
            key: its key.
            data: its bytes.
            overwrite: also if there is one of that key.
            settled: else its bytes are durable and its name may not be, until ``settle`` has returned.

        Raises:
            Conflict: the key is taken and ``overwrite`` is not set.
        """
        ...

    def settle(self, stored: Sequence[str]) -> list[GatehouseError | None]:
        """Make the names of objects durable that were put before this is called; many cost no more than one.

        Returns:
            For each, in order, why it is not; None: it is.
        """
        ...

    def grow(self, key: str) -> Growing | None:
        """Return an object that is sent while its file is written; None where nothing has to be sent.

        What was sent survives a crash: it is gone on with when the same key is stored again.

        Raises:
            InvalidInput: the key is not valid.
        """
        ...

    def draft(self, key: str) -> Draft | None:
        """Return an empty file that is going to be an object near ``key``; None where objects are sent as a whole.

        What a crash leaves of it is taken away by ``tidy``.
        """
        ...

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``offset`` (to the end if None), in pieces of at most 1 MiB.

        The object is opened before this returns, so it may be deleted while it is read.

        Raises:
            NotFound: there is no such object.
            InvalidInput: ``offset`` or ``length`` is negative.
            DataLoss: it ends before ``length`` bytes were read.
        """
        ...

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return the same range in one piece."""
        ...

    def stat(self, key: str) -> ObjectInfo:
        """Return what is known of an object.

        Raises:
            NotFound: there is no such object.
        """
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with ``prefix``, sorted by key."""
        ...

    def delete(self, key: str) -> None:
        """Delete an object; deleting one that is not there is no error."""
        ...

    def delete_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Delete objects; return those that could not be, each with the reason in a sentence.

        Raises:
            GatehouseError: the store is away; some may be gone.
        """
        ...

    def tidy(self, before_us: int) -> int:
        """Take away what was begun before then and never became an object; return how many there were.

        What this process is about is left alone; so choose a time when no other process is about something either.
        """
        ...

    def local_path(self, key: str) -> Path | None:
        """Return the file that holds the object, or None where there is no such file on this machine."""
        ...

    def redirect_url(self, key: str) -> str | None:
        """Return a URL from which whoever holds it can get the object for a while; None if none are given out."""
        ...

    def capacity(self) -> Capacity | None:
        """Return the room of the store, None if it has no limit of its own that it would tell.

        Raises:
            GatehouseError: the store is not there.
        """
        ...

    def probe(self) -> None:
        """Write, read back and delete a small object.

        Raises:
            GatehouseError: that failed; the sentence says whether it is permission, room or the medium.
        """
        ...

    def close(self) -> None:
        """Let go of connections; nothing may be called afterwards."""
        ...
