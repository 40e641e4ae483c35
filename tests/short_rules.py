"""The shipped alerts, made for a test that cannot wait for hours: the same rules, with every time in them shorter.

What is shortened is what a rule says of time: its ``for``, the ranges and offsets of its expression, and those of its
numbers that are seconds of waiting. All of them by one factor, so that a rule still asks what it asked. Whatever of
a rule is not understood, or a number of which nobody has said what it is, is an error: no rule is let by as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from prometheus_server import SHIPPED, rules

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?!\w))
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<name>[a-zA-Z_]\w*)
    |(?P<mark>=~|!~|!=|==|<=|>=|[-+*/^%<>=(){}\[\],:@])""",
    re.VERBOSE,
)

SHORTENED: Mapping[str, frozenset[str]] = {
    "GatehouseStorageFull": frozenset({"1800"}),  # so long what cameras send still has room
    "GatehouseDiskFullIn24h": frozenset({"86400"}),  # so far ahead is looked
    "GatehouseJanitorStale": frozenset({"7200"}),
    "GatehouseJobsWait": frozenset({"900"}),
    "GatehouseWebhooksWait": frozenset({"900"}),
}
"""By alert, the numbers of its expression that are seconds of waiting, and are shortened with the rest."""

KEPT: Mapping[str, frozenset[str]] = {
    "GatehouseNotRecording": frozenset({"1"}),
    "GatehouseCameraOffline": frozenset({"0", "1"}),
    "GatehouseGapSeconds": frozenset({"30"}),  # seconds that are lost: as many as they are
    "GatehouseFpsLow": frozenset({"0.8", "0", "1"}),
    "GatehouseFramesDropped": frozenset({"0.05"}),
    "GatehouseClockSkew": frozenset({"2"}),  # what a clock is off by
    "GatehouseStorageFull": frozenset({"0.5", "0.02", "0"}),
    "GatehouseWriteErrors": frozenset({"0"}),
    "GatehouseRetentionShortfall": frozenset({"0.9", "0", "0.5"}),  # so many seconds older in a second
    "GatehouseDiskFullIn24h": frozenset({"0.9", "0"}),
    "GatehouseEmergencyDelete": frozenset({"0"}),
    "GatehouseJanitorStale": frozenset({"1"}),
    "GatehouseConsistencyIssues": frozenset({"0"}),
    "GatehouseDeadLetters": frozenset({"0"}),
    "GatehouseQueueOld": frozenset({"30"}),  # seconds that a message waits, and a test can
    "GatehouseBusDisconnected": frozenset({"0"}),
    "GatehouseDetectorLag": frozenset({"5", "0"}),
    "GatehouseClipLatencyHigh": frozenset({"0.95", "30"}),
    "GatehouseClipsFailed": frozenset({"0"}),
    "GatehouseTargetDown": frozenset({"0"}),
    "GatehouseAuthBruteForce": frozenset({"20"}),
    "GatehouseServiceRestarts": frozenset({"3"}),
    "GatehouseApiErrors": frozenset({"0.05"}),
    "GatehouseWebhooksFailed": frozenset({"0"}),
    "Watchdog": frozenset({"1"}),
    "GatehouseServiceAbsent": frozenset({"1"}),
}
"""By alert, the numbers of its expression that stay as they are: shares, counts, and what is short anyway."""


class NotShortenedError(AssertionError):
    """A rule of which something is not understood."""


@dataclass(frozen=True)
class Short:
    """A rule in its shortened form.

    Attributes:
        name: of its alert.
        for_s: for how long it has to be so, seconds.
        longest_s: the longest range or offset that it looks back over, seconds; 0: it looks at what is so now.
        rule: what Prometheus is given.
    """

    name: str
    for_s: float
    longest_s: float
    rule: dict[str, Any]


def duration_ms(text: str) -> int:
    """Return the milliseconds of a duration of Prometheus', e.g. ``1h30m``.

    Raises:
        NotShortenedError: it is none.
    """
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise NotShortenedError(f"{text!r} is no duration")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)


def shorten_expression(alert: str, expr: str, factor: int) -> tuple[str, int]:
    """Return an expression of an alert with all its times divided, and the longest of them in milliseconds.

    Raises:
        NotShortenedError: a token, a number or a place of a duration is not one that is known.
    """
    out: list[str] = []
    told: list[str] = []  # the tokens before, without spaces
    longest = at = 0
    waited, kept = SHORTENED.get(alert, frozenset()), KEPT.get(alert, frozenset())
    used: set[str] = set()
    while at < len(expr):
        found = _TOKEN.match(expr, at)
        if found is None:
            raise NotShortenedError(f"{alert}: what is {expr[at : at + 20]!r}?")
        kind, text, at = str(found.lastgroup), found[0], found.end()
        if kind == "mark" and text in "@:":
            raise NotShortenedError(f"{alert}: a fixed time or a subquery, {text!r}, is not known how to shorten")
        if kind == "duration":
            if told[-1:] not in (["["], ["offset"]):
                raise NotShortenedError(f"{alert}: {text} is neither a range nor an offset")
            short = _shorter_ms(alert, text, factor)
            longest, shown = max(longest, short), f"{short}ms"
        elif kind == "number":
            if (text in waited) == (text in kept):
                raise NotShortenedError(f"{alert}: nobody has said whether {text} is a time")
            used.add(text)
            shown = text if text in kept else f"{float(Fraction(text) / factor):g}"
        else:
            shown = text
        if kind != "space":
            told.append(text)
        out.append(shown)
    if unused := (waited | kept) - used:
        raise NotShortenedError(f"{alert} has no {', '.join(sorted(unused))}")
    return "".join(out), longest


def _shorter_ms(alert: str, duration: str, factor: int) -> int:
    short = duration_ms(duration) / factor
    if short != int(short) or short < 1:
        raise NotShortenedError(f"{alert}: {duration} cannot be divided by {factor}")
    return int(short)


def shorten(rule: Mapping[str, Any], factor: int) -> Short:
    """Return a rule with all its times divided by a factor; what is shown to people stays.

    Raises:
        NotShortenedError: something of it is not understood.
    """
    alert = str(rule["alert"])
    if unknown := rule.keys() - {"alert", "expr", "for", "labels", "annotations"}:
        raise NotShortenedError(f"{alert} says {', '.join(sorted(unknown))}: is that a time?")
    expr, longest_ms = shorten_expression(alert, str(rule["expr"]), factor)
    made, for_ms = {**rule, "expr": expr}, 0
    if "for" in rule:
        for_ms = _shorter_ms(alert, str(rule["for"]), factor)
        made["for"] = f"{for_ms}ms"
    return Short(alert, for_ms / 1000, longest_ms / 1000, made)


def short_rules(factor_of: Callable[[str], int]) -> list[Short]:
    """Return all shipped rules, each shortened by its alert's factor.

    Raises:
        NotShortenedError: one of them cannot be.
    """
    return [shorten(rule, factor_of(rule["alert"])) for _, rule in rules()]


def write_short_rules(folder: Path, factor_of: Callable[[str], int]) -> None:
    """Write the shipped files of rules into a folder, with their groups, in their shortened form.

    Raises:
        NotShortenedError: a rule cannot be, or a group says more than its rules.
    """
    for path in sorted((SHIPPED / "rules").glob("*.yml")):
        told = yaml.safe_load(path.read_text())
        for group in told["groups"]:
            if group.keys() != {"name", "rules"}:
                raise NotShortenedError(f"{path.name}: {sorted(group)}: is one of them a time?")
            group["rules"] = [shorten(rule, factor_of(rule["alert"])).rule for rule in group["rules"]]
        (folder / path.name).write_text(yaml.safe_dump(told, sort_keys=False))
