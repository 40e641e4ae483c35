"""``gatehouse footage``: a range of a camera as one exact file, straight from index and store."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from gatehouse.extraction import Extraction, Request, extract
from gatehouse_common.errors import Conflict, from_os_error
from gatehouse_common.media.conversion import find_target
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
@click.option(
    "--format",
    "container",
    type=click.Choice(["mp4", "mkv", "webm"]),
    help="Kind of file; else by FILE's ending: .mkv is copied, .webm is VP9 and Opus, all others are MP4.",
)
@click.option(
    "--codec",
    type=click.Choice(["source", "h264"]),
    default="source",
    show_default=True,
    help="h264: encode anew, for players that do not know the camera's codec; MP4 only.",
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
    container: str | None,
    codec: str,
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
        target = find_target(container or _by_ending(output), codec)
        wanted = Request(camera, parse(start, local, "FROM"), parse(end, local, "TO", fold=1), cut, gaps, target)
        found = extract(core, wanted)
        size = _convert(found, output, f"{camera} {start}", force=force) if target else found.size
        if target is None:
            with progress(f"{camera} {start}", found.size, of_bytes=True, quiet=output == "-") as advance:
                _write(output, _counted(found.read(), advance), force=force)
    finally:
        core.close()
    _report(found, output, size, as_json=as_json)


def _counted(pieces: Iterator[bytes], advance: object) -> Iterator[bytes]:
    assert callable(advance)  # noqa: S101
    for piece in pieces:
        yield piece
        advance(len(piece))


def _by_ending(output: str) -> str:
    ending = Path(output).suffix.lower().removeprefix(".")
    return ending if ending in {"mkv", "webm"} else "mp4"


def _write(output: str, pieces: Iterator[bytes], *, force: bool) -> None:
    if output == "-":
        _copy(pieces, sys.stdout.buffer)
        return
    with unfinished(Path(output), force=force) as path, path.open("wb") as file:
        _copy(pieces, file)


def _convert(found: Extraction, output: str, doing: str, *, force: bool) -> int:
    """Write the file that is made; return its length in bytes, 0 if it went to standard output."""
    milliseconds = max(1, (found.slice.end_us - found.slice.start_us) // 1000)
    done = 0
    with progress(doing, milliseconds, quiet=output == "-") as advance:

        def told(seconds: float) -> None:
            nonlocal done
            now = min(round(seconds * 1000), milliseconds)
            if now > done:
                advance(now - done)
                done = now

        if output == "-":
            found.convert("pipe:1", told)
            return 0
        with unfinished(Path(output), force=force) as path:
            found.convert(str(path), told)
    return Path(output).stat().st_size


@contextmanager
def unfinished(path: Path, *, force: bool) -> Iterator[Path]:
    """Yield the name to write to; it gets the right one when all of it is there."""
    if path.exists() and not force:
        raise Conflict(f"{path} is there already: choose another name, or replace it with --force.")
    unfinished = path.with_name(path.name + ".part")
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise from_os_error(error, f"writing {path}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(pieces: Iterator[bytes], to: BinaryIO) -> None:
    to.writelines(pieces)
    to.flush()


def _report(found: Extraction, output: str, size: int, *, as_json: bool) -> None:
    facts = found.slice
    gaps = [[rfc3339(g.start), rfc3339(g.end)] for g in facts.gaps]
    if as_json:
        line = {
            "file": output,
            "bytes": size,
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
