"""What every command that runs services does: end on a signal, and say what was left."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

import click

from gatehouse.composition import Gatehouse

_WAKE_S = 0.5


def stop_on_signals() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set; a second signal ends the process at once."""
    stop = threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        # Not here: this runs in the midst of what the main thread does, which may hold the event's lock.
        _thread.start_new_thread(stop.set, ())

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    return stop


def run_until(stop: threading.Event, gatehouse: Gatehouse, announce: Callable[[], None]) -> None:
    """Run services until ``stop`` is set, then stop them in order; exit with 1 if some did not end in time."""
    try:
        gatehouse.start()
        announce()
        # A signal that comes just before the waiting interrupts nothing, and its handler runs when this thread wakes.
        while not stop.wait(_WAKE_S):
            pass
    finally:
        ended = gatehouse.stop()
    if not ended:
        click.echo("gatehouse: stopped, but not everything ended in time; the next start recovers it", err=True)
        sys.exit(1)
