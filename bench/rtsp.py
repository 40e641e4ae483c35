"""A camera for the benches: the tests' RTSP server as a process of its own, one film to any number of clients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).parent.parent / "tests" / "rtsp_camera.py"


@contextmanager
def serve(film: Path) -> Iterator[str]:
    """Yield the URL at which ``film`` is played."""
    command = [sys.executable, str(SERVER), "0", f"cam={film}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None:
            raise RuntimeError("the RTSP server has no output")
        words = process.stdout.readline().split()
        if len(words) != 2:
            raise RuntimeError("the RTSP server did not start")
        yield f"rtsp://127.0.0.1:{words[1]}/cam"
    finally:
        process.kill()
        process.wait()
