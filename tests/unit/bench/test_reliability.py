"""What `make faults` keeps of before: what stands, and nothing that a test which failed has told."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

_spec = importlib.util.spec_from_file_location(
    "write_reliability", Path(__file__).parents[3] / "scripts" / "write_reliability.py"
)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)


def finding(test: str, figure: str = "0 lost", *, met: bool = True) -> dict[str, Any]:
    return {"target": "R1", "what": "kills", "figure": figure, "wanted": "0 lost", "met": met, "test": test}


def ran(test: str, *, passed: bool = True) -> dict[str, Any]:
    return {"ran": test, "passed": passed}


def test_what_was_not_tried_stays_and_what_was_is_as_it_is_now() -> None:
    known = [finding("a.py::one", "old"), finding("a.py::two", "old")]
    kept, fresh = _module.merged(known, [finding("a.py::one", "new"), ran("a.py::one")])
    assert (kept, fresh) == ([known[1]], [finding("a.py::one", "new")])


def test_a_test_that_fails_before_it_tells_takes_back_what_it_told_before() -> None:
    kept, fresh = _module.merged([finding("a.py::one", "old")], [ran("a.py::one", passed=False)])
    assert (kept, fresh) == ([], [finding("a.py::one", "the test failed", met=False)])


def test_a_test_that_fails_after_it_has_told_meets_nothing() -> None:
    kept, fresh = _module.merged([], [finding("a.py::one", "0 lost"), ran("a.py::one", passed=False)])
    assert (kept, fresh) == ([], [finding("a.py::one", "0 lost; the test failed", met=False)])


def test_what_a_file_tells_is_met_only_if_none_of_its_tests_failed() -> None:
    known = [finding("a.py", "old")]
    told = [ran("a.py::one"), ran("a.py::two", passed=False)]
    assert _module.merged(known, told) == ([], [finding("a.py", "the test failed", met=False)])
    assert _module.merged(known, [ran("a.py::one")]) == (known, []), "not all of it was run"
    assert _module.merged(known, [ran("ab.py::one", passed=False)]) == (known, [])


def test_one_that_tells_no_more_what_it_told_is_not_kept() -> None:
    assert _module.merged([finding("a.py::one")], [ran("a.py::one")]) == ([], [])
