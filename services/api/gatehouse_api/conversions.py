"""Files of other formats, each made by a process of its own while it is sent: bounded, and ended with its client."""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, cast

import structlog

from gatehouse_common.errors import DataLoss, GatehouseError, Unavailable
from gatehouse_common.footage import ChunkReader
from gatehouse_common.media.conversion import Target
from gatehouse_common.media.conversion.reading import REQUEST_BYTES, parse_request
from gatehouse_common.media.virtual_file import VirtualFile

log = structlog.get_logger(__name__)

_LOOK_S = 0.25
_BLOCK = 1 << 16
_END_S = 5.0
_RESET = struct.pack("ii", 1, 0)
"""``struct linger``: what is not sent yet is thrown away, and the client is told that the connection broke."""


class Conversions:
    """Starts conversions. Safe for many threads.

    Args:
        most: how many run at once.
        seconds: how long one may take.
        stop: set when the server is to end.
    """

    def __init__(self, most: int, seconds: float, stop: threading.Event) -> None:
        self._slots = threading.BoundedSemaphore(most)
        self._seconds, self._stop = seconds, stop

    def start(
        self, target: Target, file: VirtualFile, reader: ChunkReader, connection: socket.socket | None
    ) -> Conversion:
        """Return a conversion of which the first bytes are there.

        Args:
            target: what to make.
            file: of what.
            reader: where its bytes come from.
            connection: that to the client; when it is closed, the conversion ends.

        Raises:
            Unavailable: as many run as may.
            DataLoss: the footage cannot be converted.
        """
        if not self._slots.acquire(blocking=False):
            raise Unavailable("as many files of other formats are being made as the server bears: ask again")
        try:
            made = Conversion(target, file, reader, connection, self)
        except BaseException:
            self._slots.release()
            raise
        try:
            made.begin()
        except BaseException:
            made.close()
            raise
        return made

    def release(self) -> None:
        """Let the next one start."""
        self._slots.release()

    @property
    def seconds(self) -> float:
        """How long one may take."""
        return self._seconds

    @property
    def ending(self) -> bool:
        """Whether the server ends."""
        return self._stop.is_set()


class Conversion:
    """The bytes of one file, as they are made; ``close`` ends the process that makes them."""

    def __init__(
        self,
        target: Target,
        file: VirtualFile,
        reader: ChunkReader,
        connection: socket.socket | None,
        owner: Conversions,
    ) -> None:
        self._file, self._reader, self._connection, self._owner = file, reader, connection, owner
        self._deadline = time.monotonic() + owner.seconds
        self._failure: GatehouseError | None = None
        self._first = b""
        self._closed = threading.Lock()
        self._patience = None if connection is None else connection.gettimeout()
        self._asked, ask = os.pipe()
        # -P: no module of the directory that the server was started in.
        program = [sys.executable, "-P", "-m", "gatehouse_common.media.conversion"]
        command = [*program, target.name, str(file.size), str(ask)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ours, and its arguments
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(ask,),
                bufsize=0,
            )
        except OSError as error:
            os.close(self._asked)
            raise Unavailable(f"no process can be started: {error.strerror}") from error
        finally:
            os.close(ask)
        self._feeder = threading.Thread(target=self._feed, name="conversion", daemon=True)
        self._feeder.start()

    def begin(self) -> None:
        """Wait for the first bytes.

        Raises:
            DataLoss: none came.
            Unavailable: they took too long.
        """
        self._first = self._read()
        if self._connection is not None:  # a player that has enough for now may let the rest wait
            self._connection.settimeout(self._owner.seconds)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the file.

        Raises:
            GatehouseError: it could not be made whole; what was sent is only its beginning.
        """
        piece, self._first = self._first, b""
        while piece:
            yield piece
            try:
                piece = self._read()
            except GatehouseError:
                self._break_off()
                raise

    def close(self) -> None:
        """End the process, if it still runs; called once or more."""
        if not self._closed.acquire(blocking=False):
            return
        process = self._process
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        if self._connection is not None:
            with suppress(OSError):  # it is closed already
                self._connection.settimeout(self._patience)
        self._owner.release()

    def _break_off(self) -> None:
        """Let the end of the connection not look like the end of the file; older HTTP has no other sign."""
        if self._connection is not None:
            with suppress(OSError):  # the client has gone
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _read(self) -> bytes:
        """Return what is made next, nothing at the end."""
        made = cast("IO[bytes]", self._process.stdout).fileno()
        while True:
            ready = _readable(made, _LOOK_S)
            if self._owner.ending or self._gone():
                raise Unavailable("nobody waits for the file any more")
            if time.monotonic() > self._deadline:
                raise Unavailable(f"the file was not made within {self._owner.seconds:g} s: ask for a shorter range")
            if ready:
                data = os.read(made, _BLOCK)
                if not data:
                    self._check()
                return data

    def _check(self) -> None:
        """Raise what went wrong, if anything did."""
        code = self._process.wait(_END_S)
        if self._failure is not None:
            raise self._failure
        if code:
            told = cast("IO[bytes]", self._process.stderr).read(2000).decode(errors="replace").strip()
            log.error("conversion failed", code=code, told=told)
            raise DataLoss(told.splitlines()[-1] if told else "the footage cannot be converted")

    def _gone(self) -> bool:
        """Whether the client has closed its connection."""
        if self._connection is None:
            return False
        try:
            ready = _readable(self._connection.fileno(), 0)
            return ready and not self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except (OSError, ValueError):  # closed here, or broken there
            return True

    def _feed(self) -> None:
        """Give the process the bytes that it asks for.

        The pipes are closed here and nowhere else: their numbers would be those of other files while this thread still
        waits for a store.
        """
        answers = cast("IO[bytes]", self._process.stdin)
        try:
            while len(request := os.read(self._asked, REQUEST_BYTES)) == REQUEST_BYTES:
                for piece in self._reader.read(self._file, *parse_request(request)):
                    _write_all(answers.fileno(), piece)
        except GatehouseError as error:
            self._failure = error
            self._process.kill()
        except OSError:
            return  # it has ended
        finally:
            os.close(self._asked)
            answers.close()


def _readable(number: int, seconds: float) -> bool:
    """Wait for something to read; by ``poll``, as a busy server has more files than ``select`` can name."""
    waiting = select.poll()
    waiting.register(number, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def _write_all(to: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(to, rest) :]
