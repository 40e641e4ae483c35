"""S3 to S6: how what a site costs grows with its cameras, from ten to two thousand with 30 days of index each.

Virtual cameras (see ``cameras``) send through capture's own sessions; bus, segmenter, indexer, janitor and api are the
real ones, in this process. What it says of a machine is in docs/design/scale.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.lookup import quantile
from bench.result import Result
from gatehouse_common.observability import logs

from .camera_day import camera_day, cost_of_chunk_s, overhead_s
from .costs import BROKER, DATABASE
from .growth import result
from .live import GIVEN_UP_S, Live
from .scale import Scale
from .site import Site, measure, one_process


def run(folder: Path) -> list[Result]:
    """Measure sites of every size in one process."""
    logs.set_up("error", "json", None)
    scale = Scale.from_environment()
    alone = []
    for count in scale.cameras:
        with one_process(folder / f"servers-{count}") as servers:
            alone.append(measure(folder / f"site-{count}", count, scale, servers))
        say(alone[-1])
    return describe(alone, scale)


def describe(sites: Sequence[Site], scale: Scale) -> list[Result]:
    """Return the lines of sites of one kind: how each cost grows, and what a camera costs in a day."""
    cameras, kind = [site.cameras for site in sites], sites[0].kind
    on = (
        f"{kind}; {scale.days} days of chunks of each camera; {scale.live_s} s sent of each, chunks of {scale.chunk_s} "
        f"s, a GOP each 2 s, {scale.frames_s} frames a second at most: {cameras[-1]} cameras "
        f"{scale.slower(cameras[-1]):g} times as slowly as real ones"
    )
    lines = [
        result(id_, f"{what} ({kind})", unit, grows, cameras, [of(site) for site in sites], on)
        for id_, what, unit, grows, of in (*_COSTS, *(_OF_SERVERS if sites[0].live.spent.cpu_s[DATABASE] else ()))
    ]
    for question in sites[0].answers:
        by_name = [{q.what: a for q, a in site.answers.items()}[question.what] for site in sites]
        what, grows = f"{question.what}, p50 ({kind})", question.grows
        line = result("S5", what, "ms", grows, cameras, [answer.p50 for answer in by_name], on)
        line.more.update({f"{n} cameras, p95 ms": a.p95 for n, a in zip(cameras, by_name, strict=True)})
        lines.append(line)
    return [*lines, *per_day(sites[-1], on), *lateness(sites, on)]


def per_day(site: Site, on: str) -> list[Result]:
    """Return what a real camera costs in a day, at the largest site."""
    day = camera_day(site.live)
    figures: list[tuple[str, float, str]] = [
        ("durable messages of a camera and day", day.published, "messages"),
        ("deliveries of a camera and day", day.delivered, "messages"),
        ("SQL statements of a camera and day", day.statements, "statements"),
        ("indexer, processor of a camera and day", day.indexer_s, "s"),
        ("segmenter, processor of a camera and day", day.segmenter_s, "s"),
        ("cameras of real time that keep an indexer's core busy", day.cameras_of_an_indexer, "cameras"),
        (
            "bytes of a chunk's row and of its share of plates, sample index apart",
            site.index_bytes / site.chunks,
            "bytes",
        ),
    ]
    on = f"{on}; measured with {site.cameras} cameras"
    return [
        Result("S3", f"{what} ({site.kind})", value, unit, "told", True, None, on, more_is_better=unit == "cameras")
        for what, value, unit in figures
    ]


def lateness(sites: Sequence[Site], on: str) -> list[Result]:
    """Return how late footage is found, and what waited: of each site, as it was."""
    lines = []
    for site in sites:
        live = site.live
        more: dict[str, float | str] = {
            "part found, p50 ms": _late_ms(live.lags.parts, 0.5),
            "timeline tells a GOP, p50 ms": _late_ms(live.lags.gops, 0.5),
            "timeline tells a GOP, p95 ms": _late_ms(live.lags.gops, 0.95),
            "after all began another chunk: part found, p95 ms": _late_ms(live.lags.parts_after, 0.95),
            "after all began another chunk: timeline tells a GOP, p95 ms": _late_ms(live.lags.gops_after, 0.95),
            "messages waiting at the end": live.depth,
            "messages waiting at the most": live.deepest,
            "frames late at the most, s": live.sent.late_s,
            "seconds until all chunks that ended at once were stored": live.drained_s,
            "memory of the process, MiB": live.memory_mib,
            "parts": live.sent.parts,
            "chunks stored": live.chunks,
            "cameras found to the second": live.found,
        }
        what = f"part in its file -> found by the api, p95, {site.cameras} cameras ({site.kind})"
        value = _late_ms(live.lags.parts, 0.95)
        lines.append(Result("S4", what, value, "ms", "told", live.found == site.cameras, None, on, more))
    return lines


def _late_ms(lags: list[float], share: float) -> float:
    """Return a quantile, milliseconds; where nothing was found in time, the time after which it was given up."""
    return 1000 * quantile(lags or [GIVEN_UP_S], share)


def _of_server(live: Live, name: str) -> float:
    """Return what a server took of a processor, by the messages: all that is asked of it comes of these, nearly."""
    return live.spent.cpu_s[name] / sum(live.spent.messages.values())


def _ms(of: Callable[[Live], float]) -> Callable[[Site], float]:
    return lambda site: 1000 * of(site.live)


def _handled(service: str, kind: str) -> Callable[[Site], float]:
    def of(site: Site) -> float:
        one = site.live.handled[service, kind]
        return 1000 * one.cpu_s / one.count

    return of


def _statements(service: str, kind: str) -> Callable[[Site], float]:
    def of(site: Site) -> float:
        one = site.live.handled[service, kind]
        return one.statements / one.count

    return of


_COSTS: tuple[tuple[str, str, str, str, Callable[[Site], float]], ...] = (
    ("S3", "capture, processor of a part", "ms", "flat", _ms(lambda one: one.sent.cpu_s / one.sent.parts)),
    ("S3", "indexer, processor of a GOP", "ms", "flat", _handled("indexer", "gop.written")),
    ("S3", "indexer, statements of a GOP", "statements", "flat", _statements("indexer", "gop.written")),
    ("S3", "indexer, processor of a chunk", "ms", "flat", _ms(cost_of_chunk_s)),
    ("S3", "indexer, statements of a stored chunk", "statements", "flat", _statements("indexer", "chunk.stored")),
    ("S3", "indexer, processor of the bus, a message", "ms", "flat", _ms(lambda one: overhead_s(one, "indexer"))),
    ("S3", "segmenter, processor of a chunk", "ms", "flat", _handled("segmenter", "chunk.closed")),
    ("S3", "segmenter, statements of a chunk", "statements", "flat", _statements("segmenter", "chunk.closed")),
    ("S6", "janitor, plan of what goes next", "s", "linear", lambda site: site.ageing.plan_s),
    ("S6", "janitor, a sweep with nothing to do", "s", "linear", lambda site: site.ageing.idle_s),
    ("S6", "janitor, seconds of 1,000 deletions", "s", "flat", lambda site: 1000 / site.ageing.rate),
    ("S6", "recorder, processor of sharing in a second", "ms", "linear", lambda site: site.shares.share_ms),
    (
        "S6",
        "recorder, processor of looking for changes in a second",
        "ms",
        "linear",
        lambda site: site.shares.roster_ms,
    ),
    ("S6", "recorder, statements of both in a second", "statements", "flat", lambda site: site.shares.statements),
)
"""Id, what, unit, how it may grow, and how it is read from a site."""
_OF_SERVERS = (
    ("S3", "broker, processor of a durable message", "ms", "flat", _ms(lambda one: _of_server(one, BROKER))),
    ("S3", "database, processor for a durable message", "ms", "flat", _ms(lambda one: _of_server(one, DATABASE))),
)


def say(site: Site) -> None:
    """Print how it went."""
    live = site.live
    late = _late_ms(live.lags.parts, 0.95)
    print(
        f"  {site.kind}, {site.cameras} cameras: {site.chunks} chunks in {site.made_s:.0f} s, {live.sent.parts} parts, "
        f"found {live.found}, p95 {late:.0f} ms, drained in {live.drained_s:.1f} s",
        flush=True,
    )


__all__ = ["Scale", "describe", "run", "say"]
