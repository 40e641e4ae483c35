"""``gatehouse export`` and ``gatehouse signing-key``: footage that others can verify."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gatehouse.extraction import Request, extract
from gatehouse_common.errors import Conflict, from_os_error
from gatehouse_common.integrity.export import Exported, write_export
from gatehouse_common.integrity.signing import signing_key
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import Slice
from gatehouse_common.timefmt import parse, rfc3339, zone

from .footage import unfinished
from .options import data_options, json_option, open_recordings, read_settings
from .progress import progress


@click.command()
@click.argument("camera")
@click.argument("start", metavar="FROM")
@click.argument("end", metavar="TO")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write: a .zip.")
@click.option("--tz", help="Zone of times without an offset (setting timezone).")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
@data_options
def export(
    camera: str,
    start: str,
    end: str,
    output: Path,
    tz: str | None,
    force: bool,
    as_json: bool,
    data: Path | None,
    config: Path | None,
) -> None:
    """Save what CAMERA recorded from FROM until TO as a signed file that others can verify.

    The zip holds the clip, a manifest (range, gaps and their causes, hashes, the recorder's digests of the footage),
    its Ed25519 signature, the public key, and a README that says how to verify it with openssl alone. `gatehouse
    verify FILE.zip` does it too. The key is made at the first export; `gatehouse signing-key` shows its fingerprint.

    Exit code 1 if some of the footage is not what was recorded: it is exported all the same, and the manifest says so.
    """
    core = open_recordings(data, config)
    try:
        local = zone(tz) if tz else core.zone
        wanted = Request(camera, parse(start, local, "FROM"), parse(end, local, "TO", fold=1))
        cut = extract(core, wanted).slice
        key = signing_key(core.settings)
        with (
            unfinished(output, force=force) as path,
            path.open("wb") as file,
            progress(f"{camera} {start}", cut.file.size, of_bytes=True, quiet=as_json) as advance,
        ):
            made = write_export(core, camera, Interval(wanted.start_us, wanted.end_us), cut, key, file, advance)
    finally:
        core.close()
    _report(output, cut, made, as_json=as_json)
    sys.exit(1 if made.wrong else 0)


@click.command("signing-key")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write the public key to this file (PEM).")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
@data_options
def show_key(output: Path | None, force: bool, as_json: bool, data: Path | None, config: Path | None) -> None:
    """Show the fingerprint of the key that exports are signed with; the key is made if there is none.

    Tell it to those who get exports by another way than the exports, or give them the public key for `gatehouse verify
    --key`: the key inside an export proves only that nothing was changed since it was signed, not by whom.
    """
    public = signing_key(read_settings(data, config)).public
    if output is not None:
        if output.exists() and not force:
            raise Conflict(f"{output} is there already: choose another name, or replace it with --force.")
        try:
            output.write_bytes(public.pem)
        except OSError as error:
            raise from_os_error(error, f"writing {output}") from error
    if as_json:
        click.echo(json.dumps({"sha256": public.fingerprint, "public_key": public.pem.decode()}))
    else:
        click.echo(public.fingerprint)


def _report(output: Path, cut: Slice, made: Exported, *, as_json: bool) -> None:
    if as_json:
        line = {
            "file": str(output),
            "bytes": made.size,
            "start": rfc3339(cut.start_us),
            "end": rfc3339(cut.end_us),
            "frames": cut.frames,
            "gaps": [[rfc3339(g.start), rfc3339(g.end)] for g in cut.gaps],
            "sha256": made.clip_sha256,
            "key": made.fingerprint,
            "unsealed": made.unsealed,
            "wrong": [[one.start, one.end] for one in made.wrong],
        }
        click.echo(json.dumps(line))
        return
    click.echo(
        f"{output}: {cut.frames} frames from {rfc3339(cut.start_us)} to {rfc3339(cut.end_us)}, signed with the key "
        f"{made.fingerprint}",
        err=True,
    )
    for gap in cut.gaps:
        click.echo(f"  not recorded: {rfc3339(gap.start)} to {rfc3339(gap.end)}", err=True)
    if made.unsealed:
        click.echo(f"  {made.unsealed} chunks have no digests of the recorder's", err=True)
    for one in made.wrong:
        span = "" if one.from_us is None or one.to_us is None else f"{rfc3339(one.from_us)} to {rfc3339(one.to_us)}"
        click.echo(f"  not what was recorded: {span}; the manifest says so", err=True)
