"""Faults to order: a small disk that others fill, a process that stands still, files with wrong bytes. Imports nothing
of ours, so that other programs can be tried with it too."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

FULL = os.environ.get("GATEHOUSE_FAULTS") == "full"
"""Whether faults last as long as the targets say; else as long as a test run has time for."""


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of its own, as small as is wanted."""

    path: Path

    @property
    def free(self) -> int:
        """Bytes that can be written."""
        return shutil.disk_usage(self.path).free

    def fill(self, leave: int) -> Path:
        """Let something else take all of it but so many bytes; return its file, to be deleted again."""
        other = self.path / "something-else"
        with other.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, self.free + _size(other) - leave))
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


def can_mount(folder: Path) -> bool:
    """Return whether a file system can be mounted here: as root, where the machine lets it."""
    folder.mkdir(parents=True)
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "gatehouse-probe", str(folder)], capture_output=True, check=False
    )
    if tried.returncode == 0:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    return tried.returncode == 0


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Stop a process and its children where they are, as a machine does that hangs; let them go on afterwards."""
    process = psutil.Process(pid)
    whole = [process, *process.children(recursive=True)]
    for one in whole:
        one.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in whole:
            one.send_signal(signal.SIGCONT)


def flip_byte(path: Path, chance: random.Random, at: int | None = None) -> int:
    """Change one bit of a file; return where."""
    where = chance.randrange(path.stat().st_size) if at is None else at
    with path.open("r+b") as file:
        file.seek(where)
        before = file.read(1)[0]
        file.seek(where)
        file.write(bytes([before ^ (1 << chance.randrange(8))]))
    return where


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


def tell(finding: Finding) -> None:
    """Print a finding, and add it to the file that GATEHOUSE_FAULTS_REPORT names, if it names one."""
    print(f"{finding.target}: {finding.what}: {finding.figure} (wanted: {finding.wanted})")  # noqa: T201
    report = os.environ.get("GATEHOUSE_FAULTS_REPORT")
    if report:
        fields = {name: getattr(finding, name) for name in Finding.__slots__}
        with Path(report).open("a", encoding="utf-8") as file:
            file.write(json.dumps(fields) + "\n")
