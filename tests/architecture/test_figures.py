"""Every target has a figure and every figure that falls short a reason; the page is made of what was measured."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.__main__ import BENCHES
from bench.report import lines, page
from bench.targets import SHORT, TARGETS

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_that_of_the_figures() -> None:
    kept = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    assert kept == page(), "docs/figures.md is stale: run `.venv/bin/python -m bench.report`"


def test_every_target_was_measured() -> None:
    assert [line.id for line in lines() if line.met is None] == []


def test_what_falls_short_says_why_and_nothing_else_does() -> None:
    unsaid = [(line.id, line.what) for line in lines() if line.met is False and not line.short]
    assert unsaid == []
    short = [(line.id, line.what) for line in lines() if line.met is False]
    stale = [key for key in SHORT if not any(key[0] == id_ and key[1] in what for id_, what in short)]
    assert stale == []


def test_every_target_names_what_measures_it() -> None:
    for target in TARGETS:
        asked = re.search(r"(?:BENCH|FAULTS)='?([^']*)'?$", target.measured_by)
        assert asked is not None, target
        for name in asked[1].split():
            assert name in BENCHES or (ROOT / name).exists(), target
