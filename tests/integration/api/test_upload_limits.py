"""Who may upload, how much, and pages of which other sites (S4-8, S4-11, S4-17, S4-22)."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from access_kit import add_user
from gatehouse_api.app import close_app, create_app
from gatehouse_api.uploads.checksums import Checksum
from gatehouse_api.uploads.engine import Owner, UploadEngine, Wanted
from gatehouse_api.uploads.quotas import QuotaExceeded
from gatehouse_api.uploads.slices import SLICE_BYTES
from gatehouse_common.accounts import Role
from gatehouse_common.db import Users
from gatehouse_common.observability.metrics import UPLOAD_BYTES
from pipeline_kit import core_at
from upload_kit import TUS, TusClient, checksum, film, form_field, incoming, metadata

PATH = "/api/v1/uploads"


def test_quotas_are_held_at_the_beginning_and_at_each_piece(tmp_path: Path) -> None:
    """S4-8: bytes and number of a user's uploads: 507 with what is used; so is room of the disk."""
    settings = {"auth.mode": "local", "uploads.user_gib": 0.00001, "uploads.user_uploads": 2}  # 10737 bytes
    with core_at(tmp_path / "data", **settings, **{"uploads.least_free_gib": 0}) as core:
        app = create_app(core)
        ann, bob = (add_user(core, name, Role.UPLOADER, {}) for name in ("ann", "bob"))
        client = app.test_client()
        of_ann, of_bob = TusClient(client, ann.headers), TusClient(client, bob.headers)
        url = of_ann.begin(None)
        assert of_ann.patch(url, 0, film(8000)).status_code == 204
        refused = of_ann.patch(url, 8000, b"x" * 4000)
        assert refused.status_code == 507
        assert refused.json is not None
        assert refused.json["type"].endswith("/quota-exceeded")
        assert (refused.json["used"], refused.json["limit"]) == (8000, 10737)
        assert of_ann.ask("POST", PATH, **{"Upload-Length": "9000"}).status_code == 507
        of_ann.begin(100)
        most = of_ann.ask("POST", PATH, **{"Upload-Length": "100"})
        assert most.status_code == 507
        assert most.json is not None
        assert (most.json["used"], most.json["limit"]) == (2, 2)
        assert of_bob.patch(of_bob.begin(9000), 0, film(9000)).status_code == 204
        close_app(app)
    with core_at(tmp_path / "data", **{"uploads.least_free_gib": 90_000}) as core:
        app = create_app(core)
        answer = TusClient(app.test_client()).ask("POST", PATH, **{"Upload-Length": "10"})
        assert answer.status_code == 507
        close_app(app)


def test_quotas_and_room_are_what_others_leave(tmp_path: Path) -> None:
    """S4-8: of two files that come at once, each of which there would be room for, one is refused in its midst."""
    settings = {"auth.mode": "local", "uploads.user_gib": 9 / 1024, "uploads.least_free_gib": 0}
    with core_at(tmp_path / "data", **settings) as core:
        app = create_app(core)
        ann = add_user(core, "ann", Role.UPLOADER, {})
        user = Users(core.db).named("ann")
        assert user is not None
        engine, owner, data = UploadEngine(core), Owner(user.number, "ann"), film(8 << 20)
        for algorithm in ("", "sha256"):
            check = Checksum(checksum(algorithm, data)["Upload-Checksum"]) if algorithm else None
            small, other = (engine.begin(Wanted(owner, "tus", name, 8 << 20)) for name in "ab")
            body = Between(data, partial(engine.append, small, 0, io.BytesIO(data[: 4 << 20]), None))
            with pytest.raises(QuotaExceeded):
                engine.append(other, 0, body, len(data), check)
            for one in (small, other):
                engine.intake.drop(one, "cancelled")
        assert incoming(core) == []
        form = form_field("file", film(10 << 20), '; filename="a"') + b"--b--\r\n"
        said = {**ann.headers, "Content-Type": "multipart/form-data; boundary=b"}
        stored = UPLOAD_BYTES._value.get()
        answer = app.test_client().post("/api/v1/media", data=form, headers=said)
        assert answer.status_code == 507
        assert UPLOAD_BYTES._value.get() == stored  # by its size, before any of it was stored
        close_app(app)


class Between(io.BytesIO):
    """A body after whose first slice something happens."""

    def __init__(self, data: bytes, act: Callable[[], object]) -> None:
        super().__init__(data)
        self._act: Callable[[], object] | None = act

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= SLICE_BYTES and self._act is not None:
            act, self._act = self._act, None
            act()
        return super().read(size)


def test_slow_lines_leave_threads_for_others(tmp_path: Path) -> None:
    """S4-18, S4-19: half of the threads are for who sends files; one more is told to come again, and may then."""
    with core_at(tmp_path / "data", **{"api.threads": 4, "uploads.least_free_gib": 0}) as core:
        app, go_on, sending = create_app(core), threading.Event(), threading.Semaphore(0)
        data, tus = film(3000), TusClient(app.test_client())
        urls = [tus.begin(len(data)) for _ in range(3)]

        class Slow(io.BytesIO):
            def readinto(self, buffer: Any, /) -> int:
                sending.release()
                go_on.wait(30)
                return super().readinto(buffer)

        def send(url: str) -> int:
            said = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
            said["Content-Length"] = str(len(data))
            return app.test_client().patch(url, input_stream=Slow(data), headers=said).status_code

        with ThreadPoolExecutor(2) as pool:
            slow = [pool.submit(send, url) for url in urls[:2]]
            try:
                for _ in slow:
                    assert sending.acquire(timeout=30)
                full = tus.patch(urls[2], 0, data)
                assert (full.status_code, full.headers["Retry-After"]) == (503, "2")
                assert full.headers["Tus-Resumable"] == "1.0.0"
                assert tus.offset(urls[2]) == 0
            finally:
                go_on.set()
        assert [one.result() for one in slow] == [204, 204]
        assert tus.patch(urls[2], 0, data).status_code == 204
        close_app(app)


def test_one_user_never_sees_anothers(tmp_path: Path) -> None:
    """S4-11, S4-17: another's upload is one that there is not, also for who sees all recordings; strangers log in."""
    with core_at(tmp_path / "data", **{"auth.mode": "local", "uploads.least_free_gib": 0}) as core:
        app = create_app(core)
        client = app.test_client()
        ann, bob = add_user(core, "ann", Role.UPLOADER, {}), add_user(core, "bob", Role.OPERATOR, {})
        of_ann, of_bob, viewer = (
            TusClient(client, who.headers) for who in (ann, bob, add_user(core, "cy", Role.VIEWER, {}))
        )
        url = of_ann.begin(4000, filename="a")
        for answer in (
            of_bob.ask("HEAD", url),
            of_bob.ask("GET", url),
            of_bob.patch(url, 0, film(4000)),
            of_bob.ask("DELETE", url),
            of_bob.ask("POST", PATH, **{"Upload-Concat": f"final;{url}"}),
        ):
            assert answer.status_code == 404
        assert of_bob.ask("GET", PATH).json == {"items": []}
        boss = TusClient(client, add_user(core, "boss", Role.ADMIN, {}).headers)
        begun = boss.begin(4000, filename="b")
        assert [one["url"] for one in boss.ask("GET", PATH).json["items"]] == [begun]  # type: ignore[index]
        assert boss.ask("HEAD", url).status_code == 200
        assert viewer.ask("POST", PATH, **{"Upload-Length": "10"}).status_code == 403
        assert client.post(PATH, headers={**TUS, "Upload-Length": "10"}).status_code == 401
        assert (
            of_ann.ask("POST", PATH, **{"Upload-Length": "1", "Upload-Metadata": metadata(username="bob")}).status_code
            == 403
        )
        assert of_ann.patch(url, 0, film(4000)).status_code == 204
        close_app(app)


def test_pages_of_other_sites_may_upload_if_they_are_listed(tmp_path: Path) -> None:
    """S4-22: CORS for the extension that is listed, for uploads alone; nobody's by default."""
    mine, other = "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://ponmlkjihgfedcba"
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "tus-resumable"}
    with core_at(tmp_path / "data", **{"uploads.allowed_origins": mine, "uploads.least_free_gib": 0}) as core:
        app = create_app(core)
        client = app.test_client()
        allowed = client.options(f"{PATH}/x", headers={**asked, "Origin": mine})
        assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, mine)
        assert "PATCH" in allowed.headers["Access-Control-Allow-Methods"]
        assert "Tus-Resumable" in allowed.headers["Access-Control-Allow-Headers"]
        said = {**TUS, "Upload-Length": "10", "Sec-Fetch-Site": "cross-site"}
        begun = client.post(PATH, headers={**said, "Origin": mine})
        assert begun.status_code == 201
        assert "Location" in begun.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in begun.headers
        assert client.post(PATH, headers={**said, "Origin": other}).status_code == 403
        assert "Access-Control-Allow-Origin" not in client.options(PATH, headers={**asked, "Origin": other}).headers
        assert client.post("/api/v1/cameras", json={}, headers={**said, "Origin": mine}).status_code == 403
        assert client.post("/upload_blob/", json={}, headers={"Origin": mine}).status_code == 400
        for path in ("/api/v1/media/1", "/api/v1/media/1/restore", "/api/v1/media"):
            answer = client.delete(path, headers={"Sec-Fetch-Site": "cross-site", "Origin": mine})
            assert (answer.status_code, "Access-Control-Allow-Origin" in answer.headers) == (403, False), path
        asks = {"Access-Control-Request-Method": "POST", "Origin": mine}
        assert client.options("/api/v1/media", headers=asks).headers["Access-Control-Allow-Origin"] == mine
        close_app(app)


def test_pages_of_other_sites_upload_by_token_and_never_by_cookie(tmp_path: Path) -> None:
    """S4-17, S4-22: that somebody is logged in is nothing that a page of another site may use."""
    mine = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
    settings = {"auth.mode": "local", "uploads.allowed_origins": mine, "uploads.least_free_gib": 0}
    with core_at(tmp_path / "data", **settings) as core:
        app = create_app(core)
        client = app.test_client()
        made = client.post("/api/v1/auth/setup", json={"name": "Boss", "password": "a long enough password"})
        assert made.status_code == 204
        ann = add_user(core, "ann", Role.UPLOADER, {})
        said = {**TUS, "Upload-Length": "10"}
        assert client.post(PATH, headers=said).status_code == 201
        assert client.post(PATH, headers={**said, "Origin": mine}).status_code == 401
        assert app.test_client().post(PATH, headers={**said, **ann.headers, "Origin": mine}).status_code == 201
        close_app(app)
