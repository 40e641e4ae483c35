"""The product as its users have it, for the benches: a process, and what it says when it is ready."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("gatehouse"))


@contextmanager
def running(data: Path, *arguments: str, plates: bool = False) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Yield the process of ``gatehouse up`` and its address; what is measured is recording, unless ``plates``."""
    log = data.parent / f"{data.name}.log"
    with log.open("wb") as out:
        command = [COMMAND, "up", "--data", str(data), "--port", "0", *arguments]
        frames = "activity" if plates else "off"
        environment = {**os.environ, "GATEHOUSE_AUTH__MODE": "open", "GATEHOUSE_DETECTION__FRAMES": frames}
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        try:
            yield process, address(process, log)
        finally:
            process.terminate()
            process.wait(30)


def address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address that the process announces."""
    for _ in range(3000):
        match = re.search(r"^Open (http://\S+?)/?$", log.read_text(errors="replace"), re.MULTILINE)
        if match:
            return match[1]
        if process.poll() is not None:
            raise RuntimeError(f"gatehouse ended: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.02)
    raise RuntimeError("gatehouse did not become ready")
