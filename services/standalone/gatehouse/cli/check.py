"""``gatehouse check``: do index and files agree?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gatehouse_common.bus import Delivery
from gatehouse_common.db import Facts
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.errors import GatehouseError
from gatehouse_common.runtime import Core, DataLock
from gatehouse_common.runtime.buses import is_shared
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.checking.care import ALONE, LIVE, Care
from gatehouse_janitor.checking.check import Check, Report
from gatehouse_janitor.checking.last_check import keep_left, left_of
from gatehouse_janitor.checking.problem import Kind, Problem
from gatehouse_janitor.checking.repair import Repair
from gatehouse_janitor.checking.safety import refuse_if_store_is_away

from .options import data_options, json_option, open_recordings, read_settings
from .plain import plain
from .progress import progress

_NEVER_MENDED = frozenset({Kind.OVERLAP, Kind.LEFTOVER})


@click.command()
@click.option("--repair", is_flag=True, help="Mend what differs: index files anew, or move them to quarantine.")
@click.option("--quick", is_flag=True, help="Compare names and sizes only, read no file.")
@click.option("--force", is_flag=True, help="With --repair: even if more than half of the files are missing.")
@json_option
@data_options
def check(
    repair: bool,
    quick: bool,
    force: bool,
    as_json: bool,
    data: Path | None,
    config: Path | None,
) -> None:
    """Compare every file with the index, both ways, and what is in it with what was recorded, to the byte.

    Recordings, clips and pictures of plates. Exit code 1 if something is wrong and was not mended. No file is ever
    deleted. --repair needs Gatehouse to be stopped; a running one mends itself, if it is asked to over HTTP.
    """
    core = open_recordings(data, config, without_index=repair)
    lock = _lock(core, needed=repair)
    try:
        is_new = core.db.current() is None
        core.db.upgrade()
        if is_new:  # what is found in files says nothing of the settings of cameras: nothing may be too old by them
            now_us = core.clock.now_us()
            Facts(core.db).put(INDEX_REBUILT, str(now_us), now_us)
        checking = Check(core, _care(data, config, lock), quick=quick)
        with progress("checking", checking.steps(), quiet=as_json) as advance:
            report = checking.all(advance)
        mended = _mend(core, checking, report, force=force) if repair else {}
        _report(report, mended, as_json=as_json)
        if not quick:  # which does not see all that there may be
            keep_left(core, left_of(report, mended))
    finally:
        core.close()
        if lock is not None:
            lock.release()
    sys.exit(1 if len(mended) < len(report.problems) else 0)


def _lock(core: Core, *, needed: bool) -> DataLock | None:
    """Hold the data directory; None if a running Gatehouse does, and that is no hindrance."""
    try:
        return DataLock(core.data_dir)
    except GatehouseError:
        if needed:
            raise
        return None


def _care(data: Path | None, config: Path | None, lock: DataLock | None) -> Care:
    """Return how careful to be: others may write if index and store are shared, or if somebody holds the lock."""
    return LIVE if lock is None or is_shared(read_settings(data, config)) else ALONE


def _mend(core: Core, checking: Check, report: Report, *, force: bool) -> dict[Problem, str]:
    refuse_if_store_is_away(core, report, force=force)
    indexer = build_indexer(core)
    repair = Repair(core, checking, lambda stored: indexer.handle(Delivery(stored)), force=force)
    return repair.mend_all(report.problems)


def _report(report: Report, mended: dict[Problem, str], *, as_json: bool) -> None:
    if as_json:
        found = [
            {
                "kind": p.kind.value,
                "area": p.area.value,
                "camera": p.camera,
                "key": p.key,
                "detail": p.detail,
                "mended": mended.get(p),
            }
            for p in report.problems
        ]
        numbers = {
            "chunks": report.chunks,
            "files": report.files,
            "clips": report.clips,
            "sessions": report.sessions,
            "pictures": report.pictures,
            "spool_files": report.spool_files,
            "quarantined": report.quarantined,
        }
        click.echo(json.dumps({**numbers, "counts": report.counts, "problems": found}, indent=1))
        return
    for p in report.problems:
        outcome = f" ({mended[p]})" if p in mended else ""
        click.echo(plain(f"{p.kind.value:9} {p.key}: {p.detail}{outcome}"))
    left = len(report.problems) - len(mended)
    if not report.problems:
        click.echo(f"{report.chunks} chunks: index and files agree.")
    elif left:
        mendable = not mended and any(p.kind not in _NEVER_MENDED for p in report.problems)
        hint = " `gatehouse check --repair` mends them; nothing is deleted." if mendable else ""
        click.echo(f"{report.chunks} chunks, {left} problems.{hint}", err=True)
    if report.quarantined:
        click.echo(f"{report.quarantined} files wait in the quarantine for somebody to look at them.", err=True)
