"""Starting the test camera as a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = Path(__file__).with_name("rtsp_camera.py")


@dataclass
class CameraProcess:
    """A running test camera.

    Attributes:
        port: where it listens.
        plays: for each mount, the wall times in seconds at which a client began to be sent frame 0.
    """

    process: subprocess.Popen[str]
    port: int
    plays: dict[str, list[float]] = field(default_factory=dict)

    def url(self, name: str, query: str = "", user: str = "") -> str:
        return f"rtsp://{user + '@' if user else ''}127.0.0.1:{self.port}/{name}{'?' + query if query else ''}"

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, name, at = line.split()
            if word == "play":
                self.plays.setdefault(name, []).append(float(at))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def rtsp_camera(films: dict[str, Path], port: int = 0, auth: dict[str, str] | None = None) -> Iterator[CameraProcess]:
    """Serve films until the end of the block; ``auth`` names ``user:password`` per mount."""
    secrets = {name: f"{pair}@" for name, pair in (auth or {}).items()}
    mounts = [f"{secrets.get(name, '')}{name}={path}" for name, path in films.items()]
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(port), *mounts], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = process.stdout.readline().split()
    if not ready:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    camera = CameraProcess(process, int(ready[1]))
    listener = threading.Thread(target=camera.listen, daemon=True)
    listener.start()
    try:
        yield camera
    finally:
        camera.kill()
        listener.join(5)
        process.stdout.close()
        if process.stderr is not None:
            process.stderr.close()
