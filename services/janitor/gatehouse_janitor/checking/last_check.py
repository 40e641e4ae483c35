"""What the last check of everything found and did not mend: kept in the index, for a start mends nothing of it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import structlog

from gatehouse_common.db import Facts
from gatehouse_common.runtime import Core

from .check import Report
from .problem import Kind, Problem

log = structlog.get_logger(__name__)

LEFT = "check.left"
"""The fact that says how many differences of which kind are left: a JSON object."""


def left_of(report: Report, mended: Mapping[Problem, str]) -> dict[str, int]:
    """Return how many problems of which kind were not mended."""
    left: dict[str, int] = {}
    for problem in report.problems:
        if problem not in mended:
            left[problem.kind.value] = left.get(problem.kind.value, 0) + 1
    return left


def keep_left(core: Core, left: Mapping[str, int]) -> None:
    """Keep what a check of everything has left.

    Raises:
        Unavailable: the index does not answer.
    """
    Facts(core.db).put(LEFT, json.dumps(left), core.clock.now_us())


def kept_left(core: Core) -> dict[str, int]:
    """Return what the last check of everything has left, whoever did it; nothing: there was none, or all is well.

    Raises:
        Unavailable: the index does not answer.
    """
    kept = Facts(core.db).get(LEFT) or "{}"
    try:
        found = json.loads(kept)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        log.warning("what the last check has left cannot be read; the next one tells it", kept=kept[:100])
        return {}
    kinds = {kind.value for kind in Kind}  # another version may know others
    return {kind: count for kind, count in found.items() if kind in kinds and isinstance(count, int)}
