"""Child processes: killed with all that they started when they hang, take too much, or are not wanted any more."""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import Cancelled, DataLoss, GatehouseError, ResourceExhausted, Unavailable
from gatehouse_common.settings.transcoder import TranscoderSettings

_CONFINED = Path(__file__).with_name("confined.py")
_LOOK_S = 0.2
_END_S = 5.0
_KEPT_BYTES = 4000
_MOST_OUTPUT = 4 << 20
_SAID_BYTES = 300
_BUSY = 10
"""So many times the time of the processor that it may have, by the clock, what looks at a file may take."""
_PASSED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV"),
    *("LIBVA_DRIVER_NAME", "XDG_RUNTIME_DIR", "CUDA_VISIBLE_DEVICES"),
)
_PATH = re.compile(r"(?:file:)?/[^\s:']+")
"""Of a program's last words its users read the words, and not where this machine keeps what."""
_NO_ROOM = ("No space left on device", "Disk quota exceeded")


class ChildDied(GatehouseError):  # noqa: N818 - as in the tree that it belongs to
    """A child process was ended by a signal, of the system or of somebody: the next may fare better."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child process may take.

    Attributes:
        seconds: by the clock, and of each processor unless ``processor_seconds`` says otherwise.
        stall_seconds: without being any further.
        memory: bytes of addresses.
        file: bytes of each file that it writes.
        threads: how many, and so many times the seconds of processor time.
        processor_seconds: of each processor; 0: as many as by the clock.
    """

    seconds: float
    stall_seconds: float
    memory: int
    file: int
    threads: int
    processor_seconds: float = 0

    @classmethod
    def of(cls, settings: TranscoderSettings) -> Limits:
        """Return those of a work that makes something."""
        return cls(
            settings.timeout_seconds,
            settings.stall_seconds,
            settings.memory_mb << 20,
            round(settings.max_output_gb * 1e9),
            settings.threads,
        )

    @classmethod
    def of_probe(cls, settings: TranscoderSettings) -> Limits:
        """Return those of a look at a file: a machine that is busy lets it wait, and that is not the file's fault."""
        seconds = settings.probe_seconds
        patience = seconds * _BUSY
        return cls(patience, patience, settings.memory_mb << 20, 64 << 20, settings.threads, seconds)


def run(
    command: Sequence[str],
    limits: Limits,
    clock: Clock,
    ending: Callable[[], Cancelled | None],
    hear: Callable[[str], bool] = lambda _line: False,
    folder: Path | None = None,
) -> str:
    """Run a program to its end; return what it wrote, at most 4 MiB.

    Args:
        command: the program and its arguments.
        limits: what it may take.
        clock: the time.
        ending: returns why it is to be broken off, None while it goes on.
        hear: gets each line of its output, and returns whether that shows that it has got on.
        folder: where it runs.

    Raises:
        Cancelled: it was broken off.
        DataLoss: it failed, hung, or took too much: it would again. The sentence is its own last one.
        ResourceExhausted: the disk is full.
        ChildDied: it was killed.
        Unavailable: no process can be started.
    """
    child = _Child(command, limits, folder)
    try:
        said = child.follow(clock, ending, hear)
    finally:
        child.kill()
    code = child.code
    if code == 0:
        return said
    raise _reason(code, child.last_words, Path(command[0]).name)


class _Child:
    def __init__(self, command: Sequence[str], limits: Limits, folder: Path | None) -> None:
        self._limits = limits
        told = {
            "seconds": round((limits.processor_seconds or limits.seconds) * limits.threads) + 1,
            "memory": limits.memory,
            "file": limits.file,
            "parent": os.getpid(),
        }
        program = [sys.executable, "-I", "-S", str(_CONFINED), json.dumps(told)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a list of arguments, all of them ours
                [*program, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=folder,
                env=_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"no process can be started: {error.strerror}") from error
        self._out = cast("IO[bytes]", self._process.stdout)
        self._err = cast("IO[bytes]", self._process.stderr)
        self._errors = b""
        self._folder, self._written = folder, _written(folder)

    @property
    def code(self) -> int:
        return self._process.wait()

    @property
    def last_words(self) -> str:
        return self._errors.decode(errors="replace").strip()

    def follow(self, clock: Clock, ending: Callable[[], Cancelled | None], hear: Callable[[str], bool]) -> str:
        """Read what it writes until it ends; return that."""
        began_us = got_on_us = clock.monotonic_us()
        said, line = bytearray(), b""
        with selectors.DefaultSelector() as ready:
            ready.register(self._out, selectors.EVENT_READ)
            ready.register(self._err, selectors.EVENT_READ)
            while ready.get_map():
                reason = ending()
                if reason is not None:
                    raise reason
                for key, _ in ready.select(_LOOK_S):
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        ready.unregister(key.fileobj)
                    elif key.fileobj is self._err:
                        self._errors = (self._errors + data)[-_KEPT_BYTES:]
                    else:
                        said += data[: max(0, _MOST_OUTPUT - len(said))]
                        *lines, line = (line + data).split(b"\n")
                        line = line[-_KEPT_BYTES:]
                        if sum(hear(one.decode(errors="replace").strip()) for one in lines):
                            got_on_us = clock.monotonic_us()
                now_us = clock.monotonic_us()
                if now_us - began_us > self._limits.seconds * SECOND:
                    raise DataLoss(f"it took longer than {self._limits.seconds:g} s, and was broken off")
                if now_us - got_on_us > self._limits.stall_seconds * SECOND:
                    if self._still_writes():
                        got_on_us = now_us
                        continue
                    raise DataLoss(f"it got no further for {self._limits.stall_seconds:g} s, and was broken off")
        with suppress(subprocess.TimeoutExpired):  # then it is killed
            self._process.wait(_END_S)
        return said.decode(errors="replace")

    def _still_writes(self) -> bool:
        """Return whether its files are others than at the last look: the index of a long film is moved in silence."""
        before, self._written = self._written, _written(self._folder)
        return self._written != before

    def kill(self) -> None:
        """End it and all that it started; called once it has ended, or is to."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):  # it ends just now; macOS says the second
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._out.close()
        self._err.close()


def _environment() -> dict[str, str]:
    """Return what a child knows of its surroundings: no secrets, for what it reads may get the better of it.

    Libraries that reckon take memory for each core of the machine, unless they are told otherwise.
    """
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return {**passed, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "4"}


def _written(folder: Path | None) -> dict[str, tuple[int, int]]:
    """Return sizes and times of the files in a folder."""
    found = {}
    for path in folder.iterdir() if folder is not None else ():
        with suppress(OSError):  # it has gone in the meantime
            info = path.stat()
            found[path.name] = (info.st_size, info.st_mtime_ns)
    return found


def _reason(code: int, words: str, program: str) -> GatehouseError:
    """Return the error of a child that ended badly."""
    last = _PATH.sub("the file", words.splitlines()[-1])[-_SAID_BYTES:] if words else ""
    if any(sign in words for sign in _NO_ROOM):
        return ResourceExhausted("there is no room for what is made of uploads: the disk is full")
    if code == -signal.SIGXCPU:
        return DataLoss("it took more time of the processor than it may have")
    if code < 0:
        return ChildDied(f"{program} was ended by signal {-code}")
    if "Cannot allocate memory" in words or "MemoryError" in words:
        return DataLoss("it needs more memory than transcoder.memory_mb allows")
    if "File too large" in words:
        return DataLoss("what was made of it got larger than transcoder.max_output_gb allows")
    return DataLoss(last or f"{program} failed with code {code}")
