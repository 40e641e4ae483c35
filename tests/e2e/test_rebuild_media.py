"""`gatehouse index rebuild`: what people uploaded, exported and recorded is theirs again, from the files alone."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backends import BACKENDS, backend
from films_on_disk import make_film
from running import Running, command, wait_for

pytestmark = pytest.mark.timeout(400)

CAMERA = ("--camera", "street=synthetic:?size=320x240")
SCOPES = {
    "ann": ("records:own", "records:all", "holds:write", "uploads:write", "footage:delete", "settings:admin"),
    "bob": ("uploads:write", "records:own", "footage:export", "footage:read", "live:view", "cameras:read"),
}
ROLES = {"ann": "admin", "bob": "operator"}
PASSWORD = "winter copper lantern 9"
NOT_IN_FILES = {"created_at"}
"""Of a file of a session: when it was stored; its own time is about that."""


@dataclass
class Site:
    """A Gatehouse with a file of each kind, its data directory, and the settings it was started with."""

    data: Path
    settings: dict[str, str]
    before: dict[str, Any]
    bytes: dict[str, str]
    purged: int


class Client:
    """Asks as one of its users."""

    def __init__(self, running: Running, token: str) -> None:
        self._running, self._token = running, token

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> bytes:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = {} if isinstance(body, bytes) or body is None else {"Content_Type": "application/json"}
        answer = self._running.ask(method, path, data, X_API_Key=self._token, **kind, **headers)
        assert answer.status == status, (path, answer.status, answer.body[:500])
        return answer.body

    def json(self, path: str) -> Any:
        return json.loads(self.ask("GET", path))

    def upload(self, film: Path, name: str) -> int:
        head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body = f"{head}Content-Type: video/mp4\r\n\r\n".encode() + film.read_bytes() + b"\r\n--edge--\r\n"
        form = "multipart/form-data; boundary=edge"
        number = json.loads(self.ask("POST", "/api/v1/media", body, 201, Content_Type=form))["number"]
        self.await_ready(number)
        return int(number)

    def await_ready(self, number: int) -> None:
        def ready() -> bool:
            found = self.json(f"/api/v1/media/{number}")
            assert found["state"] != "failed", found
            return bool(found["state"] == "ready")

        wait_for(f"medium {number}", ready, 90)


def user(data: Path, name: str, settings: dict[str, str], *, anew: bool) -> str:
    """Let somebody in; return a token of theirs."""
    home = ["--data", str(data)]
    word = data.with_name("password")
    word.write_text(PASSWORD)
    if anew:
        steps = [["user", "add", name, "--role", ROLES[name], "--password-file", str(word)]]
    else:
        steps = [
            ["user", "reset-password", name, "--password-file", str(word)],
            ["user", "set", name, "--enable", "--role", ROLES[name], "--all-cameras"],
        ]
    scopes = [part for scope in SCOPES[name] for part in ("--scope", scope)]
    for step in [*steps, ["token", "create", "--user", name, "--name", "t", *scopes]]:
        done = command(*step, *home, **settings)
        assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def record(client: Client, name: str) -> None:
    """Record the camera for some seconds."""
    asked = {"user_name": name, "source": "camera:street", "total_duration_seconds": 60}
    client.ask("POST", "/api/start-recording", asked)
    time.sleep(4)
    client.ask("POST", "/api/stop-recording", {"user_name": name})


def shown(client: Client) -> dict[str, Any]:
    """All that the library shows: media, those in the trash, files of sessions, and holds."""
    files = client.json("/api/videos")["chunks"]
    return {
        "media": client.json("/api/v1/media?limit=500")["items"],
        "trash": client.json("/api/v1/media?limit=500&trashed=true")["items"],
        "files": [{k: v for k, v in one.items() if k not in NOT_IN_FILES} for one in files],
        "holds": client.json("/api/v1/holds"),
    }


def digests(client: Client, before: dict[str, Any]) -> dict[str, str]:
    """The SHA-256 of all that can be downloaded, by its address."""
    urls = [file["url"] for medium in before["media"] for file in medium["files"]]
    urls += [f"/api/video/{one['id']}/download" for one in before["files"]]
    return {url: hashlib.sha256(client.ask("GET", url)).hexdigest() for url in urls}


def when(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


@pytest.fixture(scope="module", params=BACKENDS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What people have in it, of each kind; then it was stopped."""
    home = tmp_path_factory.mktemp("media")
    film = make_film(home / "film.mp4", seconds=2)
    data = home / "data"
    with ExitStack() as stack:
        where = stack.enter_context(backend(request.param, lambda: tmp_path_factory.mktemp("server")))
        settings = {**where, "GATEHOUSE_AUTH__MODE": "local"}
        data.mkdir()
        tokens = {name: user(data, name, settings, anew=True) for name in ROLES}
        with Running(data, *CAMERA, log=home / "log", **settings) as gatehouse:
            gatehouse.ready(90)
            ann, bob = Client(gatehouse, tokens["ann"]), Client(gatehouse, tokens["bob"])
            wait_for("recording", lambda: bob.json("/api/v1/cameras")["items"][0]["state"] == "recording", 60)
            renamed, held, trashed, back, purged = [bob.upload(film, f"{n}.mp4") for n in range(5)]
            ann.upload(film, "of ann.mp4")
            bob.ask("PATCH", f"/api/v1/media/{renamed}", {"name": "Hof – Nacht.mp4"})
            ann.ask("POST", "/api/v1/holds", {"media": str(held), "reason": "a case"}, 201)
            for number in (trashed, back):
                bob.ask("DELETE", f"/api/v1/media/{number}", status=204)
            bob.ask("POST", f"/api/v1/media/{back}/restore")
            ann.ask("DELETE", f"/api/v1/media/{purged}?purge=true", status=204)
            for _ in range(2):
                record(bob, "bob")
            asked = {"cameras": ["street"], "from": when(time.time() - 8), "to": when(time.time() - 4), "signed": True}
            export = json.loads(bob.ask("POST", "/api/v1/exports", asked, 202))["media"]
            bob.await_ready(export)
            wait_for("files of the sessions", lambda: len(ann.json("/api/videos")["chunks"]) >= 2, 60)
            bob.ask("DELETE", f"/api/delete-video/{ann.json('/api/videos')['chunks'][0]['id']}")
            folder = f"uploads/bob.2/{purged}"
            wait_for("the end of what was purged", lambda: not list((data / folder).glob("*")), 60)
            before = shown(ann)
            assert {one["kind"] for one in before["media"]} == {"upload", "export"}
            assert [len(before[part]) for part in ("media", "trash", "files")] == [5, 1, 1]
            made = digests(ann, before)
            assert gatehouse.stop(timeout=30) == 0
        yield Site(data, settings, before, made, purged)


def test_what_people_had_is_theirs_again_byte_by_byte(
    site: Site, request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """R5: ids, owners, sizes, digests, states, holds; what was deleted stays so, and nothing is made twice."""
    with ExitStack() as stack:
        settings = dict(site.settings)
        if "GATEHOUSE_DATABASE_URL" in settings:  # an empty database, beside the one that counts as lost
            settings |= stack.enter_context(backend("servers", lambda: tmp_path_factory.mktemp("another")))
        for part in site.data.glob("gatehouse.db*"):
            part.unlink()
        done = command("index", "rebuild", "--json", "--data", str(site.data), **settings, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        told = json.loads(done.stdout)
        assert (told["media"], told["sessions"], told["holds"], told["left"]) == (6, 2, 1, {})
        assert [(one["name"], one["state"]) for one in told["users"]] == [("ann", "disabled"), ("bob", "disabled")]
        again = command("index", "rebuild", "--data", str(site.data), **settings)
        assert (again.returncode, "not empty" in again.stderr) == (2, True)
        checked = command("check", "--json", "--data", str(site.data), **settings, timeout=120)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        tokens = {name: user(site.data, name, settings, anew=False) for name in ROLES}
        with Running(site.data, log=tmp_path / "log", **settings) as gatehouse:
            gatehouse.ready(90)
            ann, bob = Client(gatehouse, tokens["ann"]), Client(gatehouse, tokens["bob"])
            after = shown(ann)
            for was, now in zip(site.before["trash"], after["trash"], strict=True):
                assert now["trashed"] > was["trashed"], "it is in the trash for as long as ever, since now"
                now["trashed"] = was["trashed"]
            assert after == site.before
            assert digests(ann, site.before) == site.bytes
            ann.ask("GET", f"/api/v1/media/{site.purged}", status=404)
            own = {one["number"] for one in site.before["media"] if one["owner"] == "bob"}
            assert {one["number"] for one in bob.json("/api/v1/media?owner=bob")["items"]} == own
            held = site.before["holds"]["items"][0]["media"]
            bob.ask("DELETE", f"/api/v1/media/{held}", status=409)
            (export,) = [one for one in site.before["media"] if one["kind"] == "export"]
            bob.ask("POST", f"/api/v1/media/{export['number']}/retry", b"", status=409)
            (trashed,) = site.before["trash"]
            bob.ask("POST", f"/api/v1/media/{trashed['number']}/restore")
            assert ann.upload(make_film(tmp_path / "film.mp4", seconds=2), "later.mp4") > max(own)
            assert gatehouse.stop(timeout=30) == 0
