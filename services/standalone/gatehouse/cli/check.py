"""``gatehouse check``: do index and files agree?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gatehouse.consistency import Kind, Problem, count, find_problems
from gatehouse.repair import Repair, refuse_if_store_is_away
from gatehouse_common.runtime import Core, DataLock

from .options import data_options, json_option, open_recordings
from .progress import progress


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
    """Compare every file with the index, both ways, and each sample index with the file's own boxes.

    Exit code 1 if something is wrong and was not mended. No file is ever deleted. --repair needs Gatehouse to be
    stopped.
    """
    core = open_recordings(data, config, without_index=repair)
    lock = DataLock(core.data_dir) if repair else None
    try:
        core.db.upgrade()
        with progress("checking", count(core), quiet=as_json) as advance:
            problems = list(find_problems(core, advance, quick=quick))
        mended = _mend(core, problems, force=force) if repair else {}
        _report(core, problems, mended, as_json=as_json)
    finally:
        core.close()
        if lock is not None:
            lock.release()
    sys.exit(1 if len(mended) < len(problems) else 0)


def _mend(core: Core, problems: list[Problem], *, force: bool) -> dict[str, str]:
    refuse_if_store_is_away(core, problems, force=force)
    repair = Repair(core)
    done = {p.key: repair.mend(p) for p in problems}
    return {key: what for key, what in done.items() if what is not None}


def _report(core: Core, problems: list[Problem], mended: dict[str, str], *, as_json: bool) -> None:
    checked = count(core) // 2
    if as_json:
        found = [
            {"kind": p.kind, "camera": p.camera, "key": p.key, "detail": p.detail, "mended": mended.get(p.key)}
            for p in problems
        ]
        click.echo(json.dumps({"chunks": checked, "problems": found}, indent=1))
        return
    for p in problems:
        outcome = f" ({mended[p.key]})" if p.key in mended else ""
        click.echo(f"{p.kind:8} {p.key}: {p.detail}{outcome}")
    left = len(problems) - len(mended)
    if not problems:
        click.echo(f"{checked} chunks: index and files agree.")
    elif left:
        mendable = not mended and any(p.kind is not Kind.OVERLAP for p in problems)
        hint = " `gatehouse check --repair` mends them; nothing is deleted." if mendable else ""
        click.echo(f"{checked} chunks, {left} problems.{hint}", err=True)
