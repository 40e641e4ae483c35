"""Footage in a bucket is held to its digests as footage on a disk is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_common.db import FootageReader
from gatehouse_common.integrity import DamageKind, Part, verify_recordings
from gatehouse_common.runtime import Core
from pipeline_kit import START_US, add_camera, core_at, record, work_off
from s3_server import Bucket, bucket

SECOND = 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with bucket(tmp_path_factory.mktemp("s3") / "server") as made:
        yield made


def damaged(core: Core) -> list[tuple[DamageKind, str]]:
    return [(one.kind, one.key) for one in verify_recordings(core, Part(), lambda _bytes: None).damages]


def test_footage_in_a_bucket_is_held_to_its_digests(server: Bucket, tmp_path: Path) -> None:
    """R5, W-2: flipped, exchanged and missing objects are found where they are."""
    with core_at(tmp_path / "data", **server.below("verified").settings()) as core:
        add_camera(core)
        taken = record(core.data_dir, tmp_path, frames=480, chunk_us=4 * SECOND)
        for closed in taken.closed:
            core.bus.publish(closed)
        work_off(core)
        rows = FootageReader(core.db).find_chunks("cam", START_US, START_US + 16 * SECOND)
        assert len(rows) == 4
        assert not (core.data_dir / "recordings").exists()
        assert damaged(core) == []

        whole = core.store.read(rows[1].key)
        for at in (0, 1000, len(whole) // 2, len(whole) - 1):
            changed = bytearray(whole)
            changed[at] ^= 16
            core.store.put_bytes(rows[1].key, bytes(changed), overwrite=True)
            assert [key for _, key in damaged(core)] == [rows[1].key], at
        core.store.put_bytes(rows[1].key, core.store.read(rows[2].key), overwrite=True)
        assert damaged(core) == [(DamageKind.REPLACED, rows[1].key)]
        core.store.delete(rows[1].key)
        assert damaged(core) == [(DamageKind.MISSING, rows[1].key)]
        core.store.put_bytes(rows[1].key, whole)
        assert damaged(core) == []
