"""What an export says of itself: the manifest that is signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

from gatehouse_common.db import Gap
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.media.slicing import Slice
from gatehouse_common.timefmt import rfc3339

from .evidence import Region
from .sources import Source

FORMAT = "gatehouse export 1"
CLIP, MANIFEST, SIGNATURE = "clip.mp4", "manifest.json", "manifest.sig"
PUBLIC_KEY, README = "public_key.pem", "README.txt"
NAMES = (CLIP, MANIFEST, SIGNATURE, PUBLIC_KEY, README)


def build_manifest(
    *,
    camera: str,
    camera_name: str,
    asked: Interval,
    cut: Slice,
    gaps: Sequence[Gap],
    sources: Sequence[Source],
    wrong: Sequence[Region],
    files: Mapping[str, str],
    made_us: int,
    fingerprint: str,
    zone: ZoneInfo,
) -> bytes:
    """Return the manifest of an export: JSON in UTF-8, of which the signature covers every byte.

    Args:
        camera: id of the camera.
        camera_name: what people call it.
        asked: the range asked for.
        cut: what it became.
        gaps: the ledger of the range.
        sources: the chunks that it is of.
        wrong: GOPs of the clip that are not what was recorded.
        files: SHA-256 in hexadecimal of each file beside the manifest, by name.
        made_us: when, microseconds UTC.
        fingerprint: of the key that signs.
        zone: the site's zone.
    """
    content = {
        "format": FORMAT,
        "software": f"gatehouse {version('gatehouse')}",
        "made": rfc3339(made_us),
        "key": {"algorithm": "Ed25519", "sha256": fingerprint},
        "camera": {"id": camera, "name": camera_name},
        "time_zone": zone.key,
        "asked": _span(asked.start, asked.end, zone),
        "got": _span(cut.start_us, cut.end_us, zone),
        "gaps": [_missing(*part) for gap in cut.gaps for part in _causes(gap, gaps)],
        "clip": {"file": CLIP, "bytes": cut.file.size, "sha256": files[CLIP], "frames": cut.frames},
        "files": {name: sha256 for name, sha256 in files.items() if name != CLIP},
        "chunks": [_chunk(source) for source in sources],
        "wrong": [{"offset": one.start, "bytes": one.end - one.start, **_utc(one.from_us, one.to_us)} for one in wrong],
    }
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _chunk(source: Source) -> dict[str, Any]:
    row, seal = source.row, source.seal
    fields = {
        "id": row.id,
        "run": row.run,
        "key": row.key,
        "state": row.state,
        "recovered": row.recovered,
        **_utc(row.start_us, row.end_us),
    }
    if seal is None:
        return {**fields, "gops": None, "in_clip": []}
    whole = [
        {
            "gop": number,
            "front": base64.b64encode(one.front).decode(),
            "offset": one.start,
            "bytes": one.end - one.start,
            **_utc(one.from_us, one.to_us),
        }
        for number, one in zip(source.numbers, source.regions, strict=True)
    ]
    return {
        **fields,
        "previous": seal.previous.hex(),
        "head": seal.head.hex(),
        "gops": [digest.hex() for digest in seal.gops],
        "last": seal.last.hex(),
        "late": seal.late,
        "in_clip": whole,
    }


def _causes(missing: Interval, gaps: Sequence[Gap]) -> list[tuple[Interval, Gap | None]]:
    """Return what of a range without footage is explained by the ledger, and what is not, by start."""
    known: list[tuple[Interval, Gap | None]] = []
    for gap in gaps:
        shared = missing.intersect(Interval(gap.start_us, gap.end_us)) if gap.end_us > gap.start_us else None
        if shared is not None:
            known.append((shared, gap))
    rest = subtract(missing, [span for span, _ in known])
    return sorted([*known, *((span, None) for span in rest)], key=lambda one: one[0].start)


def _missing(span: Interval, gap: Gap | None) -> dict[str, Any]:
    cause = {"cause": gap.cause, "detail": gap.detail} if gap else {"cause": None, "detail": "the ledger does not say"}
    return {**_utc(span.start, span.end), **cause}


def _span(start_us: int, end_us: int, zone: ZoneInfo) -> dict[str, str]:
    local = {"from_local": rfc3339(start_us, zone), "to_local": rfc3339(end_us, zone)}
    return {"from": rfc3339(start_us), "to": rfc3339(end_us), **local}


def _utc(start_us: int | None, end_us: int | None) -> dict[str, str | None]:
    return {
        "from": None if start_us is None else rfc3339(start_us),
        "to": None if end_us is None else rfc3339(end_us),
    }
