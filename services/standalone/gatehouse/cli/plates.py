"""``gatehouse plates``: read the plates of a picture, and measure how well they are read."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gatehouse.plate_bench import Bench, Score, rows_of
from gatehouse_common.errors import InvalidInput, from_os_error
from gatehouse_common.observability import logs
from gatehouse_detector.reading.engines import open_engine
from gatehouse_detector.reading.images import decode
from gatehouse_detector.reading.port import Image, Reading
from gatehouse_detector.reading.syntaxes import known_region

from .options import json_option
from .plate_search import search
from .progress import progress

_REGION = "Syntaxes to prefer: us, eu, br; any: all alike."


@click.group()
def plates() -> None:
    """Read plates, and look for those that were read."""


plates.add_command(search)


@plates.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--region", default="any", show_default=True, help=_REGION)
@json_option
def read(file: Path, region: str, as_json: bool) -> None:
    """Read the plates in FILE, a JPEG. Nothing leaves this machine."""
    logs.set_up("error", "auto", None)
    region = known_region(region)
    found = open_engine().read(picture(file), region)
    if as_json:
        click.echo(json.dumps([fields(reading) for reading in found], indent=1))
        return
    for reading in found:
        (left, top), (right, _), (_, bottom), _ = reading.quad
        fits = f"  {reading.region} {reading.pattern}" if reading.pattern else ""
        place = f"{right - left:.0f}x{bottom - top:.0f} at {left:.0f},{top:.0f}"
        click.echo(f"{reading.text:<12} {reading.confidence:.2f}  {place}{fits}")
    if not found:
        click.echo("No plate was read.", err=True)


@plates.command()
@click.argument("index", type=click.Path(path_type=Path))
@click.option("--region", help=f"{_REGION} Else each row's own, as a camera's setting says its own.")
@click.option("--no-baseline", is_flag=True, help="Leave out the off-the-shelf reader of text beside it.")
@json_option
def bench(index: Path, region: str | None, no_baseline: bool, as_json: bool) -> None:
    """Measure how well the plates of INDEX are read, and how fast, beside an off-the-shelf reader of text.

    INDEX is a CSV file with the columns file, region, plate, x, y, width, height: one plate a picture, in pixels, and
    the file's path beside the index. CPU is that of one core per picture, decoding left out.
    """
    logs.set_up("error", "auto", None)
    hint = None if region is None else known_region(region)
    rows = rows_of(index)
    measured = Bench(open_engine(), baseline=not no_baseline)
    with progress("reading", len(rows), quiet=as_json) as advance:
        for row in rows:
            measured.read(row, picture(index.parent / row.file), row.region if hint is None else hint)
            advance(1)
    if as_json:
        click.echo(json.dumps(measured.result(), indent=1))
        return
    _table(measured)


def picture(file: Path) -> Image:
    """Return the pixels of a file.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is no JPEG.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise from_os_error(error, f"reading {file}") from error
    try:
        return decode(data)
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error.message}") from error


def fields(reading: Reading) -> dict[str, object]:
    """Return a reading for scripts."""
    return {
        "plate": reading.text,
        "confidence": reading.confidence,
        "region": reading.region,
        "pattern": reading.pattern,
        "characters": list(reading.characters),
        "quad": [list(corner) for corner in reading.quad],
        "alternatives": [list(each) for each in reading.alternatives],
    }


def _table(measured: Bench) -> None:
    click.echo(f"{'':<24}{'pictures':>9}{'exact':>8}{'folded':>8}{'CPU ms':>8}")
    for region, score in measured.regions.items():
        _row(region, score)
        if region in measured.baseline:
            _row("  text reader, top line", measured.baseline[region])
            _row("  text reader, any line", measured.any_line[region])
    on_plate, right = measured.share(measured.sure_on_plate), measured.share(measured.sure_right)
    click.echo(
        f"Of {measured.sure} answers with a confidence above 0.5, {on_plate:.1%} are on the plate and {right:.1%} say "
        f"what it says (O and 0, I and 1 alike)."
    )


def _row(name: str, score: Score) -> None:
    click.echo(f"{name:<24}{score.n:>9}{score.exact:>8.3f}{score.folded:>8.3f}{score.cpu_ms:>8.0f}")
