"""Every metric is in one file, says what it is, and is really exported by somebody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from gatehouse_common.observability import metrics

ROOT = Path(__file__).resolve().parents[3]
DECLARED = {name: found for name, found in vars(metrics).items() if isinstance(found, MetricWrapperBase)}
PEOPLE_OR_FILES = {"user", "plate", "file", "key", "path", "ip", "url", "chunk", "run"}


@pytest.fixture(scope="module")
def product() -> str:
    files = [p for top in ("libs", "services") for p in (ROOT / top).rglob("*.py") if p.name != "metrics.py"]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("name", sorted(set(DECLARED) - {"BUILD"}))
def test_every_metric_is_exported_by_somebody(name: str, product: str) -> None:
    assert re.search(rf"\b{name}\b", product), f"{name} is declared and never set"


def test_metrics_are_made_nowhere_else(product: str) -> None:
    assert not re.search(r"from prometheus_client import .*\b(Counter|Gauge|Histogram|Info)\b", product)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_every_metric_says_what_it_is(name: str) -> None:
    metric = DECLARED[name]
    assert metric._name.startswith("gatehouse_")
    assert metric._documentation.endswith(".")
    assert not set(metric._labelnames) & PEOPLE_OR_FILES, "labels must stay few"


def test_the_build_tells_its_version() -> None:
    assert re.search(r'gatehouse_build_info\{.*version="\d+\.\d+', generate_latest(REGISTRY).decode())
