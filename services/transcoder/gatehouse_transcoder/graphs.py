"""Command lines of ffmpeg, and how far one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ffmpeg

from gatehouse_common.media.inspection import FORMATS, MOST_PIXELS

from .children import run
from .program import Program
from .work import Work


def source(path: Path, threads: int, **options: Any) -> Any:
    """Return a file as the input of a graph: nothing but this file is read, whatever is in it."""
    return ffmpeg.input(
        f"file:{path}",
        protocol_whitelist="file",
        format_whitelist=FORMATS,
        max_pixels=MOST_PIXELS,
        threads=threads,
        **options,
    )


def command(program: Program, stream: Any, *before: str) -> list[str]:
    """Return the command line of a graph."""
    quiet = ["-hide_banner", "-nostdin", "-loglevel", "error", "-nostats", "-progress", "pipe:1"]
    arguments: list[str] = ffmpeg.compile(stream, cmd=[program.path, *quiet, *before], overwrite_output=True)
    return arguments


class Progress:
    """Hears what ``-progress`` says, and tells how much of the film is done.

    Args:
        seconds: how long the film is; 0: not known.
        work: is told.
        share: from where to where this child's work is in the stage, 0 to 1.
    """

    def __init__(self, seconds: float, work: Work, share: tuple[float, float] = (0, 1)) -> None:
        self._seconds, self._work, self._share = seconds, work, share
        self._values: dict[str, str] = {}
        self._last: Sequence[str] = ()

    def __call__(self, line: str) -> bool:
        """Take a line; return whether it shows that the child has got on."""
        key, equals, value = line.partition("=")
        if not equals:
            return False
        self._values[key] = value
        if key != "progress":
            return False
        now = [self._values.get(name, "") for name in ("frame", "out_time_us", "total_size")]
        got_on, self._last = now != self._last or value == "end", now
        if self._seconds > 0:
            low, high = self._share
            self._work.told(low + (high - low) * min(1.0, self.seconds / self._seconds))
        return got_on

    @property
    def seconds(self) -> float:
        """How many seconds of the film are done."""
        return max(0, _number(self._values, "out_time_us")) / 1_000_000

    @property
    def frames(self) -> int:
        """How many pictures are done."""
        return max(0, _number(self._values, "frame"))


def make(work: Work, stream: Any, seconds: float = 0, share: tuple[float, float] = (0, 1), *before: str) -> Progress:
    """Run a graph to its end.

    Args:
        work: the job.
        stream: its output.
        seconds: how long the film is; 0: not known.
        share: from where to where this is in the stage.
        before: arguments before the graph's.

    Raises:
        GatehouseError: see ``children.run``.
    """
    heard = Progress(seconds, work, share)
    run(
        command(work.tools.program, stream, *before),
        work.tools.limits,
        work.core.clock,
        work.ending,
        heard,
        work.folder,
    )
    return heard


def _number(values: Mapping[str, str], key: str) -> int:
    """Return a number; what is not known yet is ``N/A``."""
    text = values.get(key, "")
    return int(text) if text.lstrip("-").isdigit() else 0
