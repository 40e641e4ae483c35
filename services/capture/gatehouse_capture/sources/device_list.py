"""Which video devices there are, and which of them stand in for others."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Protocol

_SYSFS = Path("/sys/class/video4linux")


def list_devices(sysfs: Path = _SYSFS) -> list[str]:
    """Return the paths of the capture devices there are, without opening any of them."""
    if not sysfs.is_dir():
        return []
    names = [p.name for p in sysfs.iterdir() if _captures(p)]
    return [f"/dev/{name}" for name in sorted(names, key=lambda n: int(n.removeprefix("video")))]


def _captures(entry: Path) -> bool:
    # A camera has one node for pictures (index 0) and often another for metadata.
    if not entry.name.removeprefix("video").isdecimal():
        return False
    try:
        return (entry / "index").read_text().strip() == "0"
    except FileNotFoundError:  # drivers before Linux 2.6.26 tell none
        return True
    except OSError:  # unplugged while we look
        return False


class Holder(Protocol):
    """Who uses a device in place of another."""

    def hand_over(self) -> None:
        """Let go of it soon."""
        ...


class Fallbacks:
    """The devices of this process that stand in for missing ones, so that their own cameras can have them back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, Holder] = {}

    def hold(self, path: str, holder: Holder) -> None:
        """``holder`` uses the device at ``path``, which is configured for none of its cameras."""
        with self._lock:
            self._holders[os.path.realpath(path)] = holder

    def reclaim(self, path: str) -> None:
        """The camera that is configured for ``path`` wants it: whoever holds it is told to give it up."""
        with self._lock:
            holder = self._holders.get(os.path.realpath(path))
        if holder is not None:
            holder.hand_over()

    def release(self, holder: Holder) -> None:
        """``holder`` uses no device any more."""
        with self._lock:
            self._holders = {path: one for path, one in self._holders.items() if one is not holder}


FALLBACKS = Fallbacks()
