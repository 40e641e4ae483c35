"""What all tests share: in CI a skipped test is a failure, so a missing service can never hide."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

import containers
from brokers import stop_brokers
from databases import stop_servers
from fault_rig import note_run

_skipped: list[str] = []

# A machine that is busy for a moment is no fault: timings are never asserted in tests.
settings.register_profile("gatehouse", deadline=None)
settings.load_profile("gatehouse")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)
    if report.when == "call" or report.failed:
        note_run(report.nodeid, passed=report.passed)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _skipped and os.environ.get("CI") == "true":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped and os.environ.get("CI") == "true":
        terminalreporter.write_line(f"FAILED: {len(_skipped)} test(s) skipped in CI: {', '.join(_skipped)}", red=True)


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    yield
    stop_servers()
    stop_brokers()
    containers.stop()
