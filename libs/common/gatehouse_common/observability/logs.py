"""Structured logs: one event a line, ours and libraries' in the same shape, with secrets masked on the way out."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

from gatehouse_common.errors import from_os_error

from .secrets import mask

_FILE_BYTES = 10 << 20
_FILES_KEPT = 5


class _Masking(logging.Formatter):
    """Masks the finished line, so that no field, argument or traceback can slip by."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return mask(self._inner.format(record))


def set_up(level: str, form: str, path: Path | None) -> None:
    """Send all logs to standard error, and to a file if one is set.

    Args:
        level: least level that is written.
        form: ``json``, ``console``, or ``auto``: console on a terminal.
        path: also write JSON there, rotated.

    Raises:
        GatehouseError: the file cannot be written.
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(_formatter(console=console))
    handlers: list[logging.Handler] = [stream]
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = logging.handlers.RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT)
        except OSError as error:
            raise from_os_error(error, f"opening the log {path}") from error
        file.setFormatter(_formatter(console=False))
        handlers.append(file)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level.upper())
    for noisy in ("alembic", "sqlalchemy", "werkzeug", "cheroot"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _thread(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.setdefault("service", structlog.contextvars.get_contextvars().get("service", ""))
    if not event["service"]:
        del event["service"]
    return event


_SHARED: list[structlog.types.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _thread,
]


def _formatter(*, console: bool) -> logging.Formatter:
    last: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    chain: list[structlog.types.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not console:
        chain.append(structlog.processors.format_exc_info)
    inner = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name], processors=[*chain, last]
    )
    return _Masking(inner)
