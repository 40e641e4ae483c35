"""Uploads in a store that is elsewhere: nothing of it is a file of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from media_jobs_kit import browser_film, ended, files, media, transcoding, upload
from s3_server import bucket


def test_an_upload_is_processed_in_a_bucket(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """S0-20, S4-4, S4-14: fetched, worked on, and stored; what was fetched is gone afterwards."""
    with bucket(tmp_path_factory.mktemp("s3") / "swift") as store:
        settings = {"data_dir": str(tmp_path), "broker_url": "memory:", "auth.mode": "open", **store.settings()}
        core = Core.open(load(settings, config=None))
        core.db.upgrade()
        film = browser_film(1)
        with transcoding(core):
            one, job = upload(core, film)
            (job,) = ended(core, job)
            assert (job.state, job.detail) == ("done", "")
            assert list((tmp_path / "transcoder").iterdir()) == []
        found = files(core, one.number)
        assert core.store.read(found["original", ""].key) == film
        assert {"original", "playable", "thumbnail", "sprite"} <= {kind for kind, _ in found}
        assert {info.key for info in core.store.list("")} >= {file.key for file in found.values()}
        assert list(core.store.list("incoming/")) == []
        assert media(core, one.number).lasted_us == pytest.approx(1e6, abs=1e5)
        assert core.store.local_path(found["original", ""].key) is None
        core.close()
