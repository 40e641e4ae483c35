"""Runs a program with limits: ``python -I -S confined.py '{"seconds": ..., ...}' program argument...``.

A file of its own that imports nothing of ours: it is gone in some ten milliseconds, when the program takes its place.
Limits that are set between fork and exec of a process with threads may dead-lock it (POSIX fork, rationale).
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_NICER = 10


def confine(limits: dict[str, int]) -> None:
    """Limit this process and what it becomes; who started it takes it along when it dies, where Linux is.

    Args:
        limits: ``seconds`` of processor time, ``memory`` in bytes of addresses, ``file`` in bytes.
    """
    for what, key in (
        (resource.RLIMIT_CPU, "seconds"),
        (resource.RLIMIT_AS, "memory"),
        (resource.RLIMIT_FSIZE, "file"),
    ):
        _, most = resource.getrlimit(what)
        wanted = limits[key] if most == resource.RLIM_INFINITY else min(limits[key], most)
        try:
            resource.setrlimit(what, (wanted, most))
        except (ValueError, OSError):  # macOS knows RLIMIT_AS and refuses it
            continue
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that it is an error of writing, which is told
    with suppress(OSError):  # a container may forbid it: then it is as nice as everything else
        os.nice(_NICER)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != limits["parent"]:  # it died before this was asked for
            os._exit(1)
        # Without /proc, or where it may not be written, it is not the first to go, and works all the same.
        with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123 - nothing else is imported
            score.write("800")


if __name__ == "__main__":
    confine(json.loads(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - this is its whole purpose
