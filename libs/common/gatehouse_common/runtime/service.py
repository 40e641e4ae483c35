"""What a service is to whoever runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .core import Core


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a service depends on.

    Attributes:
        name: of it.
        ok: whether it is as it should be.
        detail: what is wrong when it is not, in a sentence.
        cause: of a camera that is not recorded, the ``GapCause`` of the gap that goes on.
    """

    name: str
    ok: bool
    detail: str = ""
    cause: str = ""


class Service(Protocol):
    """A part of the pipeline that runs until it is told to stop."""

    name: str

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, then finish what is in hand and return.

        Whatever it raises is logged, and it is run again after a pause.
        """
        ...

    def health(self) -> list[Check]:
        """Return the state of what it depends on; quick, and never raises."""
        ...


Build = Callable[["Core"], Service]
