"""Addresses of cameras in the index, on every database: sealed on disk, whole for whoever records."""

from __future__ import annotations

from sqlalchemy import text

from gatehouse_common.db import Camera, CameraRepository, Database
from gatehouse_common.sealing import Sealer

URL, OTHER = "rtsp://user:hunter22@10.0.0.7/1", "rtsp://user:swordfish9@10.0.0.7/2"
SECRET = "0123456789abcdef0123456789abcdef"


def kept(db: Database) -> list[str]:
    with db.look() as c:
        return [row[0] for row in c.execute(text("SELECT url FROM cameras ORDER BY id"))]


def test_addresses_are_sealed_and_given_back(db: Database) -> None:
    db.sealer = Sealer(SECRET)
    cameras = CameraRepository(db)
    cameras.add(Camera("gate", URL, "", enabled=True, created_us=1))
    assert cameras.get("gate").url == URL
    cameras.change("gate", url=OTHER)
    assert [camera.url for camera in cameras.list()] == [OTHER]
    assert all(url.startswith("sealed:") and "swordfish9" not in url for url in kept(db))


def test_what_was_kept_before_there_was_a_key_is_sealed_once(db: Database) -> None:
    plain = CameraRepository(db)
    plain.add(Camera("gate", URL, "", enabled=True, created_us=1))
    plain.add(Camera("toy", "synthetic:", "", enabled=True, created_us=1))
    assert plain.seal() == 0
    db.sealer = Sealer(SECRET)
    cameras = CameraRepository(db)
    assert cameras.seal() == 1
    assert cameras.seal() == 0
    assert [url[:7] for url in kept(db)] == ["sealed:", "synthet"]
    assert [camera.url for camera in cameras.list()] == [URL, "synthetic:"]


def test_with_another_key_cameras_are_listed_all_the_same(db: Database) -> None:
    db.sealer = Sealer(SECRET)
    CameraRepository(db).add(Camera("gate", URL, "", enabled=True, created_us=1))
    db.sealer = Sealer(SECRET[::-1])
    assert [camera.id for camera in CameraRepository(db).list()] == ["gate"]
    assert "hunter22" not in CameraRepository(db).get("gate").url
