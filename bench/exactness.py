"""P4: random ranges of footage of every shape, each decoded, each frame known by the number burned into it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bench.result import Result
from gatehouse_common.media.slicing import Slice, slice_footage, smart_slice
from gatehouse_common.testing.footage import Footage
from gatehouse_common.testing.scenarios import SCENARIOS, make_footage, random_ranges, shown_frames

EXACT, SMART = 1000, 360
MOST_OFF_US = 25
"""Ticks of the file and the microseconds of stated times are rounded; a frame is a thousand times longer."""


def run(folder: Path) -> list[Result]:
    """Cut at random and compare with what was recorded."""
    right = {"exact": 0, "smart": 0}
    wrong: list[str] = []
    began = time.perf_counter()
    for number, name in enumerate(SCENARIOS):
        root = folder / str(number)
        root.mkdir()
        footage = make_footage(name, root)
        cuts: list[tuple[str, int, Callable[[int, int], Slice]]] = [
            ("exact", share(EXACT, number), lambda a, b, f=footage: slice_footage(f.chunks, a, b)),
            ("smart", share(SMART, number), lambda a, b, f=footage: smart_slice(f.chunks, a, b, f.store)),
        ]
        for kind, count, cut in cuts:
            for start, end in random_ranges(footage, count, seed=99):
                if is_right(footage, cut(start, end), start, end):
                    right[kind] += 1
                else:
                    wrong.append(f"{kind} {name} [{start}, {end})")
    took = time.perf_counter() - began
    on = f"{', '.join(SCENARIOS)}; 320x180, chunks of 3 s, ranges of 0.2 to 9 s"
    return [
        line("exact", right["exact"], EXACT, on, wrong, took),
        line("smart", right["smart"], SMART, on, wrong, took),
    ]


def share(count: int, number: int) -> int:
    """Return how many cuts of ``count`` the scenario of that number gets."""
    return count // len(SCENARIOS) + (number < count % len(SCENARIOS))


def is_right(footage: Footage, piece: Slice, start_us: int, end_us: int) -> bool:
    """Whether a slice shows exactly the recorded frames of a range, each at its time."""
    expected = footage.shown(start_us, end_us)
    shown = shown_frames(footage.bytes_of(piece.file))
    if [number for number, _ in shown] != [frame.number for frame in expected]:
        return False
    origin = expected[0].at_us
    off = [abs(seconds * 1_000_000 - (f.at_us - origin)) for (_, seconds), f in zip(shown, expected, strict=True)]
    return len(off) == 1 or max(off) <= MOST_OFF_US


def line(kind: str, right: int, count: int, on: str, wrong: list[str], took: float) -> Result:
    """Return the result of one kind of cut."""
    first = next((w for w in wrong if w.startswith(kind)), "none")
    more: dict[str, float | str] = {"cuts": count, "first_wrong": first, "seconds_both": round(took, 1)}
    what = f"cut={kind}: ranges with the right first, last and every other frame"
    return Result(
        "P4", what, right, f"of {count}", f"{count} of {count}", right == count, None, on, more, more_is_better=True
    )
