"""No alert without a real fault in which it is seen to fire, and no rule in a drill that is not the shipped one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import alert_faults
import alert_faults_apart
import short_rules
from alert_drill import ALWAYS, FACTORS, HOURS, asked_for, shown_alert, write_drill_rules
from prometheus_server import SHIPPED, promtool, rules
from short_rules import KEPT, SHORTENED, NotShortenedError, duration_ms, shorten, write_short_rules

RULE = {
    "alert": "GatehouseJanitorStale",
    "expr": "time() - max(gatehouse_janitor_last_success_timestamp_seconds) > 7200\nand on ()\nmax(gatehouse_x) == 1",
    "for": "15m",
    "labels": {"severity": "warning"},
}


def test_every_alert_has_a_fault_in_a_drill() -> None:
    """W-3: whoever adds an alert adds the fault in which a real Prometheus is seen to fire it."""
    shipped = {shown_alert(rule["alert"], rule["labels"]) for _, rule in rules()}
    tried = asked_for(alert_faults.FAULTS) | asked_for(alert_faults_apart.FAULTS)
    assert shipped - tried == ALWAYS, "an alert without a fault: tests/alert_faults.py has those of one process"
    assert tried <= shipped
    assert (FACTORS.keys() | HOURS) <= {rule["alert"] for _, rule in rules()}


def test_only_what_takes_long_is_shortened_always() -> None:
    """`make faults` has the times as they are shipped, wherever twenty minutes are enough."""
    for _, rule in rules():
        if rule["alert"] not in HOURS:
            assert duration_ms(rule.get("for", "0s")) < 20 * 60_000, rule["alert"]


def test_rules_of_a_drill_are_the_shipped_ones_with_shorter_times(tmp_path: Path) -> None:
    """The same files, groups, names and labels, which Prometheus takes; in all of them no time is as it was."""
    write_drill_rules(tmp_path)
    for path in sorted((SHIPPED / "rules").glob("*.yml")):
        checked = promtool("check", "rules", str(tmp_path / path.name))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        before, after = (yaml.safe_load((folder / path.name).read_text()) for folder in (path.parent, tmp_path))
        for old, new in zip(before["groups"], after["groups"], strict=True):
            assert old["name"] == new["name"]
            for one, short in zip(old["rules"], new["rules"], strict=True):
                assert {k: v for k, v in one.items() if k not in {"expr", "for"}} == {
                    k: v for k, v in short.items() if k not in {"expr", "for"}
                }
                assert ("for" in one) == ("for" in short)


def test_a_rule_is_shortened_in_all_its_times_and_nothing_else() -> None:
    made = shorten(RULE, 120).rule
    assert made == {**RULE, "expr": str(RULE["expr"]).replace("7200", "60"), "for": "7500ms"}
    (lag,) = [rule for _, rule in rules() if rule["alert"] == "GatehouseDetectorLag"]
    assert shorten(lag, 60).rule["expr"] == lag["expr"].replace("[5m]", "[5000ms]")
    (gaps,) = [rule for _, rule in rules() if rule["alert"] == "GatehouseGapSeconds"]
    assert shorten(gaps, 60).rule["expr"] == gaps["expr"].replace("[1h]", "[60000ms]").replace(
        "offset 1h", "offset 60000ms"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"alert": "GatehouseNew"},
        {"expr": "time() - max(gatehouse_x) > 3600 and on () max(gatehouse_y) == 1"},
        {"expr": "max(gatehouse_y) == 1"},
        {"expr": f"{RULE['expr']} and max_over_time(rate(gatehouse_x[5m])[1h:1m])"},
        {"expr": f"{RULE['expr']} and gatehouse_x @ end()"},
        {"expr": f"{RULE['expr']} and gatehouse_x & 1"},
        {"expr": f"{RULE['expr']} and gatehouse_x > 5m"},
        {"for": "1s500ns"},
        {"for": "7ms"},
        {"keep_firing_for": "5m"},
    ],
    ids=["alert", "number", "less", "subquery", "fixed", "mark", "place", "for", "short", "field"],
)
def test_a_rule_that_is_not_understood_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(NotShortenedError):
        shorten({**RULE, **change}, 120)


def test_a_group_with_an_interval_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules").mkdir()
    group = {"name": "ours", "interval": "1m", "rules": [RULE]}
    (tmp_path / "rules" / "ours.yml").write_text(yaml.safe_dump({"groups": [group]}))
    monkeypatch.setattr(short_rules, "SHIPPED", tmp_path)
    with pytest.raises(NotShortenedError, match="interval"):
        write_short_rules(tmp_path, lambda _: 60)


def test_no_number_is_said_to_be_a_time_and_none() -> None:
    for alert in SHORTENED:
        assert not SHORTENED[alert] & KEPT.get(alert, frozenset())
