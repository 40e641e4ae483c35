"""The page about metrics, made from where they are declared."""

from __future__ import annotations

from prometheus_client.metrics import MetricWrapperBase

from .exporting import OF_SERVICES, everything, exporters

_HEAD = """# Metrics

<!-- Made by `make docs` from gatehouse_common/observability. -->

`GET /metrics` of each process shows those of the services that run in it, in the text format of Prometheus, beside
`process_*` and `python_*` of the process. Of services that are processes of their own it is on their inner address
(`service.listen`) and open to whoever reaches that port; of `gatehouse up`, and of the api, it is also on the api's
port, where it needs a token with `metrics:read`. Units are seconds and bytes; what ends in `_total` only grows. Labels
are few: cameras, queues, routes, kinds; never a plate, a user or a file.

What to draw and when to be called is in [deploy/grafana](../deploy/grafana) and
[deploy/prometheus](../deploy/prometheus); what to do then, in [alerts.md](alerts.md).

"""
_ABSENT = """
## What is not measured, and why

- Packets that a network loses: FFmpeg tells them to its log alone. What they cost is measured: pauses are gaps of the
  cause `dropped` in `gatehouse_recording_gap_seconds_total`, frames that are missing are
  `gatehouse_capture_frames_dropped_total`.
- Requests for footage have no counter of their own: they are `gatehouse_http_requests_total` with
  `route="/api/v1/footage"`.
- What a queue holds that nobody reads: `gatehouse_queue_depth` is told by whoever reads it. RabbitMQ's own plugin,
  `rabbitmq_prometheus`, knows all.
- Plates, users, files: they are many, and personal.
"""


def render() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD, *_section("Every process", [one for one in everything() if not exporters(one)])]
    for service in OF_SERVICES:
        parts += _section(service.capitalize(), [one for one in everything() if service in exporters(one)])
    return "".join([*parts, _ABSENT])


def shown_name(metric: MetricWrapperBase) -> str:
    """Return a metric's name as it is asked for: that of a counter ends in ``_total``, that of an info in ``_info``."""
    told = next(iter(metric.describe()))
    return told.name + {"counter": "_total", "info": "_info"}.get(told.type, "")


def _section(title: str, metrics: list[MetricWrapperBase]) -> list[str]:
    return [f"## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", *map(_line, metrics), "\n"]


def _line(metric: MetricWrapperBase) -> str:
    told = next(iter(metric.describe()))
    labels = ", ".join(f"`{name}`" for name in metric._labelnames)  # noqa: SLF001 - samples alone tell them else
    return f"| `{shown_name(metric)}` | {told.type} | {labels} | {told.documentation} |\n"
