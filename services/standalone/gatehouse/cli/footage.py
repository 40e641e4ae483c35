"""``gatehouse footage``: a range of a camera as one exact file, straight from index and store."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from gatehouse.extraction import Extraction, Request, extract
from gatehouse_common.errors import Conflict, from_os_error
from gatehouse_common.timefmt import parse, rfc3339, zone

from .options import data_options, json_option, open_recordings
from .progress import progress


@click.command()
@click.argument("camera")
@click.argument("start", metavar="FROM")
@click.argument("end", metavar="TO")
@click.option("-o", "--output", required=True, metavar="FILE", help="File to write; - writes to standard output.")
@click.option("--cut", type=click.Choice(["exact", "smart"]), default="exact", show_default=True, help="How to begin.")
@click.option(
    "--gaps",
    type=click.Choice(["keep", "skip", "split"]),
    default="keep",
    show_default=True,
    help="Hold the last picture over a gap, leave gaps out, or write a tar of one file per unbroken span.",
)
@click.option("--tz", help="Zone of times without an offset (setting timezone).")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
@data_options
def footage(
    camera: str,
    start: str,
    end: str,
    output: str,
    cut: str,
    gaps: str,
    tz: str | None,
    force: bool,
    as_json: bool,
    data: Path | None,
    config: Path | None,
) -> None:
    """Save what CAMERA recorded from FROM until TO.

    Times: RFC 3339 (2024-05-17T10:23:00+02:00), YYYYMMDD_HHMMSS in the site's zone, or seconds since 1970. The file
    begins with the picture that was on screen at FROM. `--cut smart` encodes the first pictures anew where
    needed, so that nothing from before FROM is in the file, not even hidden. No server has to run.
    """
    core = open_recordings(data, config)
    try:
        local = zone(tz) if tz else core.zone
        wanted = Request(camera, parse(start, local, "FROM"), parse(end, local, "TO", fold=1), cut, gaps)
        found = extract(core, wanted)
        with progress(f"{camera} {start}", found.size, of_bytes=True, quiet=output == "-") as advance:
            _write(output, _counted(found.read(), advance), force=force)
    finally:
        core.close()
    _report(found, output, as_json=as_json)


def _counted(pieces: Iterator[bytes], advance: object) -> Iterator[bytes]:
    assert callable(advance)  # noqa: S101
    for piece in pieces:
        yield piece
        advance(len(piece))


def _write(output: str, pieces: Iterator[bytes], *, force: bool) -> None:
    if output == "-":
        _copy(pieces, sys.stdout.buffer)
        return
    path = Path(output)
    if path.exists() and not force:
        raise Conflict(f"{path} is there already: choose another name, or replace it with --force.")
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as file:
            _copy(pieces, file)
        unfinished.replace(path)
    except OSError as error:
        raise from_os_error(error, f"writing {path}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(pieces: Iterator[bytes], to: BinaryIO) -> None:
    to.writelines(pieces)
    to.flush()


def _report(found: Extraction, output: str, *, as_json: bool) -> None:
    facts = found.slice
    gaps = [[rfc3339(g.start), rfc3339(g.end)] for g in facts.gaps]
    if as_json:
        line = {
            "file": output,
            "bytes": found.size,
            "start": rfc3339(facts.start_us),
            "end": rfc3339(facts.end_us),
            "frames": facts.frames,
            "gaps": gaps,
        }
        click.echo(json.dumps(line), err=output == "-")
        return
    missing = f", {len(gaps)} gaps" if len(gaps) > 1 else ", 1 gap" if gaps else ""
    text = f"{output}: {facts.frames} frames from {rfc3339(facts.start_us)} to {rfc3339(facts.end_us)}{missing}"
    click.echo(text, err=True)
    for start, end in gaps:
        click.echo(f"  not recorded: {start} to {end}", err=True)
