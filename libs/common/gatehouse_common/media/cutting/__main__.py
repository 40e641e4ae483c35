"""``python -m gatehouse_common.media.cutting RECORDING CHUNK_US FOLDER``: writes files, and tells of them in JSON.

Each line but the last says which part is done, 0 to 1. What goes wrong is one sentence on standard error.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

from gatehouse_common.clock import SECOND
from gatehouse_common.media.child_answer import answer

from . import CutFile, CutRecording
from .files import write_files
from .plan import CutPlan, plan_cuts

_PLANNED = 0.3


def cut(recording: Path, chunk_us: int, folder: Path) -> CutRecording:
    """Cut a recording into files; return what they are.

    Raises:
        DataLoss: nothing in it can be shown, or a file does not hold what it was to hold.
    """
    plan = plan_cuts(recording, chunk_us, lambda: _tell(0.0))
    written = write_files(recording, plan, folder, lambda part: _tell(_PLANNED + (1 - _PLANNED) * part))
    files = [
        CutFile(file.path.name, _us(plan, part.start), _us(plan, part.end), file.frames)
        for file, part in zip(written, plan.parts, strict=True)
    ]
    return CutRecording(plan.container, plan.width, plan.height, plan.broken_off, plan.left, tuple(files))


def _us(plan: CutPlan, at: Fraction) -> int:
    return round((at - plan.parts[0].start) * SECOND)


def _tell(part: float) -> None:
    sys.stdout.write(f"{part:.3f}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Cut a recording; return the exit code."""
    recording, chunk_us, folder = arguments
    return answer(lambda: cut(Path(recording), int(chunk_us), Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
