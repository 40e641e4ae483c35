"""What a module logs, in whatever way others have set up logging before: loggers keep the one that they began with."""

from __future__ import annotations

from types import ModuleType

import pytest
import structlog
from structlog.testing import LogCapture


def logged(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> LogCapture:
    """Take what a module logs from now on; each entry has its text as ``event``, unmasked."""
    capture = LogCapture()
    monkeypatch.setattr(module, "log", structlog.wrap_logger(None, processors=[capture]))
    return capture


def text_of(capture: LogCapture) -> str:
    """All of it as text, in order."""
    return "\n".join(repr(entry) for entry in capture.entries)
