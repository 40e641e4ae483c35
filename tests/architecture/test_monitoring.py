"""What is shipped for Prometheus and Grafana is valid, documented, tried, and readable in git."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatehouse_common.observability import metrics_reference
from gatehouse_common.observability.exporting import OF_SERVICES, everything
from gatehouse_common.settings import SettingsModel
from prometheus_server import DASHBOARDS, ROOT, SHIPPED, panel_queries, promtool, rules

DOCS = ROOT / "docs"
ALERTS = {rule["alert"] for _, rule in rules()}
EXPORTED = {metrics_reference.shown_name(metric) for metric in everything()}
OURS = re.compile(r"`(gatehouse_\w+)")


def test_the_page_about_metrics_is_that_of_the_code() -> None:
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    assert page == metrics_reference.render(), "docs/metrics.md is stale: run `make docs`"
    for name in EXPORTED:
        assert f"| `{name}` |" in page


@pytest.mark.parametrize("service", [*OF_SERVICES, "standalone"])
def test_a_service_documents_metrics_that_there_are(service: str) -> None:
    text = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    (line,) = [one for one in text.splitlines() if one.startswith("| **metrics** |")]
    for name in OURS.findall(line):
        assert any(one == name or (name.endswith("_") and one.startswith(name)) for one in EXPORTED), name


@pytest.mark.parametrize("config", ["compose.yml", "one-process.yml"])
def test_configurations_are_valid(config: str, tmp_path: Path) -> None:
    """W-3: `promtool check config`, which also reads the rules."""
    shutil.copytree(SHIPPED, tmp_path / "shipped")
    (tmp_path / "shipped" / "gatehouse.token").write_text("a token")
    checked = promtool("check", "config", config, cwd=tmp_path / "shipped")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "rules found" in checked.stdout


@pytest.mark.parametrize("name", ["gatehouse.yml", "services.yml"])
def test_alerts_fire_where_they_should(name: str) -> None:
    """W-3: `promtool test rules`, and no alert without a test."""
    checked = promtool("test", "rules", name, cwd=SHIPPED / "tests")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tried = (SHIPPED / "tests" / name).read_text()
    for file, rule in rules():
        if file == name:
            severity, service = rule["labels"]["severity"], rule["labels"].get("service", "")
            fires = rf'ALERTS{{alertname="{rule["alert"]}",alertstate="firing",severity="{severity}".*{service}'
            assert re.search(fires, tried), f"no test lets {rule['alert']} {service} fire"


def test_every_alert_leads_to_its_section_and_every_section_is_of_one() -> None:
    """W-3: what it means, what to look at, what to do."""
    page = (DOCS / "alerts.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert sections.keys() == ALERTS
    for _, rule in rules():
        notes, severity = rule["annotations"], rule["labels"]["severity"]
        assert notes["runbook_url"].endswith(f"/docs/alerts.md#{rule['alert'].lower()}")
        assert notes["summary"].endswith(".")
        text = sections[rule["alert"]]
        assert text.startswith(f"**{severity}**, " + (f"after {rule['for']}." if "for" in rule else "at once."))
        assert "\n- **Look at**: " in text
        assert "\n- **Do**: " in text
    for name in OURS.findall(page):
        assert name in EXPORTED


def test_there_are_six_dashboards_each_with_its_own_fixed_name() -> None:
    """W-3: recording, pipeline, plates, storage, API, services."""
    read = {path.stem: json.loads(path.read_text()) for path in DASHBOARDS}
    assert read.keys() == {"recording", "pipeline", "plates", "storage", "api", "services"}
    assert [one["uid"] for one in read.values()] == [f"gatehouse-{name}" for name in read]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_can_be_read_in_git_and_used_anywhere(path: Path) -> None:
    """No numbers that a Grafana has given, one form, and whoever opens it chooses the data source."""
    text = path.read_text()
    read = json.loads(text)
    assert text == json.dumps(read, indent=2, ensure_ascii=False) + "\n", "written in another form"
    assert "id" not in {key for one in inner(read) for key in one}
    assert read["templating"]["list"][0] == {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "hide": 0,
    }
    places: set[tuple[int, int]] = set()
    for panel in read["panels"]:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["title"]
        assert panel["description"].endswith(".")
        grid = panel["gridPos"]
        taken = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not places & taken, f"{panel['title']} lies over another panel"
        assert max(x for x, _ in taken) < 24
        places |= taken


def expression(dashboard: str, title: str) -> str:
    (query,) = [query for query in panel_queries() if query.where == f"{dashboard}: {title}"]
    return query.expr


# Of a day, in steps of a minute; each with what a stat of the last 24 hours has to say at the end of the second day.
SHOWN = {
    "a gap of a camera that had none": (
        ("recording", "Lost in 24 h"),
        {'gatehouse_recording_gap_seconds_total{camera="yard",cause="camera_offline"}': "_x2000 45x880"},
        45,
    ),
    "another of one that had some, told by an indexer that is gone": (
        ("recording", "Lost in 24 h"),
        {'gatehouse_recording_gap_seconds_total{camera="yard",cause="dropped"}': "45x1600 90x400 stale"},
        45,
    ),
    "nothing new": (
        ("recording", "Lost in 24 h"),
        {'gatehouse_recording_gap_seconds_total{camera="yard",cause="dropped"}': "45x2880"},
        0,
    ),
    "the first message that was put aside": (
        ("pipeline", "Dead letters, 24 h"),
        {'gatehouse_dead_lettered_total{queue="indexer.0"}': "_x2000 1x880"},
        1,
    ),
    "half a day without a recorder": (
        ("recording", "Coverage, 24 h"),
        {
            'gatehouse_recording_recorded_seconds_total{camera="yard"}': "0+60x2160 stale",
            'gatehouse_recording_wanted{camera="yard",instance="a"}': "1x2880",
            'gatehouse_recording_wanted{camera="yard",instance="b"}': "1x2880",
        },
        0.5,
    ),
    "no recorder at all": (
        ("recording", "Coverage, 24 h"),
        {'gatehouse_recording_wanted{camera="yard"}': "1x2880"},
        0,
    ),
    "a camera that was switched off for half a day": (
        ("recording", "Coverage, 24 h"),
        {
            'gatehouse_recording_recorded_seconds_total{camera="yard"}': "0+60x2160 129600x720",
            'gatehouse_recording_wanted{camera="yard"}': "1x2160 0x720",
        },
        1,
    ),
}


@pytest.mark.parametrize("case", SHOWN)
def test_a_stat_of_a_day_leaves_nothing_out(case: str, tmp_path: Path) -> None:
    """A counter that has just appeared has no increase, and nobody counts who is not there."""
    panel, series, wanted = SHOWN[case]
    exact = 0.01 if panel[1].startswith("Coverage") else 1  # Prometheus extends an increase to the ends of its window
    tried = {
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f"round({expression(*panel)}, {exact})",
                        "eval_time": "47h59m30s",
                        "exp_samples": [{"labels": "{}", "value": wanted}],
                    }
                ],
            }
        ],
    }
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tried))
    checked = promtool("test", "rules", "tests.yml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_rate_of_what_comes_once_a_chunk_sees_two() -> None:
    chunk_s = SettingsModel().recording.chunk_seconds
    found = 0
    for query in panel_queries():
        for minutes in re.findall(r"gatehouse_segment\w*(?:\{[^}]*\})?\[(\d+)m\]", query.expr):
            found += 1
            assert int(minutes) * 60 >= 2 * chunk_s, query
    assert found >= 3


def test_buckets_are_drawn_as_such() -> None:
    """Grafana takes buckets that include the smaller ones apart only where it is told what they are."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            if panel["type"] == "heatmap":
                assert [one["format"] for one in panel["targets"]] == ["heatmap"]
                assert panel["options"]["calculate"] is False
                assert panel["options"]["yAxis"]


def inner(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside of a JSON value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inner(one)
