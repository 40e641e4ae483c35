"""What ``gatehouse verify`` says: each damage, who signed each export, and what all of it comes to."""

from __future__ import annotations

import json
from typing import Any

import click

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import InvalidInput
from gatehouse_common.integrity import Damage, Report, SignedExport
from gatehouse_common.timefmt import rfc3339, zone

from .plain import plain

_NEAR_US = SECOND // 2
"""The frames at the ends of a clip are shown a little before or after they are decoded, by which digests are timed."""

VERDICTS = {
    "damaged": "",
    "nothing": "there was nothing to verify",
    "signer-unknown": "unchanged since it was signed, with a key that was not given: who signed it is not known",
    "without-digests": "nothing wrong was found, but not all of it has digests to be held to",
    "as-recorded": "as recorded",
}
"""What a verification comes to, the first that is true; for people."""


def show(report: Report, *, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        click.echo(json.dumps(_all_of(report), indent=1))
        return
    for one in report.damages:
        click.echo(f"{one.kind:9} {plain(one.key)}{_where(one)}: {plain(one.detail)}")
    for export in report.signed:
        for line in _lines(export):
            click.echo(line)
    for note in report.notes:
        click.echo(plain(note))
    exports = "" if not report.exports else f"{report.exports} signed export{'s' if report.exports > 1 else ''}, "
    seen = f"{exports}{report.chunks} chunks, {report.bytes / 1e6:.1f} MB"
    if report.damages:
        click.echo(f"{seen}: {len(report.damages)} damages.", err=True)
    else:
        click.echo(f"{seen}: {VERDICTS[verdict(report)]}.")
    if report.open:
        click.echo(f"{report.open} chunks are being recorded, or wait to be stored: they were not looked at.", err=True)
    if report.unsealed:
        click.echo(f"{report.unsealed} chunks have no digests: they were recorded by an earlier version.", err=True)


def verdict(report: Report) -> str:
    """Return which of ``VERDICTS`` a verification comes to."""
    if report.damages:
        return "damaged"
    if not report.chunks and not report.exports:
        return "nothing"
    if len(report.signed) < report.exports or not all(one.is_known for one in report.signed):
        return "signer-unknown"
    if report.unsealed or any(one.footage_us - one.held_us > _NEAR_US for one in report.signed):
        return "without-digests"
    return "as-recorded"


def moment(us: int) -> str:
    """Return a time in RFC 3339; one that no calendar has, of a file that is damaged or made up, as a number."""
    try:
        return rfc3339(us)
    except OverflowError:
        return f"{us} us"


def _lines(one: SignedExport) -> list[str]:
    """Return what an export says of itself, for people."""
    name = "" if one.camera_name in {"", one.camera} else f" ({one.camera_name})"
    whose = (
        "the key that was given"
        if one.is_known
        else "a key that was not given: it is the owner's only if `gatehouse signing-key` there says the same"
    )
    return [
        f"{plain(one.file)} says that it is",
        f"  of camera {plain(one.camera + name, 200)}",
        f"  from      {_both(one.start_us, one.time_zone)}",
        f"  to        {_both(one.end_us, one.time_zone)}",
        f"  made      {_both(one.made_us, one.time_zone)}",
        f"  signed    with {one.key or 'no key that can be read'},",
        f"            {whose}",
        f"  held      {one.held_us / SECOND:.3f} of {one.footage_us / SECOND:.3f} s to the recorder's own digests",
    ]


def _local(us: int, time_zone: str) -> str | None:
    """Return a time in the recorder's zone; None if that is not known here, or no calendar has such a time."""
    try:
        return rfc3339(us, zone(time_zone))
    except (InvalidInput, OverflowError):
        return None


def _both(us: int, time_zone: str) -> str:
    """Return a time in UTC, and in the recorder's zone if that is known here."""
    local = _local(us, time_zone)
    return moment(us) if local is None else f"{moment(us)}  ({local} {time_zone})"


def _where(one: Damage) -> str:
    where = "" if one.start is None else f", bytes {one.start} to {one.end}"
    if one.from_us is not None and one.to_us is not None:
        where += f", {moment(one.from_us)} to {moment(one.to_us)}"
    return where


def _all_of(report: Report) -> dict[str, Any]:
    counts = {
        name: getattr(report, name) for name in ("chunks", "bytes", "exports", "unsealed", "late", "open", "notes")
    }
    return {
        **counts,
        "verdict": verdict(report),
        "signed": [_fields_of_export(one) for one in report.signed],
        "damages": [_fields(one) for one in report.damages],
    }


def _fields_of_export(one: SignedExport) -> dict[str, Any]:
    return {
        "file": one.file,
        "key": one.key,
        "key_given": one.is_known,
        "camera": one.camera,
        "camera_name": one.camera_name,
        "from": moment(one.start_us),
        "to": moment(one.end_us),
        "time_zone": one.time_zone,
        "from_local": _local(one.start_us, one.time_zone),
        "to_local": _local(one.end_us, one.time_zone),
        "made": moment(one.made_us),
        "seconds": one.footage_us / SECOND,
        "seconds_held": one.held_us / SECOND,
    }


def _fields(one: Damage) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "key": one.key,
        "camera": one.camera,
        "chunk": one.chunk,
        "bytes": None if one.start is None else [one.start, one.end],
        "from": None if one.from_us is None else moment(one.from_us),
        "to": None if one.to_us is None else moment(one.to_us),
        "detail": one.detail,
    }
