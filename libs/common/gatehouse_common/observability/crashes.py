"""What Python itself would print about an error that nobody caught: masked, and in the logs once they are set up."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from .secrets import mask

_log = logging.getLogger("gatehouse")


def catch_crashes() -> None:
    """Route uncaught errors of threads, finalizers and the main program through the mask. Idempotent."""
    sys.excepthook = _of_program
    threading.excepthook = _of_thread
    sys.unraisablehook = _of_finalizer


def _of_program(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _tell("the program failed", error, trace)


def _of_thread(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is None or issubclass(crash.exc_type, SystemExit):
        return
    name = crash.thread.name if crash.thread else "unknown"
    _tell(f"thread {name} failed", crash.exc_value, crash.exc_traceback)


def _of_finalizer(crash: sys.UnraisableHookArgs) -> None:
    if crash.exc_value is not None:
        _tell(
            f"an error could not be raised: {crash.err_msg or 'in a finalizer'}", crash.exc_value, crash.exc_traceback
        )


def _tell(what: str, error: BaseException, trace: TracebackType | None) -> None:
    if logging.getLogger().handlers:
        _log.critical(what, exc_info=(type(error), error, trace))
        return
    lines = traceback.format_exception(type(error), error, trace)
    sys.stderr.write(mask(f"{what}\n{''.join(lines)}"))
