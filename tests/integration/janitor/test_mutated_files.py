"""Files with any damage at all, known to the index or not: each is found, mended, and no byte of it is lost."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_rig import mutated
from gatehouse_common.bus import Delivery
from gatehouse_common.db import Chunk, FootageWriter
from gatehouse_common.messages import ChunkStored
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_indexer.service import build as build_indexer
from janitor_kit import chunks, found, mend, objects, quarantined, read, record_chunks
from pipeline_kit import core_at

ROUNDS = 25


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as made:
        record_chunks(made, tmp_path, count=3)
        yield made


def put_back(core: Core, row: Chunk, data: bytes, others: set[str]) -> None:
    for key in [*objects(core), *objects(core, keys.QUARANTINE)]:
        if key not in others:
            core.store.delete(key)
    for one in chunks(core):
        if one.key not in others:
            FootageWriter(core.db).forget_chunk(one.id)
    core.store.put_bytes(row.key, data, overwrite=True)
    stored = ChunkStored(
        camera=row.camera,
        time_us=row.stored_us or 0,
        run=row.run,
        chunk=row.id,
        key=row.key,
        spool_key="",
        start_us=row.start_us,
        end_us=row.end_us,
        origin_us=row.origin_us,
        bytes=row.bytes,
    )
    build_indexer(core).handle(Delivery(stored))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.timeout(180)
def test_any_damage_is_found_and_mended_and_no_byte_is_lost(core: Core, seed: int) -> None:
    """R5, R7: whatever has happened to a file; those beside it are not touched."""
    chance = random.Random(seed)
    rows = chunks(core)
    row, others = rows[1], {rows[0].key, rows[2].key}
    data, beside = read(core, row.key), {key: read(core, key) for key in others}
    for number in range(ROUNDS):
        put_back(core, row, data, others)
        bad = mutated(data, chance)
        core.store.put_bytes(row.key, bad, overwrite=True)
        if known := chance.random() < 0.6:
            assert bad == data or [key for _, key in found(core)] == [row.key], number
        else:
            FootageWriter(core.db).forget_chunk(row.id)
            assert [kind for kind, _ in found(core)] != [], number
        mend(core)
        assert found(core) == [], (number, known)
        after = objects(core)
        assert {key: after[key] for key in others} == beside
        assert bad in [*quarantined(core), *after.values()], (number, known)
