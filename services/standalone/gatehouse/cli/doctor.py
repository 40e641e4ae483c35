"""``gatehouse doctor``: would recording work here?"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import click

from gatehouse.diagnosis import diagnose
from gatehouse_common.clock import SystemClock

from .options import data_options, json_option, read_settings

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@click.command()
@click.option("--cameras/--no-cameras", default=True, help="Connect to each camera.")
@json_option
@data_options
def doctor(cameras: bool, as_json: bool, data: Path | None, config: Path | None) -> None:
    """Look at what recording needs: codecs, disk, port, index, cameras. Exit code 1 if something is wrong."""
    settings = read_settings(data, config)
    findings = []
    for finding in diagnose(settings, SystemClock(), cameras=cameras):
        findings.append(finding)
        if not as_json:
            click.echo(f"{_MARKS[finding.outcome]} {finding.question}: {finding.detail}")
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(f) for f in findings], indent=1))
    sys.exit(1 if any(f.outcome == "wrong" for f in findings) else 0)
