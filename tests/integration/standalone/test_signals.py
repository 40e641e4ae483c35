"""A process that is told to end does, wherever it is at that moment."""

from __future__ import annotations

import subprocess
import sys

import pytest

# For moments of each wait the event's own lock is held by whoever waits; a signal may come just then.
ASKS = """
import signal, sys
from gatehouse.cli.process import stop_on_signals
stop = stop_on_signals()
with stop._cond:
    signal.raise_signal(signal.{name})
sys.exit(0 if stop.wait(5) else 1)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_even_while_the_event_that_it_sets_is_asked(name: str) -> None:
    assert subprocess.run([sys.executable, "-c", ASKS.format(name=name)], check=False, timeout=20).returncode == 0
