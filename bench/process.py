"""CPU seconds and memory of a process and its children, read from /proc."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds spent so far, and proportional set size in MiB (shared pages counted once over all)."""

    cpu_s: float
    pss_mib: float


def usage(pids: Sequence[int]) -> Usage:
    """Return the sum over processes and all their live descendants."""
    cpu = pss = 0.0
    for pid in pids:
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            times = process.cpu_times()
            cpu += times.user + times.system
            pss += pss_mib(process.pid)
    return Usage(cpu, pss)


def pss_mib(pid: int) -> float:
    """Return the proportional set size of one process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Terminate all, then wait for each; kill what does not go."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
