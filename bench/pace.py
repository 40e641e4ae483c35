"""How fast the machine is at the moment: others may use it too, and then what is measured takes longer.

Two things are measured that go by themselves: steps of a program, and memory that is used for the first time, which a
host has to find for a machine that has given it back.
"""

from __future__ import annotations

import mmap
import time
from dataclasses import dataclass

_STEPS = 3_000_000
_BYTES = 128 << 20
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Pace:
    """How long fixed work took.

    Attributes:
        steps_s: seconds of the processor for a loop of Python.
        memory_s: seconds of the processor for 1 GiB of memory that is written to for the first time.
    """

    steps_s: float
    memory_s: float

    def between(self, other: Pace) -> Pace:
        """Return the mean of this one and another."""
        return Pace((self.steps_s + other.steps_s) / 2, (self.memory_s + other.memory_s) / 2)


def pace() -> Pace:
    """Measure, in about half a second."""
    began = time.process_time()
    total = 0
    for step in range(_STEPS):
        total += step * step
    steps_s = time.process_time() - began
    began = time.process_time()
    with mmap.mmap(-1, _BYTES) as fresh:
        for at in range(0, _BYTES, _PAGE):
            fresh[at] = 1
    return Pace(steps_s, (time.process_time() - began) * (1 << 30) / _BYTES)
