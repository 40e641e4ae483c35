"""Small files of the data directory that outlive the process: written in one step, readable by their owner alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gatehouse_common.errors import DataLoss, NotFound, from_os_error


def read_kept(path: Path) -> Any:
    """Return the JSON value that ``path`` holds.

    Raises:
        NotFound: there is no such file.
        DataLoss: it holds something else.
        GatehouseError: it cannot be read.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}") from error
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
    except (ValueError, RecursionError) as error:
        # Not the text: it may hold the URL of a camera, and so a password.
        raise DataLoss(f"{path} is damaged: {type(error).__name__}") from error


def write_kept(path: Path, value: Any) -> None:
    """Put a JSON value in place of what ``path`` holds; after a power cut it holds the one or the other.

    Raises:
        GatehouseError: it cannot be written.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        fd = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise from_os_error(error, f"writing {path}") from error
