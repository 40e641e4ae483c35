"""What a process is called among all that share the work: the same after a restart, and nobody else's."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from pathlib import Path

from gatehouse_common.errors import from_os_error

_FILE = "process.id"
_MOST = 64
_writing = threading.Lock()


def process_name(configured: str, data_dir: Path) -> str:
    """Return what the settings say, else machine and data directory, with an id that is kept in the directory.

    Without the id two data directories of one last name would be one process, and each would take what the other holds
    for its own from before a crash.

    Raises:
        GatehouseError: the directory cannot be read or written.
    """
    if configured:
        return configured
    path = data_dir / _FILE
    try:
        with _writing:  # threads of this process; other processes the directory's lock keeps away
            kept = _read(path) or _write(path, secrets.token_hex(4))
    except OSError as error:
        raise from_os_error(error, f"keeping the name of this process in {path}") from error
    return f"{socket.gethostname()}/{data_dir.name}-{kept}"[-_MOST:]


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()[:16]
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> str:
    """Keep a text in a file that has its name only when all of it is there; return the text."""
    unfinished = path.with_name(f"{path.name}.{text}")
    with unfinished.open("x") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return text
