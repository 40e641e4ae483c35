"""``gatehouse verify``: is footage what was recorded, bit for bit?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from gatehouse_common.clock import SECOND
from gatehouse_common.db import CameraRepository, FootageReader
from gatehouse_common.db.upkeep_models import FOREVER_US
from gatehouse_common.errors import InvalidInput, NotFound
from gatehouse_common.integrity import Part, Report, rows_of, verify_recordings
from gatehouse_common.integrity.files import verify_files
from gatehouse_common.messages import GapCause
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import parse, rfc3339, zone

from .options import data_options, json_option, open_recordings
from .progress import progress
from .verified import show

_FILE_ENDINGS = {".mp4", ".zip"}


@click.command()
@click.argument("what", nargs=-1, metavar="[CAMERA [FROM TO] | FILE...]")
@click.option(
    "--key", type=click.Path(path_type=Path), help="Public key (PEM) that exports must be signed with, known otherwise."
)
@click.option("--tz", help="Zone of times without an offset (setting timezone).")
@json_option
@data_options
def verify(
    what: tuple[str, ...],
    key: Path | None,
    tz: str | None,
    as_json: bool,
    data: Path | None,
    config: Path | None,
) -> None:
    """Hold every byte of recorded footage, or of FILEs, to the digests that were made when it was recorded.

    Without arguments all recordings are verified; with CAMERA, or CAMERA FROM TO, those of a camera or range. FILE is a
    chunk file, a folder of them, or a signed export: neither index nor data directory is needed for it.

    Of an export is shown what it says of itself, and with which key it is signed. Without --key anybody may have signed
    it: then it is only known that nothing was changed since.

    Exit code 1 if something is wrong. Nothing is changed.
    """
    if _are_files(what):
        paths = _files([Path(one) for one in what])
        size = sum(path.stat().st_size for path in paths)
        with progress("verifying", size, of_bytes=True, quiet=as_json) as advance:
            report = verify_files(paths, key, advance)
    else:
        if key is not None:
            raise InvalidInput("--key is for signed exports: name the FILE.")
        report = _verify_recordings(what, tz, data, config, quiet=as_json)
    show(report, as_json=as_json)
    sys.exit(1 if report.damages else 0)


def _are_files(what: Sequence[str]) -> bool:
    """Whether arguments name files; a camera of the name of a file that is there must be verified elsewhere."""
    return any(Path(one).exists() or "/" in one or Path(one).suffix.lower() in _FILE_ENDINGS for one in what)


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise NotFound(f"there is no file {path}.")
        inside = sorted(p for p in path.rglob("*.mp4") if p.is_file()) if path.is_dir() else [path]
        if not inside:
            raise NotFound(f"there is no .mp4 file in {path}.")
        found += inside
    return found


def _verify_recordings(
    what: Sequence[str], tz: str | None, data: Path | None, config: Path | None, *, quiet: bool
) -> Report:
    core = open_recordings(data, config)
    try:
        core.db.upgrade()
        part = _part(core, what, tz)
        count = size = 0
        cameras = set() if part.camera is None else {part.camera}
        for row in rows_of(core, part):
            count, size = count + 1, size + row.bytes
            cameras.add(row.camera)
        if part.camera is not None and not count:
            raise NotFound(f"nothing of camera {part.camera} is recorded there.")
        with progress("verifying", size, of_bytes=True, quiet=quiet) as advance:
            report = verify_recordings(core, part, advance)
        report.notes += _told(core, part, cameras)
        return report
    finally:
        core.close()


def _part(core: Core, what: Sequence[str], tz: str | None) -> Part:
    if not what:
        return Part()
    if len(what) not in {1, 3}:
        raise InvalidInput("verify takes nothing, CAMERA, CAMERA FROM TO, or FILEs.")
    known = {c.id for c in CameraRepository(core.db).list()} | set(FootageReader(core.db).cameras())
    if what[0] not in known:
        listed = ", ".join(sorted(known)[:8]) or "none"
        raise NotFound(f"there is no camera {what[0][:64]!r}, and no file of that name; known cameras are: {listed}.")
    if len(what) == 1:
        return Part(what[0])
    local = zone(tz) if tz else core.zone
    start_us, end_us = parse(what[1], local, "FROM"), parse(what[2], local, "TO", fold=1)
    if end_us <= start_us:
        raise InvalidInput(f"TO ({rfc3339(end_us)}) must be after FROM ({rfc3339(start_us)}).", "to")
    return Part(what[0], start_us, end_us)


def _told(core: Core, part: Part, cameras: Iterable[str]) -> Iterator[str]:
    """Yield what the ledger says that was there and is not any more, but for what was let go of by its age."""
    reader = FootageReader(core.db)
    start_us, end_us = part.start_us or 0, FOREVER_US if part.end_us is None else part.end_us
    for camera in sorted(cameras):
        gaps = reader.gaps(camera, start_us, end_us)
        for cause in (GapCause.DELETED.value, GapCause.CORRUPT.value):
            lengths = [min(g.end_us, end_us) - max(g.start_us, start_us) for g in gaps if g.cause == cause]
            if lengths:
                times = "one hole" if len(lengths) == 1 else f"{len(lengths)} holes"
                yield (
                    f"{camera}: {times} in what was recorded, {sum(lengths) / SECOND:.1f} s, known to the ledger as "
                    f"{cause}: `gatehouse coverage {camera}` tells more"
                )
