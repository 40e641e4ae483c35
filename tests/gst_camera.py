"""The RTSP server that is not ours, for as long as a test needs it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).parent / "e2e" / "rtsp_server.py"


@contextmanager
def served(film: Path, port: int, *sounds: str) -> Iterator[None]:
    command = ["/usr/bin/python3", str(SERVER), str(port), str(film), *sounds]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"listening\n"
            yield
        finally:
            server.kill()
