"""Files by tus 1.0.0 and by the resumable draft: what is acknowledged is here, and what breaks off is gone on with."""

from __future__ import annotations

import io
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from access_kit import add_user
from gatehouse_api.app import close_app, create_app
from gatehouse_api.uploads.checksums import Checksum
from gatehouse_api.uploads.engine import Owner, UploadEngine, Wanted
from gatehouse_api.uploads.quotas import QuotaExceeded
from gatehouse_api.uploads.slices import SLICE_BYTES
from gatehouse_common.accounts import Role
from gatehouse_common.db import JobRepository, Piece, Uploads, Users
from gatehouse_common.ids import new_id
from gatehouse_common.observability.metrics import UPLOAD_BYTES
from gatehouse_common.runtime import Core
from pipeline_kit import core_at
from upload_kit import TUS, TusClient, bytes_of, checksum, film, incoming, metadata

PATH = "/api/v1/uploads"
NOW = 1_779_013_380_000_000


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    with core_at(tmp_path_factory.mktemp("uploads") / "data", **{"uploads.least_free_gib": 0}) as made:
        yield made


@pytest.fixture(scope="module")
def client(core: Core) -> Iterator[FlaskClient]:
    app = create_app(core)
    yield app.test_client()
    close_app(app)


@pytest.fixture
def tus(client: FlaskClient) -> TusClient:
    return TusClient(client)


def test_what_tus_can_here_is_told(client: FlaskClient) -> None:
    """S4-18: a client finds out by OPTIONS what there is."""
    answer = client.options(PATH)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    extensions = "creation,creation-defer-length,creation-with-upload,expiration,checksum,termination,concatenation"
    assert answer.headers["Tus-Extension"] == extensions
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,crc32"
    assert answer.headers["Tus-Max-Size"] == str(20 << 30)


def test_a_file_in_pieces_becomes_a_medium_with_its_job(core: Core, client: FlaskClient, tus: TusClient) -> None:
    """S4-12, S4-18: bytes, name, time and session of a file are kept, and its job is queued."""
    data, session = film(9 << 20), new_id()
    told = {"filename": "../../e\u0301t\u00e9\0.webm", "filetype": "video/mp4", "session": session}
    url = tus.begin(len(data), **told, started_at="2026-05-17T10:23:00Z", chunk_seconds="180")
    assert client.get(PATH).json["items"][0]["url"] == url  # type: ignore[index]
    for at in range(0, len(data), 5 << 20):
        assert tus.offset(url) == at
        assert tus.patch(url, at, data[at : at + (5 << 20)]).status_code == 204
    found = client.get(url).json
    assert found is not None
    assert (found["state"], found["name"], found["offset"]) == ("complete", "\u00e9t\u00e9.webm", len(data))
    media = Uploads(core.db).medium(found["media"])
    assert (media.state, media.type, media.bytes, media.start_us) == (
        "queued",
        "video/webm",
        len(data),
        1779013380000000,
    )
    assert bytes_of(core, media.number) == data
    [job] = [one for one in JobRepository(core.db).list(50, None, "media-process") if one.media == media.number]
    assert (job.state, job.parameters) == ("queued", {"media": media.number})
    facts = Uploads(core.db).get(found["id"]).facts
    assert (facts["session"], facts["chunk_seconds"]) == (session, 180)
    assert url not in [one["url"] for one in client.get(PATH).json["items"]]  # type: ignore[index]
    assert tus.offset(url) == len(data)
    assert tus.ask("DELETE", url).status_code == 409


def test_a_wrong_offset_is_told_the_right_one(tus: TusClient) -> None:
    """S4-18: of two that send the same bytes one is told where to go on, and nothing is stored twice."""
    data = film(3000)
    url = tus.begin(len(data))
    assert tus.patch(url, 0, data[:1000]).status_code == 204
    answer = tus.patch(url, 0, data[:1000])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "1000")
    assert answer.json is not None
    assert answer.json["type"].endswith("/offset-mismatch")
    assert tus.patch(url, 1000, data[1000:] + b"more").status_code == 413
    assert tus.offset(url) == 1000


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "crc32"])
def test_what_does_not_sum_up_is_not_kept(core: Core, tus: TusClient, algorithm: str) -> None:
    """S4-18: 460, and not a byte of that request counts or stays."""
    data = film(5 << 20)
    right = checksum(algorithm, data) if algorithm != "crc32" else _crc32(data)
    url, before = tus.begin(len(data)), incoming(core)
    assert tus.patch(url, 0, data[:-1] + b"?", **right).status_code == 460
    assert (tus.offset(url), incoming(core)) == (0, before)
    assert tus.patch(url, 0, data, **right).status_code == 204
    assert tus.patch(url, 0, data, **{"Upload-Checksum": "md5 AAAA"}).status_code == 400


def test_a_length_may_come_later_and_bytes_with_the_beginning(core: Core, client: FlaskClient, tus: TusClient) -> None:
    """S4-18: creation-defer-length and creation-with-upload: a recording is sent while it is made."""
    data = film(2000)
    said = {"Upload-Defer-Length": "1", "Content-Type": "application/offset+octet-stream"}
    answer = tus.ask("POST", PATH, data[:500], **said)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "500")
    url = answer.headers["Location"]
    assert tus.ask("HEAD", url).headers["Upload-Defer-Length"] == "1"
    assert tus.patch(url, 500, data[500:1500]).status_code == 204
    assert tus.patch(url, 1500, data[1500:], **{"Upload-Length": "2000"}).status_code == 204
    found = client.get(url).json
    assert found is not None
    assert bytes_of(core, found["media"]) == data


def test_parts_are_joined(core: Core, client: FlaskClient, tus: TusClient) -> None:
    """S4-18: concatenation: parts that came at once become one file, in the order that is asked for."""
    data = film(10_000)
    urls = []
    for part in (data[:4000], data[4000:]):
        answer = tus.ask("POST", PATH, **{"Upload-Concat": "partial", "Upload-Length": str(len(part))})
        urls.append(answer.headers["Location"])
        assert tus.patch(urls[-1], 0, part).status_code == 204
        assert tus.ask("HEAD", urls[-1]).headers["Upload-Concat"] == "partial"
    final = tus.ask("POST", PATH, **{"Upload-Concat": f"final;http://localhost{urls[0]} {urls[1]}"})
    assert final.status_code == 201
    head = tus.ask("HEAD", final.headers["Location"]).headers
    assert (head["Upload-Length"], head["Upload-Concat"]) == ("10000", f"final;{urls[0]} {urls[1]}")
    found = client.get(final.headers["Location"]).json
    assert found is not None
    assert bytes_of(core, found["media"]) == data
    assert tus.patch(final.headers["Location"], 10000, b"x").status_code == 403
    assert tus.ask("POST", PATH, **{"Upload-Concat": f"final;{urls[0]}"}).status_code == 409


def test_a_post_may_be_what_its_header_says(tus: TusClient) -> None:
    """S4-18: for networks that let nothing but GET and POST pass; only where uploads are gone on with."""
    url = tus.begin(5000)
    said = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    answer = tus.ask("POST", url, film(4000), **said, **{"X-HTTP-Method-Override": "PATCH"})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "4000")
    assert tus.ask("POST", url, **{"X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert tus.ask("HEAD", url).status_code == 410
    assert tus.ask("POST", "/api/v1/cameras/gate", **{"X-HTTP-Method-Override": "DELETE"}).status_code == 405


def test_an_upload_can_be_given_up(core: Core, tus: TusClient) -> None:
    """S4-13: what was given up is gone with its bytes: 410."""
    url = tus.begin(5000)
    assert tus.patch(url, 0, film(4000)).status_code == 204
    key = f"incoming/{url.rpartition('/')[2]}/"
    assert [one for one in incoming(core) if one.startswith(key)]
    assert tus.ask("DELETE", url).status_code == 204
    assert not [one for one in incoming(core) if one.startswith(key)]
    for method in ("HEAD", "DELETE"):
        assert tus.ask(method, url).status_code == 410
    assert tus.patch(url, 4000, b"x").status_code == 410


def test_what_is_no_film_is_refused_and_deleted(core: Core, tus: TusClient, client: FlaskClient) -> None:
    """S4-13: the type is seen by the first bytes, whatever the client says; nothing of it stays."""
    before = incoming(core)
    url = tus.begin(9000, filename="film.webm", filetype="video/webm")
    answer = tus.patch(url, 0, b"<html>" * 1500)
    assert answer.status_code == 415
    assert "Invalid video file" in answer.text
    assert tus.ask("HEAD", url).status_code == 410
    little = tus.begin(6)
    assert tus.patch(little, 0, b"hello!").status_code == 415
    for body in (b"text" * 3000, b"hi"):
        form = {"file": (io.BytesIO(body), "film.webm")}
        assert client.post("/api/v1/media", data=form).status_code == 415
    assert incoming(core) == before


def test_who_comes_late_is_told_what_it_has_become(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-5, S4-13: pieces that are put together or given up meanwhile say nothing of what was sent."""
    engine, data = UploadEngine(core), film(5000)
    read = Uploads.pieces
    for end in ("complete", "cancelled"):
        late = engine.begin(Wanted(Owner(7, "ann"), "tus", end, len(data)))
        late = engine.uploads.append(late.id, [engine.store(late.id, 0, data)], NOW, engine.expires_us())

        def and_then_it_ends(uploads: Uploads, upload_id: str) -> list[Piece]:
            found = read(uploads, upload_id)
            monkeypatch.undo()
            if end == "complete":  # noqa: B023 - is called before it changes
                engine.finish(late)  # noqa: B023
                engine.intake.delete(found)
            else:
                engine.intake.drop(late, end)  # noqa: B023
            return found

        monkeypatch.setattr(Uploads, "pieces", and_then_it_ends)
        assert engine.finish(late).state == end
        assert engine.finish(late).state == end


def test_a_file_at_once_in_a_form(core: Core, client: FlaskClient) -> None:
    """S4-13: what `curl -F file=@film.webm` sends; fields may stand before and behind it."""
    data = film(6 << 20)
    before, after = _field("sha256", b"0" * 64), _field("note", b"x")
    form = before + _field("file", data, '; filename="../films/a.webm"') + after + b"--b--\r\n"
    answer = client.post("/api/v1/media", data=form, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    assert (answer.json["name"], answer.json["type"], answer.json["bytes"]) == ("a.webm", "video/webm", len(data))
    assert bytes_of(core, answer.json["number"]) == data
    empty = client.post("/api/v1/media", data={"file": (io.BytesIO(b""), "a.webm")})
    assert empty.status_code == 400
    assert client.post("/api/v1/media", data={"other": "x"}).status_code == 400
    torn = _field("file", data[:5000], '; filename="a"')
    answer = client.post("/api/v1/media", data=torn, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (b"x" * (2 << 20), 413),
        (b"--b\r\nX: " + b"x" * (2 << 20), 413),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 30, 413),
        (None, 413),
        (b"--\xe9\r\n", 400),
    ],
)
def test_a_form_never_fills_the_memory(core: Core, client: FlaskClient, form: bytes | None, status: int) -> None:
    """S4-18: what stands before, between and behind parts without an end is refused, and nothing of it stays."""
    before = incoming(core)
    body = form or _field("file", film(5000), '; filename="a"') + b"--b--\r\n" + b"x" * (2 << 20)
    kind = "multipart/form-data; " + ("boundary=b" if status == 413 else "boundary*=utf-8''%E2%82%AC")
    answer = client.post("/api/v1/media", data=body, content_type=kind)
    assert answer.status_code == status, answer.text
    assert incoming(core) == before


def test_the_draft_of_the_ietf_at_the_same_address(core: Core, client: FlaskClient) -> None:
    """S4-18: Upload-Complete and its like: begun, broken off, asked for, gone on with, and told the right offset."""
    data = film(3000)
    draft = {"Upload-Draft-Interop-Version": "8"}
    begun = client.post(PATH, data=data[:1000], headers={**draft, "Upload-Complete": "?0"})
    assert begun.status_code == 201
    url = begun.headers["Location"]
    assert begun.headers["Upload-Limit"].startswith(f"max-size={20 << 30}")
    head = client.head(url, headers=draft)
    assert (head.status_code, head.headers["Upload-Offset"], head.headers["Upload-Complete"]) == (204, "1000", "?0")
    said = {**draft, "Content-Type": "application/partial-upload", "Upload-Complete": "?1"}
    wrong = client.patch(url, data=data[500:], headers={**said, "Upload-Offset": "500"})
    assert (wrong.status_code, wrong.headers["Upload-Offset"]) == (409, "1000")
    assert wrong.json is not None
    assert wrong.json["type"] == "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"
    assert (wrong.json["expected-offset"], wrong.json["provided-offset"]) == (1000, 500)
    last = client.patch(url, data=data[1000:], headers={**said, "Upload-Offset": "1000"})
    assert (last.status_code, last.headers["Upload-Complete"]) == (204, "?1")
    found = client.get(url).json
    assert found is not None
    assert bytes_of(core, found["media"]) == data
    more = client.patch(url, data=b"x", headers={**said, "Upload-Offset": "3000"})
    assert more.status_code == 400
    assert more.json is not None
    assert more.json["type"] == "https://iana.org/assignments/http-problem-types#completed-upload"
    assert more.headers["Upload-Draft-Interop-Version"] == "8"
    open_ended = client.post(PATH, data=data, headers={**draft, "Upload-Complete": "?0"}).headers["Location"]
    ended = client.patch(open_ended, headers={**said, "Upload-Offset": "3000"})  # without a body, and its length
    assert (ended.status_code, ended.headers["Upload-Complete"]) == (204, "?1")
    whole = client.post(PATH, data=data, headers={**draft, "Upload-Complete": "?1"})
    assert (whole.status_code, whole.headers["Upload-Complete"]) == (201, "?1")
    assert client.post(PATH, data=data, headers={**draft, "Upload-Complete": "yes"}).status_code == 400


def test_the_same_beginning_under_a_key_is_the_same_upload(client: FlaskClient, tus: TusClient) -> None:
    """S4-18: an answer that got lost costs no second upload."""
    said = {"Idempotency-Key": '"one"', "Upload-Length": "100", "Upload-Metadata": metadata(filename="a")}
    first, again = (tus.ask("POST", PATH, **said) for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    for name in ("Upload-Offset", "Upload-Length", "Upload-Expires", "Upload-Metadata", "Tus-Resumable"):
        assert again.headers[name] == first.headers[name]
    assert tus.ask("POST", PATH, **{**said, "Upload-Length": "101"}).status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "0"}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "ten"}, 400),
        ({}, 400),
        ({"Upload-Length": "10", "Upload-Defer-Length": "1"}, 400),
        ({"Upload-Length": str((20 << 30) + 1)}, 413),
        ({"Upload-Length": "10", "Upload-Metadata": "filename !"}, 400),
        ({"Upload-Length": "10", "Upload-Metadata": "x" * 9000}, 400),
        ({"Upload-Length": "10", "Upload-Metadata": metadata(session="../x")}, 400),
        ({"Upload-Length": "10", "Upload-Metadata": metadata(sha256="zz")}, 400),
        ({"Upload-Length": "10", "Upload-Metadata": metadata(started_at="yesterday")}, 400),
        ({"Upload-Length": "10", "Upload-Concat": "parts"}, 400),
        ({"Upload-Concat": f"final;{PATH}/{new_id()}"}, 404),
        ({"Upload-Length": "10", "Tus-Resumable": "0.2.2"}, 412),
    ],
)
def test_bad_beginnings(tus: TusClient, headers: dict[str, str], status: int) -> None:
    """S4-18: each has a status that says what is wrong."""
    answer = tus.ask("POST", PATH, **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    if status == 412:
        assert answer.headers["Tus-Version"] == "1.0.0"
    if status == 413:
        assert answer.headers["Tus-Max-Size"] == str(20 << 30)


def test_bad_requests_for_more(client: FlaskClient, tus: TusClient) -> None:
    """S4-18: types, offsets and addresses that are none."""
    url = tus.begin(10)
    assert tus.patch(url, 0, b"x", **{"Content-Type": "video/webm"}).status_code == 415
    assert tus.patch(url, 0, b"x", **{"Upload-Offset": "first"}).status_code == 400
    assert client.patch(url, data=b"x").status_code == 412
    for method in ("HEAD", "DELETE"):
        assert tus.ask(method, url, **{"Tus-Resumable": "0.2.2"}).status_code == 412
    assert tus.patch(url, 0, b"", **checksum("sha256", b"x")).status_code == 460
    assert tus.offset(url) == 0
    for lost in (new_id(), "..%2f..%2fetc%2fpasswd", "%00", "x" * 60):
        assert tus.patch(f"{PATH}/{lost}", 0, b"x").status_code == 404


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
        form = _field("file", film(10 << 20), '; filename="a"') + b"--b--\r\n"
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


def test_without_a_list_no_other_site_uploads(client: FlaskClient) -> None:
    """S4-22: none by default."""
    answer = client.post(PATH, headers={**TUS, "Upload-Length": "10", "Origin": "chrome-extension://abc"})
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def _crc32(data: bytes) -> dict[str, str]:
    return {"Upload-Checksum": f"crc32 {b64encode(zlib.crc32(data).to_bytes(4, 'big')).decode()}"}


def _field(name: str, data: bytes, more: str = "") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + data + b"\r\n"
