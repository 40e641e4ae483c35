"""Verifying files by themselves, on any machine: exports, and chunk files by what they say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.gops import chained_to
from gatehouse_common.media.run_box import RunInfo
from gatehouse_common.media.stored import ObjectReader, read_head

from .chains import Chains
from .chunk_bytes import Advance, damages
from .evidence import Evidence, of_index, of_parts, own_index
from .exported import is_export, verify_export
from .findings import Damage, DamageKind, Report
from .one_file import OneFile
from .signing import read_public_key


@dataclass(frozen=True, slots=True)
class _Verified:
    """A chunk file that says what it is."""

    key: str
    camera: str
    evidence: Evidence


def verify_files(paths: Sequence[Path], key: Path | None, advance: Advance) -> Report:
    """Return what is wrong with chunk files and exports, and between chunk files that are of one run.

    Args:
        paths: the files.
        key: the public key that exports must be signed with; None: any.
        advance: told how many bytes were read.

    Raises:
        NotFound: there is no such file.
        InvalidInput: ``key`` is no public key.
    """
    report, verified = Report(), list[_Verified]()
    known = read_public_key(key) if key is not None else None
    for path in paths:
        try:
            if is_export(path):
                verify_export(path, known, report, advance)
                continue
            one = _verify(path, report, advance)
        except DataLoss as error:  # it costs itself only: the others are verified all the same
            report.damages.append(Damage(DamageKind.CHANGED, str(path), f"it cannot be read: {error.message}"))
            continue
        if one is not None:
            verified.append(one)
    verified.sort(key=lambda one: (one.camera, one.evidence.media.start_us))
    # What is not among the files may be anywhere: only what lies between two of them is missed.
    chains = Chains(lambda _camera, _start_us, _end_us: False, lambda _run: None)
    for one in verified:
        broken = chains.follow(one.camera, one.key, one.evidence.media, one.evidence.seal)
        if broken is not None:
            report.damages.append(broken)
    return report


def _verify(path: Path, report: Report, advance: Advance) -> _Verified | None:
    store, key = OneFile(path), str(path)
    size = store.stat(key).size
    info = _head(store, key)
    evidence, wrong = _evidence(store, key, info)
    camera = info.camera if info else ""
    if evidence is not None:
        # Without an index of its own it is held to its digests up to where they end; the rest is told already.
        held = size if evidence.box else min(size, evidence.media.indexed_bytes)
        wrong += damages(store, key, held, evidence, camera, advance)
        advance(size - held)
        report.chunks += 1
        report.bytes += size
        report.unsealed += evidence.seal is None
        report.late += evidence.seal is not None and evidence.seal.late > 0
    report.damages += [replace(one, camera=camera) for one in wrong]
    return _Verified(key, camera, evidence) if evidence is not None else None


def _head(store: OneFile, key: str) -> RunInfo | None:
    try:
        return read_head(store, key)[0]
    except DataLoss:  # its digest tells
        return None


def _evidence(store: OneFile, key: str, info: RunInfo | None) -> tuple[Evidence | None, list[Damage]]:
    """Return what a file must be by its own index, and what is wrong with that."""
    reader = ObjectReader(store, key)
    size, blob = reader.size(), own_index(reader)
    why = "it does not end in a sample index that is whole"
    if blob is not None:
        try:
            evidence = of_index(blob, key, None, has_box=True)
        except DataLoss as error:
            why = error.message
        else:
            return evidence, _disagreements(info, evidence, key)
    try:
        evidence = of_parts(reader, key)
    except DataLoss as error:
        detail = f"it is no chunk file, or damaged in its beginning: {error.message}"
        return None, [Damage(DamageKind.CHANGED, key, detail, start=0, end=size)]
    # What follows the last part that is whole: the index, or footage that is damaged.
    end = evidence.media.indexed_bytes
    found = Damage(DamageKind.INDEX, key, f"{why}; held to the digests between its GOPs", start=end, end=size)
    return evidence, [found]


def _disagreements(info: RunInfo | None, evidence: Evidence, key: str) -> list[Damage]:
    """Return that a file's end is of another chunk than its beginning."""
    media, seal = evidence.media, evidence.seal
    if info is None:
        return []
    same = (info.chunk, info.run) == (media.chunk_id, media.run_id)
    if same and (seal is None or seal.previous == chained_to(info)):
        return []
    detail = "its sample index is not of the chunk that its beginning says it is"
    return [Damage(DamageKind.INDEX, key, detail, start=media.indexed_bytes, end=evidence.size)]
