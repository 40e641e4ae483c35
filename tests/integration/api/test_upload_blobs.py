"""The routes of an older uploader: blobs in any order, at once and twice are the file that was cut into them (S4)."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from access_kit import add_user
from gatehouse_api.app import close_app, create_app
from gatehouse_api.uploads.blobs import Blob, BlobDesk
from gatehouse_api.uploads.engine import Owner, UploadEngine
from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR
from gatehouse_common.db import NewBlob, Piece, Uploads, UploadUpkeep, Users
from gatehouse_common.errors import Conflict, GatehouseError, Unavailable
from gatehouse_common.runtime import Core
from pipeline_kit import core_at
from upload_kit import blob_body, bytes_of, film, incoming

ONE = {"msg": "Video blob received successfully!"}
ALL = "Video blobs received successfully and video is being processed!"
BLOB = 64 << 10
NOW = 1_779_013_380_000_000


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    with core_at(tmp_path_factory.mktemp("blobs") / "data", **{"uploads.least_free_gib": 0}) as made:
        yield made


@pytest.fixture(scope="module")
def app(core: Core) -> Iterator[Flask]:
    made = create_app(core)
    yield made
    close_app(made)


def send(client: FlaskClient, number: object, data: bytes, path: str = "/upload_blob/", **told: Any) -> tuple[int, Any]:
    answer = client.post(path, json=blob_body(number, data, **told))
    return answer.status_code, answer.json


@pytest.mark.parametrize("path", ["/upload_blob/", "/upload_blob", "/srce/api/upload_blob/"])
def test_the_replies_of_the_older_uploader(core: Core, client: FlaskClient, path: str) -> None:
    """S4-1, S4-3, S4-4, S4-11: its wire form and replies, to the letter, at each of its addresses."""
    data, name = film(3 * BLOB), f"project{len(path)}"
    told: dict[str, Any] = {"name": name, "user": "Cofucan"}
    assert send(client, 1, data[:BLOB], path, **told) == (200, ONE)
    assert send(client, 2, data[BLOB : 2 * BLOB], path, **told) == (200, ONE)
    status, body = send(client, 3, data[2 * BLOB :], path, last="True", **told)
    assert status == 200
    assert list(body) == ["msg", "video_data"]
    assert body["msg"] == ALL
    video = body["video_data"]
    assert list(video) == [
        *("id", "username", "created_date", "original_location", "compressed_location", "thumbnail_location"),
        *("file_type", "status"),
    ]
    folder = Uploads(core.db).medium(video["id"]).folder
    assert folder.startswith("uploads/cofucan.")
    assert (video["username"], video["file_type"], video["status"]) == ("cofucan", "webm", "queued")
    assert video["original_location"] == f"{folder}original.webm"
    assert video["compressed_location"] == f"{folder}compressed.mp4"
    assert video["thumbnail_location"] == f"{folder}thumbnail.jpg"
    assert bytes_of(core, video["id"]) == data


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_permuted_doubled_and_parallel_blobs_are_the_file(core: Core, app: Flask, first: int, seed: int) -> None:
    """S4-5: any order, 30 % twice, eight at once, counted from 0 or 1: one medium, its bytes those of the file."""
    data, name = film(40 * BLOB + 77, seed), f"permuted{first}{seed}"
    parts = [(n + first, data[at : at + BLOB]) for n, at in enumerate(range(0, len(data), BLOB))]
    chance = random.Random(seed)
    sent = [*parts, *chance.sample(parts, 12)]
    chance.shuffle(sent)
    last = parts[-1][0]

    def post(one: tuple[int, bytes]) -> tuple[int, Any]:
        return send(app.test_client(), one[0], one[1], last=one[0] == last, name=name)

    told = [post(sent[0])]
    with ThreadPoolExecutor(8) as pool:
        told += list(pool.map(post, sent[1:]))
    assert {status for status, _ in told} == {200}
    media = {body["video_data"]["id"] for _, body in told if "video_data" in body}
    assert len(media) == 1
    assert bytes_of(core, media.pop()) == data
    assert not [one for one in Uploads(core.db).unfinished(_number(core)) if one.name == name]


def test_the_same_blob_again_and_another_under_its_number(core: Core, client: FlaskClient) -> None:
    """S4-6: again is no second piece; other content is refused; the last one again has the same reply."""
    data = film(2 * BLOB)
    told: dict[str, Any] = {"name": "again"}
    for _ in range(2):
        assert send(client, 2, data[BLOB:], last=True, **told) == (200, ONE)
    conflict = (409, {"detail": "blob 2 already stored with other content"})
    assert send(client, 2, data[:BLOB], **told) == conflict
    assert send(client, 3, b"beyond", last=True, **told)[0] == 409
    status, body = send(client, 1, data[:BLOB], **told)
    assert (status, body["msg"]) == (200, ALL)
    kept = len(incoming(core))
    for _ in range(2):
        assert send(client, 2, data[BLOB:], last=True, **told) == (200, body)
        assert send(client, 1, data[:BLOB], **told) == (200, ONE)
    assert len(incoming(core)) == kept
    other = film(2 * BLOB, 99)
    assert send(client, 2, other[BLOB:], last=True, **told) == (200, ONE)
    status, second = send(client, 1, other[:BLOB], **told)
    assert second["video_data"]["id"] != body["video_data"]["id"]
    assert bytes_of(core, second["video_data"]["id"]) == other


def test_an_end_that_nobody_named_is_said(core: Core, client: FlaskClient) -> None:
    """S4-7: the older client never says which is the last of such a size; missing ones are told."""
    data, told = film(3 * BLOB), {"username": "ann", "filename": "multiple"}
    for number in (1, 3):
        send(client, number, data[(number - 1) * BLOB : number * BLOB], name="multiple")
    missing = client.post("/upload_blob/complete", json=told)
    assert (missing.status_code, missing.json) == (409, {"detail": "blobs are missing: 2."})
    send(client, 2, data[BLOB : 2 * BLOB], name="multiple")
    done = [client.post("/upload_blob/complete", json=told).json for _ in range(2)]
    assert done[0] == done[1]
    assert done[0] is not None
    assert bytes_of(core, done[0]["video_data"]["id"]) == data
    assert client.post("/upload_blob/complete", json={**told, "filename": "none"}).status_code == 404
    send(client, 0, film(BLOB), name="single")
    alone = client.post("/upload_blob/complete", json={**told, "filename": "single"}).json
    assert alone is not None
    assert bytes_of(core, alone["video_data"]["id"]) == film(BLOB)


def test_forms_data_urls_and_real_values(core: Core, client: FlaskClient) -> None:
    """S4-2: multipart with a file part, form fields, `data:` URLs, real numbers and booleans."""
    data = film(4 * BLOB)
    parts = [data[at : at + BLOB] for at in range(0, len(data), BLOB)]
    said = {"username": "ann", "filename": "forms"}
    form = {**said, "blobId": "1", "is_last": "false", "blobObject": (io.BytesIO(parts[0]), "blob")}
    assert client.post("/upload_blob/", data=form).json == ONE
    field = {**said, "blobId": "2", "blobObject": b64encode(parts[1]).decode()}
    assert client.post("/upload_blob/", data=field).json == ONE
    url = f"data:video/webm;codecs=vp8;base64,{b64encode(parts[2]).decode()}"
    assert client.post("/upload_blob/", json={**said, "blobId": 3, "blobObject": url, "is_last": False}).json == ONE
    last = {**said, "blobId": 4, "blobObject": b64encode(parts[3]).decode(), "is_last": True}
    answer = client.post("/upload_blob/", json=last).json
    assert answer is not None
    assert bytes_of(core, answer["video_data"]["id"]) == data


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"blobObject": "no base64!"}, "blobObject"),
        ({"blobObject": "QUJ"}, "blobObject"),
        ({"blobObject": ""}, "blobObject"),
        ({"blobObject": 5}, "blobObject"),
        ({"blobId": "one"}, "blobId"),
        ({"blobId": -1}, "blobId"),
        ({"blobId": True}, "blobId"),
        ({"blobId": "99999999"}, "blobId"),
        ({"is_last": "maybe"}, "is_last"),
        ({"filename": ""}, "filename"),
        ({"filename": "\ud800"}, "filename"),
        ({"username": ""}, "username"),
        ({"username": "..\0"}, "name"),
    ],
)
def test_bad_blobs(core: Core, client: FlaskClient, more: dict[str, Any], field: str) -> None:
    """S4-18: each is 400 with what is wrong, and leaves nothing."""
    before = incoming(core)
    answer = client.post("/upload_blob/", json={**blob_body(1, b"x", name="bad", user="stranger"), **more})
    assert answer.status_code == 400, answer.text
    assert answer.json is not None
    assert field in answer.json["detail"]
    assert Users(core.db).named("stranger") is None
    assert incoming(core) == before


def test_what_is_no_json_and_what_is_too_large(core: Core, client: FlaskClient) -> None:
    """S4-8, S4-18: a blob has a limit, and so has the body around it."""
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        for kind in ("application/json", "text/plain"):
            assert client.post("/upload_blob/", data=body, content_type=kind).status_code == 400
    assert send(client, 1, b"x" * ((16 << 20) + 1), name="large")[0] == 413
    assert client.post("/upload_blob/", data=b"x" * (26 << 20), content_type="application/json").status_code == 413
    assert send(client, 1, film(16 << 20), name="largest") == (200, ONE)
    upload = Uploads(core.db).unfinished(_number(core))[0]
    assert upload.received == 16 << 20


def test_what_is_no_film_is_refused_with_the_last_blob(core: Core, client: FlaskClient) -> None:
    """S4-13: 400 "Invalid video file...", and what had come is deleted; names never become paths."""
    before = incoming(core)
    name = "../../etc/passwd\0.webm"
    assert send(client, 0, b"root:x", name=name)[0] == 200
    assert all(".." not in key for key in incoming(core))
    status, body = send(client, 1, b":0:0", last="True", name=name)
    assert status == 400
    assert body["detail"].startswith("Invalid video file")
    assert incoming(core) == before
    assert send(client, 0, film(BLOB), last="True", name=name)[1]["msg"] == ALL


def test_what_begins_no_film_waits_for_a_blob_0_or_makes_room_for_another_file(core: Core, client: FlaskClient) -> None:
    """S4-5, S4-13: counted from 0, blob 0 may be the last that comes: what was told to be no film is not lost by that.

    Counted from 1 it is none, and goes as soon as the same name is that of another file.
    """
    data, before = film(3 * BLOB, 5), incoming(core)
    for number in (1, 2):
        status, body = send(client, number, data[number * BLOB :][:BLOB], last=number == 2, name="late")
    assert (status, body["detail"][:18]) == (400, "Invalid video file")
    assert send(client, 2, data[2 * BLOB :], last=True, name="late")[0] == 400
    status, body = send(client, 0, data[:BLOB], name="late")
    assert (status, body["msg"]) == (200, ALL)
    assert bytes_of(core, body["video_data"]["id"]) == data
    kept = len(incoming(core))
    assert send(client, 1, b"root:x", last=True, name="none")[0] == 400
    status, body = send(client, 1, data, last=True, name="none")
    assert (status, body["msg"]) == (200, ALL)
    assert len(incoming(core)) == kept + 1 == len(before) + 4
    assert send(client, 1, b"root:x", name="said")[0] == 200
    said = client.post("/upload_blob/complete", json={"username": "ann", "filename": "said"})
    assert said.status_code == 400
    assert len(incoming(core)) == kept + 1


def test_a_blob_that_comes_while_the_end_is_said_is_not_lost(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-5, S4-7: who says too early that all is here is told so; nothing that was acknowledged is deleted."""
    desk = BlobDesk(core, UploadEngine(core))
    data, ann = film(3 * BLOB, 6), Owner(7, "ann")
    for number in (1, 2):
        desk.take(ann, "early", Blob(number, data[(number - 1) * BLOB :][:BLOB], is_last=False))
    [upload] = Uploads(core.db).unfinished(7)
    read = Uploads.pieces

    def and_then_one_comes(uploads: Uploads, upload_id: str) -> list[Piece]:
        found = read(uploads, upload_id)
        monkeypatch.undo()
        desk.take(ann, "early", Blob(3, data[2 * BLOB :], is_last=False))
        return found

    monkeypatch.setattr(Uploads, "pieces", and_then_one_comes)
    with pytest.raises(Conflict):
        desk.complete(ann, "early")
    assert Uploads(core.db).get(upload.id).state == "receiving"
    assert bytes_of(core, desk.complete(ann, "early").number) == data


def test_a_blob_that_comes_while_a_file_is_completed_is_counted(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-5: a blob 0 may come between the look at the others and the medium that is made: it is in it, or refused."""
    engine = UploadEngine(core)
    desk = BlobDesk(core, engine)
    head, rest, ann = film(BLOB, 7), film(BLOB, 8), Owner(7, "ann")
    desk.take(ann, "between", Blob(2, rest, is_last=True))
    read = Uploads.pieces

    def and_then_one_comes(uploads: Uploads, upload_id: str) -> list[Piece]:
        found = read(uploads, upload_id)
        monkeypatch.undo()
        digest = hashlib.sha256(head).hexdigest()
        uploads.add_blobs([NewBlob(engine.store(upload_id, 0, head, digest), NOW, NOW + HOUR, is_last=False)])
        return found

    monkeypatch.setattr(Uploads, "pieces", and_then_one_comes)
    made = desk.take(ann, "between", Blob(1, rest, is_last=False))
    assert made is not None
    assert made.bytes == 3 * BLOB
    assert bytes_of(core, made.number) == head + rest + rest


def test_who_finds_its_blob_there_completes_what_another_who_died_would_have(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-5: the same blob comes by two ways; the one that added it, last of all, was killed before it told anybody."""
    engine = UploadEngine(core)
    desk, data, ann = BlobDesk(core, engine), film(3 * BLOB, 9), Owner(7, "ann")
    desk.take(ann, "twice", Blob(1, data[:BLOB], is_last=False))
    [upload] = Uploads(core.db).unfinished(7)
    add = UploadEngine.add_blob

    def after_another(own: UploadEngine, new: NewBlob) -> object:
        monkeypatch.undo()
        for number, is_last in ((3, True), (2, False)):
            part = data[(number - 1) * BLOB :][:BLOB]
            piece = own.store(upload.id, number, part, hashlib.sha256(part).hexdigest())
            Uploads(core.db).add_blobs([NewBlob(piece, NOW, NOW + HOUR, is_last=is_last)])
        return add(own, new)

    monkeypatch.setattr(UploadEngine, "add_blob", after_another)
    made = desk.take(ann, "twice", Blob(2, data[BLOB:][:BLOB], is_last=False))
    assert made is not None
    assert bytes_of(core, made.number) == data


def test_a_row_comes_after_the_bytes_and_their_name(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-5: of blobs that come at once too; one whose name is not durable has no row, and others are not told so."""
    engine, ann, uploads = UploadEngine(core), Owner(7, "ann"), Uploads(core.db)
    desk, settle = BlobDesk(core, engine), core.store.settle
    data = {name: film(BLOB, seed) for seed, name in enumerate(("kept", "broken"))}
    for name, begins in data.items():
        desk.take(ann, name, Blob(1, begins, is_last=False))
    ids = {one.name: one.id for one in uploads.unfinished(7) if one.name in data}
    began, seen = threading.Event(), list[tuple[int, int]]()

    def slowly(stored: Sequence[str]) -> list[GatehouseError | None]:
        rows = {piece.key for upload in ids.values() for piece in uploads.pieces(upload)}
        seen.append((len(stored), len(rows.intersection(stored))))
        assert all(len(core.store.read(key)) == BLOB for key in stored)
        began.set()
        time.sleep(0.3)  # meanwhile others come
        lost = ids["broken"]
        return [
            Unavailable("no disk") if lost in key else told for key, told in zip(stored, settle(stored), strict=True)
        ]

    monkeypatch.setattr(core.store, "settle", slowly)

    def send_one(name: str, number: int) -> bool:
        try:
            desk.take(ann, name, Blob(number, data[name], is_last=False))
        except Unavailable:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(send_one, "kept", 2)
        assert began.wait(10)
        others = [pool.submit(send_one, name, number) for number in (3, 4) for name in data]
        assert first.result()
        assert [one.result() for one in others] == [True, False, True, False]
    assert sum(count for count, _ in seen) == 5
    assert len(seen) < 5  # they shared it
    assert not any(rows for _, rows in seen)
    assert [piece.position for piece in uploads.pieces(ids["kept"])] == [1, 2, 3, 4]
    assert [piece.position for piece in uploads.pieces(ids["broken"])] == [1]


def test_what_is_missing_is_told_shortly(client: FlaskClient) -> None:
    """S4-7: also where a number is out of all measure."""
    for number in (0, 2, 10_000_000):
        assert send(client, number, film(BLOB), name="far")[0] == 200
    told = client.post("/upload_blob/complete", json={"username": "ann", "filename": "far"}).json
    shown = ", ".join(str(number) for number in (1, *range(3, 22)))
    assert told == {"detail": f"blobs are missing: {shown} and 9999978 more."}


def test_a_file_at_once_by_the_older_route(core: Core, client: FlaskClient) -> None:
    """S4-21: POST /upload/?username= with the form's `file`."""
    data = film(BLOB)
    for path in ("/upload/", "/srce/api/upload/"):
        answer = client.post(f"{path}?username=Bob", data={"file": (io.BytesIO(data), "a.webm")})
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        assert answer.json["video_data"]["username"] == "bob"
        assert bytes_of(core, answer.json["video_data"]["id"]) == data
    assert client.post("/upload/", data={"file": (io.BytesIO(b"none"), "a.webm")}).status_code == 400


def test_users_of_one_name_for_a_file_do_not_meet(tmp_path: Path) -> None:
    """S4-11, S4-17: each user's blobs are their own; in another's name nobody uploads."""
    with core_at(tmp_path / "data", **{"auth.mode": "local", "uploads.least_free_gib": 0}) as core:
        app = create_app(core)
        client = app.test_client()
        ann, bob = (add_user(core, name, Role.UPLOADER, {}) for name in ("ann", "bob"))
        for who, data in ((ann, film(BLOB, 1)), (bob, film(BLOB, 2))):
            body = blob_body(1, data, user=who.name.upper())
            assert client.post("/upload_blob/", json=body, headers=who.headers).json == ONE
        assert UploadUpkeep(core.db).active() == 2
        body = blob_body(2, b"x", user="bob", last=True)
        assert client.post("/upload_blob/", json=body, headers=ann.headers).status_code == 403
        assert client.post("/upload_blob/", json=body).status_code == 401
        deep = b"[" * 100_000  # who is not let in has nothing of theirs read
        assert client.post("/upload_blob/", data=deep, content_type="application/json").status_code == 401
        body["username"] = "ann"
        assert client.post("/upload_blob/", json=body, headers=ann.headers).status_code == 200
        close_app(app)


def _number(core: Core) -> int:
    with core.db.read() as c:
        return int(c.exec_driver_sql("SELECT number FROM users WHERE name = 'ann'").scalar_one())
