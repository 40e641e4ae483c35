"""``gatehouse upload``: a file to a running Gatehouse, gone on with where it was broken off."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from gatehouse.uploading import Server, by_blobs, by_tus
from gatehouse_common.errors import InvalidInput, from_os_error

from .options import json_option
from .progress import progress

_SIZE = re.compile(r"(\d{1,12})\s*(|B|KiB|MiB|GiB)", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--url", default="http://127.0.0.1:5000", show_default=True, help="Where Gatehouse answers.")
@click.option(
    "--api", "door", type=click.Choice(["tus", "blob"]), default="tus", show_default=True, help="How it is sent."
)
@click.option("--blob-size", default="", help="Sent at once, e.g. 1MiB; without it 8MiB of tus, 1MiB of blobs.")
@click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Blobs sent at once.")
@click.option("--user", default="", help="In whose name; blobs need one.")
@click.option("--token-file", type=click.Path(path_type=Path), help="File with the token to show.")
@click.option("--patience", type=click.FloatRange(0), default=300.0, show_default=True, help="Seconds it may be away.")
@json_option
def upload(
    file: Path,
    url: str,
    door: str,
    blob_size: str,
    parallel: int,
    user: str,
    token_file: Path | None,
    patience: float,
    as_json: bool,
) -> None:
    """Upload FILE, a film or a sound, to a running Gatehouse.

    What is broken off is gone on with: while this runs as soon as Gatehouse is there again, later by the same command.
    """
    server = Server(url, _token(token_file), patience)
    size = file.stat().st_size if file.is_file() else 0
    if door == "blob" and not user:
        raise InvalidInput("blobs are uploaded in somebody's name: say --user.", "user")
    with progress(file.name, size, of_bytes=True, quiet=as_json) as advance:
        if door == "tus":
            told = by_tus(server, file, _bytes(blob_size or "8MiB"), advance)
        else:
            told = by_blobs(server, file, _bytes(blob_size or "1MiB"), user, parallel, advance)
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"{file}: medium {told['media'] if door == 'tus' else told['id']}", err=True)


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    size = int(found[1]) * _UNITS[found[2].lower()] if found else 0
    if not 1 << 10 <= size <= 1 << 30:
        raise InvalidInput(f"--blob-size {text[:20]!r} is no size: use e.g. 1MiB, from 1KiB to 1GiB.", "blob-size")
    return size


def _token(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError):
            raise from_os_error(error, f"reading {path}") from error
        raise InvalidInput(f"{path} has no token.", "token-file") from error
