"""Structured logs: one event a line, ours and libraries' in the same shape, with secrets masked on the way out."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import sys
from collections.abc import MutableMapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import structlog

from gatehouse_common.errors import from_os_error
from gatehouse_common.timefmt import rfc3339

from .crashes import catch_crashes
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


class _Quiet(logging.Handler):
    """What a handler does with a record that it cannot write: Python would print its arguments as they are."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[1]
        where = f"{record.name}, {record.filename} line {record.lineno}"
        line = f"gatehouse: a log record of {where} could not be written: {type(error).__name__}: {error}"
        with contextlib.suppress(OSError, ValueError):  # standard error is gone: there is nobody to tell
            sys.stderr.write(mask(line) + "\n")


class _Stream(_Quiet, logging.StreamHandler):  # type: ignore[type-arg]  # not subscriptable when run
    """Standard error."""


class _File(_Quiet, logging.handlers.RotatingFileHandler):
    """The log file; nobody else may read it, for it names cameras and addresses."""

    def _open(self) -> TextIOWrapper:
        fd = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(fd, "a", encoding="utf-8")


def set_up(level: str, form: str, path: Path | None) -> None:
    """Send all logs to standard error, and to a file if one is set; warnings and uncaught errors too.

    Args:
        level: least level that is written.
        form: ``json``, ``console``, or ``auto``: console on a terminal.
        path: also write JSON there, rotated.

    Raises:
        GatehouseError: the file cannot be written.
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    stream = _Stream(sys.stderr)
    stream.setFormatter(_formatter(console=console))
    handlers: list[logging.Handler] = [stream]
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = _File(path, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
        except OSError as error:
            raise from_os_error(error, f"opening the log {path}") from error
        file.setFormatter(_formatter(console=False))
        handlers.append(file)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        if isinstance(old, _Quiet):
            old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    catch_crashes()
    for noisy in ("alembic", "sqlalchemy", "werkzeug", "cheroot"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _stamp(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Give a library's record the time at which it was made: each handler would read the clock anew."""
    event["timestamp"] = rfc3339(round(event["_record"].created * 1_000_000))
    return event


def _service(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.setdefault("service", structlog.contextvars.get_contextvars().get("service", ""))
    if not event["service"]:
        del event["service"]
    return event


_SHARED: list[structlog.types.Processor] = [
    structlog.stdlib.add_log_level,
    _service,
]


def _formatter(*, console: bool) -> logging.Formatter:
    last: structlog.types.Processor = (
        # Not rich's tracebacks, its default: they print local variables, cut and coloured so that no mask finds them.
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    chain: list[structlog.types.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not console:
        chain.append(structlog.processors.format_exc_info)
    inner = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_stamp, *_SHARED, structlog.stdlib.add_logger_name], processors=[*chain, last]
    )
    return _Masking(inner)
