"""Faults to order: a small disk that others fill, a process that stands still, files with wrong bytes. Imports nothing
of ours, so that other programs can be tried with it too."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

FULL = os.environ.get("GATEHOUSE_FAULTS") == "full"
"""Whether faults last as long as the targets say; else as long as a test run has time for."""


_SMALL = 1 << 20


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of its own, as small as is wanted."""

    path: Path

    @property
    def free(self) -> int:
        """Bytes that can be written."""
        return shutil.disk_usage(self.path).free

    def fill(self, leave: int) -> Path:
        """Let something else take all of it but so many bytes; return its file, to be deleted again.

        Others may write to it meanwhile: it takes what it gets.
        """
        other = self.path / "something-else"
        with other.open("ab") as file:
            while (step := self.free - leave) > 0:
                try:
                    os.posix_fallocate(file.fileno(), _size(other), step)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    if step < _SMALL:
                        break
        return other


def _size(path: Path) -> int:
    return path.stat().st_size


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """Mount a file system of so many bytes at a folder, as root; what is in it is gone afterwards."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "gatehouse-faults", str(folder)], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def freezable_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount an ext4 file system of so many bytes at a folder, as root; it lies in a file beside it."""
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def frozen(disk: Path) -> Iterator[None]:
    """Let no write to a file system return, as one does not whose server is away; until the end of the block."""
    subprocess.run(["fsfreeze", "--freeze", str(disk)], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", str(disk)], check=True)


def require_mounting(folder: Path) -> None:
    """Return if a file system can be mounted; who is not root cannot, and is told so."""
    folder.mkdir(parents=True)
    if os.geteuid() != 0:
        pytest.skip("a file system of its own can be mounted by root alone: run this test as root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "gatehouse-probe", str(folder)], check=True)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Stop a process and its children where they are, as a machine does that hangs; let them go on afterwards."""
    with held([pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]):
        yield


@contextmanager
def held(pids: list[int]) -> Iterator[None]:
    """Stop processes where they are, and let them go on afterwards."""
    try:
        _send(pids, signal.SIGSTOP)
        yield
    finally:
        _send(pids, signal.SIGCONT)


@contextmanager
def meanwhile(do: Callable[[], object], pause_s: float) -> Iterator[None]:
    """Do something again and again until the end of the block, each time after a pause."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(pause_s):
            do()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def flip_byte(path: Path, chance: random.Random, at: int | None = None) -> int:
    """Change one bit of a file; return where."""
    where = chance.randrange(path.stat().st_size) if at is None else at
    with path.open("r+b") as file:
        file.seek(where)
        before = file.read(1)[0]
        file.seek(where)
        file.write(bytes([before ^ (1 << chance.randrange(8))]))
    return where


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Flipped, overwritten, cut off, cut out, put in, or wiped."""
    changed, at = bytearray(data), chance.randrange(len(data))
    match chance.randrange(6):
        case 0:
            changed[at] ^= 1 << chance.randrange(8)
        case 1:
            for _ in range(chance.randrange(1, 30)):
                changed[chance.randrange(min(1500, len(changed)))] = chance.randrange(256)
        case 2:
            del changed[at:]
        case 3:
            del changed[at : at + chance.randrange(1, 2000)]
        case 4:
            changed[at:at] = chance.randbytes(chance.randrange(1, 500))
        case _:
            changed[at : at + 1500] = chance.choice([b"\0", b"\xff"]) * 1500
    return bytes(changed)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a fault showed, for the report.

    Attributes:
        target: its id, e.g. ``R3``.
        what: what was done.
        figure: what came of it.
        wanted: what should have.
        met: whether it did.
    """

    target: str
    what: str
    figure: str
    wanted: str
    met: bool


def tell(finding: Finding, of: str = "") -> None:
    """Print a finding, and add it to the file that GATEHOUSE_FAULTS_REPORT names, if it names one.

    Args:
        finding: what was found.
        of: whose it is, if it is not the test's that runs: a file's, that has found it by all its tests.
    """
    print(f"{finding.target}: {finding.what}: {finding.figure} (wanted: {finding.wanted})")  # noqa: T201
    test = of or os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
    _report({**{name: getattr(finding, name) for name in Finding.__slots__}, "test": test})


def note_run(test: str, *, passed: bool) -> None:
    """Add to the same file that a test was run: of one that failed, no finding of before stands."""
    _report({"ran": test, "passed": passed})


def _report(fields: dict[str, object]) -> None:
    report = os.environ.get("GATEHOUSE_FAULTS_REPORT")
    if report:
        with Path(report).open("a", encoding="utf-8") as file:
            file.write(json.dumps(fields) + "\n")


class SetClock:
    """The wall clock of the processes that get its environment, set forth and back while they run; on Linux.

    Monotonic time, waits and the times of files stay as they are.

    Args:
        folder: where what does it is built (set_clock.c), and the file that says what the clock shows.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._library = folder / "clock", folder / "set_clock.so"
        source = Path(__file__).parent / "faults" / "set_clock.c"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", self._library, source, "-ldl"], check=True)
        self._file.write_bytes(bytes(8))

    def set(self, seconds: float) -> None:
        """Let the clock show so much more than the machine's."""
        with self._file.open("r+b") as file:  # in place: they have it in their memory
            file.write(round(seconds * 1e9).to_bytes(8, sys.byteorder, signed=True))

    @property
    def environment(self) -> dict[str, str]:
        """What a process is started with that follows this clock."""
        return {"LD_PRELOAD": str(self._library), "SET_CLOCK": str(self._file)}


@contextmanager
def starved(find: Callable[[], list[int]], share: float) -> Iterator[None]:
    """Let some processes run for a share of the time only, as on a machine that has no time left for them.

    Args:
        find: returns their ids; asked anew each second, for they may be replaced.
        share: 0 to 1.
    """

    def starve() -> None:
        with held(find()):
            time.sleep(1 - share)

    with meanwhile(starve, share):
        yield


def _send(pids: list[int], what: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, what)
