"""Media over HTTP: whose they are, what is given of them, what people change and have made of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gatehouse_common.accounts import Role
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Audit, Deletions, JobRepository, Media, User
from gatehouse_common.errors import Unavailable
from gatehouse_common.intake import read_description
from gatehouse_common.messages import JobChanged
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from media_rows import add_file, put
from pipeline_kit import core_at
from session_kit import add_user

FILM = bytes(range(256)) * 40
Shown = dict[str, str]


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as opened:
        yield opened


def film(core: Core, user: User, number: int, **more: Any) -> Media:
    """A medium of a user with its original in the store."""
    folder = f"uploads/{user.name.lower()}.{user.number}/{number}/"
    media = put(
        core.db, number, owner=user.number, owner_name=user.name, folder=folder, created_us=core.clock.now_us(), **more
    )
    file = add_file(core.db, media, "original", len(FILM), key=f"{folder}original.webm")
    core.store.put_bytes(file.key, FILM)
    return media


EACH = [
    ("GET", "", None),
    ("PATCH", "", {"name": "mine"}),
    ("GET", "/download", None),
    ("GET", "/thumbnail", None),
    ("POST", "/audio", {"codec": "mp3"}),
    ("POST", "/transcode", {"format": "mp4"}),
    ("POST", "/retry", None),
    ("DELETE", "", None),
    ("POST", "/restore", None),
]


def test_who_uploads_sees_her_own_media_and_no_others(core: Core, client: FlaskClient) -> None:
    """S4-11, S4-17: another's medium answers as one that never was, by number and by id, on every route there is."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER)
    eve, _ = add_user(core, "Eve", Role.UPLOADER)
    own, other = film(core, ann, 1), film(core, eve, 2)
    assert [one["number"] for one in client.get("/api/v1/media", headers=by_ann).get_json()["items"]] == [1]
    assert client.get("/api/v1/media?owner=Eve&count=true", headers=by_ann).get_json()["total"] == 0
    for method, path, body in EACH:
        for which in (other.number, other.id):
            answer = client.open(f"/api/v1/media/{which}{path}", method=method, json=body, headers=by_ann)
            never = client.open(f"/api/v1/media/999{path}", method=method, json=body, headers=by_ann)
            assert (answer.status_code, never.status_code) == (404, 404), (method, path)
    for path in (f"/video/stream/{other.number}", f"/srce/api/video/stream/{other.number}"):
        assert client.get(path, headers=by_ann).status_code == 404
    assert client.get("/videos/Eve", headers=by_ann).get_json() == []
    assert client.get(f"/api/v1/media/{own.id}", headers=by_ann).get_json()["owner"] == "Ann"


def test_who_sees_all_changes_others_only_where_that_was_granted(core: Core, client: FlaskClient) -> None:
    ann, _ = add_user(core, "Ann", Role.UPLOADER)
    _, by_op = add_user(core, "Op", Role.OPERATOR)
    _, by_ada = add_user(core, "Ada", Role.ADMIN)
    media = film(core, ann, 1)
    assert client.get("/api/v1/media?owner=Ann", headers=by_op).get_json()["items"][0]["number"] == 1
    assert client.patch("/api/v1/media/1", json={"name": "x"}, headers=by_op).status_code == 403
    assert client.delete("/api/v1/media/1", headers=by_op).status_code == 403
    assert client.delete("/api/v1/media/1?purge=true", headers=by_ada).status_code == 204
    assert [d.kind for d in Deletions(core.db).due(core.clock.now_us() + SECOND, 9)] == ["media"]
    assert client.get(f"/api/v1/media/{media.id}", headers=by_ada).status_code == 404
    assert "media.purged" in [entry.deed.action for entry in Audit(core.db).entries(limit=9)]


def test_files_are_given_by_ranges_and_under_the_name_that_people_know(core: Core, client: FlaskClient) -> None:
    """PRODUCT section 2: strong tags, 206, 304, 416, HEAD, and a name as RFC 5987 has it."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER)
    media = film(core, ann, 1, name="Hof früh.webm")
    url = "/api/v1/media/1/download"
    whole = client.get(url, headers=by_ann)
    assert (whole.status_code, whole.data, whole.mimetype) == (200, FILM, "video/webm")
    assert "filename*=UTF-8''Hof%20fr%C3%BCh.webm" in whole.headers["Content-Disposition"]
    tag = whole.headers["ETag"]
    part = client.get(url, headers={**by_ann, "Range": "bytes=100-299", "If-Range": tag})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (
        206,
        FILM[100:300],
        f"bytes 100-299/{len(FILM)}",
    )
    assert client.get(url, headers={**by_ann, "If-None-Match": tag}).status_code == 304
    assert client.get(url, headers={**by_ann, "Range": "bytes=999999-"}).status_code == 416
    head = client.head(url, headers=by_ann)
    assert (head.status_code, head.content_length, head.data) == (200, len(FILM), b"")
    assert client.get("/api/v1/media/1/thumbnail", headers=by_ann).status_code == 404
    shown = client.get("/api/v1/media/1", headers=by_ann).get_json()
    assert shown["plays"] == f"{url}?kind=original&download=false"
    smaller = add_file(core.db, media, "compressed", 3, key=f"{media.folder}compressed.mp4", type="video/mp4")
    core.store.put_bytes(smaller.key, b"mp4")
    assert client.get("/video/stream/1", headers=by_ann).data == b"mp4"
    core.store.delete(smaller.key)
    assert client.get("/video/stream/1", headers=by_ann).status_code == 410


def test_a_medium_is_named_deleted_and_taken_back(core: Core, client: FlaskClient) -> None:
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER)
    film(core, ann, 1)
    tag = client.get("/api/v1/media/1", headers=by_ann).headers["ETag"]
    named = client.patch("/api/v1/media/1", json={"name": " Hof\n"}, headers={**by_ann, "If-Match": tag})
    assert (named.status_code, named.get_json()["name"]) == (200, "Hof")
    assert client.patch("/api/v1/media/1", json={"name": "x"}, headers={**by_ann, "If-Match": tag}).status_code == 412
    assert client.patch("/api/v1/media/1", json={"name": "\n "}, headers=by_ann).status_code == 400
    assert client.delete("/api/v1/media/1?purge=true", headers=by_ann).status_code == 403
    assert client.delete("/api/v1/media/1", headers={**by_ann, "If-Match": tag}).status_code == 412
    assert client.delete("/api/v1/media/1", headers=by_ann).status_code == 204
    assert client.get("/api/v1/media/1/download", headers=by_ann).status_code == 404
    trashed = client.get("/api/v1/media?trashed=true", headers=by_ann).get_json()["items"]
    assert [one["number"] for one in trashed] == [1]
    assert client.post("/api/v1/media/1/restore", headers=by_ann).get_json()["state"] == "ready"
    assert client.get("/api/v1/media/1/download", headers=by_ann).data == FILM


AUDIO = [
    {"codec": "copy"},
    {"codec": "aac", "bitrate": "48k"},
    {"codec": "mp3", "quality": 2},
    {"codec": "mp3", "bitrate": "64k"},
    {"codec": "flac"},
]


def test_sound_of_every_form_is_asked_for_and_called_off(core: Core, client: FlaskClient) -> None:
    """S4-20: POST /api/v1/media/{id}/audio -> 202 and a job, which its user sees and may call off."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER)
    _, by_eve = add_user(core, "Eve", Role.UPLOADER)
    film(core, ann, 1)
    told: list[JobChanged] = []
    core.bus.subscribe_transient([JobChanged], lambda d: told.append(d.message))  # type: ignore[arg-type]
    places = []
    for body in AUDIO:
        answer = client.post("/api/v1/media/1/audio", json=body, headers=by_ann)
        assert answer.status_code == 202, answer.text
        job = client.get(answer.headers["Location"], headers=by_ann).get_json()
        assert (job["kind"], job["parameters"], job["progress"]) == ("media-audio", {"media": 1, **body}, 0.0)
        places.append(answer.headers["Location"])
    assert len(set(places)) == len(AUDIO)
    key = {**by_ann, "Idempotency-Key": "once"}
    first = client.post("/api/v1/media/1/transcode", json={"format": "gif"}, headers=key)
    again = client.post("/api/v1/media/1/transcode", json={"format": "gif"}, headers=key)
    assert (first.status_code, again.get_json()["id"]) == (202, first.get_json()["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.get(places[0], headers=by_eve).status_code == 404
    assert client.delete(places[0], headers=by_eve).status_code == 404
    assert client.get("/api/v1/jobs", headers=by_eve).get_json()["items"] == []
    assert len(client.get("/api/v1/jobs", headers=by_ann).get_json()["items"]) == len(AUDIO) + 1
    assert client.delete(places[0], headers=by_ann).get_json()["state"] == "cancelled"
    assert client.delete(places[0], headers=by_ann).status_code == 409
    for body in ({"codec": "opus"}, {"codec": "mp3", "quality": 10}, {"codec": "flac", "bitrate": "64k"}, {"codec": 1}):
        assert client.post("/api/v1/media/1/audio", json=body, headers=by_ann).status_code == 422, body


def test_what_failed_is_tried_again(core: Core, client: FlaskClient) -> None:
    """S4-18: the row says why and where, and Retry begins anew."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER)
    film(core, ann, 1, state="failed", stage="probing", detail="it is no film")
    shown = client.get("/api/v1/media/1", headers=by_ann).get_json()
    assert (shown["state"], shown["stage"], shown["detail"]) == ("failed", "probing", "it is no film")
    assert client.post("/api/v1/media/1/audio", json={}, headers=by_ann).status_code == 409
    job = client.post("/api/v1/media/1/retry", headers=by_ann)
    assert (job.status_code, job.get_json()["kind"]) == (202, "media-process")
    assert JobRepository(core.db).get(job.get_json()["id"]).user == ann.number
    assert client.post("/api/v1/media/1/retry", headers=by_ann).status_code == 409


def test_lists_go_on_by_cursor_and_are_filtered(core: Core, client: FlaskClient) -> None:
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER)
    for number in range(1, 6):
        film(core, ann, number, name=f"Hof {number}.webm", kind="recording" if number == 5 else "upload")
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/media?limit=2&count=true&cursor={cursor}", headers=by_ann).get_json()
        assert page["total"] == 5
        seen += [one["number"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [5, 4, 3, 2, 1]
    by = {"kind=recording": [5], "text=HOF 3": [3], "state=failed": [], "from=2999-01-01T00:00:00Z": []}
    for query, numbers in by.items():
        found = client.get(f"/api/v1/media?{query}", headers=by_ann).get_json()["items"]
        assert [one["number"] for one in found] == numbers, query
    for wrong in ("kind=film", "state=trashed", "cursor=x", "from=soon"):
        assert client.get(f"/api/v1/media?{wrong}", headers=by_ann).status_code == 400, wrong


def test_the_older_uploaders_routes_list_and_delete(core: Core, client: FlaskClient) -> None:
    """S4-21: GET /videos/{username} and DELETE /video/{id}, also under /srce/api."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER)
    film(core, ann, 1)
    film(core, ann, 2, state="failed", detail="it is no film")
    for prefix, number in (("", 1), ("/srce/api", 2)):
        listed = client.get(f"{prefix}/videos/ann", headers=by_ann)
        assert listed.get_json()[-1] | {"created_date": ""} == {
            "id": 1 if prefix == "" else 2,
            "username": "ann",
            "created_date": "",
            "original_location": f"uploads/ann.{ann.number}/{number}/original.webm",
            "compressed_location": None,
            "thumbnail_location": None,
            "file_type": "webm",
            "status": "ready" if number == 1 else "failed",
            "error": "" if number == 1 else "it is no film",
        }
        deleted = client.delete(f"{prefix}/video/{number}", headers=by_ann)
        assert deleted.get_json() == {"msg": "Video deleted successfully!"}
        gone = client.delete(f"{prefix}/video/{number}", headers=by_ann)
        assert (gone.status_code, list(gone.get_json())) == (404, ["detail"])


def test_what_people_change_is_described_beside_the_files_at_once(core: Core, client: FlaskClient) -> None:
    """R5: else it would be lost with the index; of what is deleted nothing is left to say."""
    ann, by_ann = add_user(core, "Ann", Role.ADMIN)
    media = film(core, ann, 1)
    about = keys.media_description(media.folder)

    def told() -> Media:
        return read_description(about, core.store.read(about)).media

    assert client.patch("/api/v1/media/1", json={"name": "Hof"}, headers=by_ann).status_code == 200
    assert (told().name, told().version) == ("Hof", 2)
    assert client.delete("/api/v1/media/1", headers=by_ann).status_code == 204
    assert (told().state, told().before_trash) == ("trashed", "ready")
    assert client.post("/api/v1/media/1/restore", headers=by_ann).status_code == 200
    assert (told().state, told().trashed_us) == ("ready", None)
    assert client.delete("/api/v1/media/1?purge=true", headers=by_ann).status_code == 204
    assert about not in [info.key for info in core.store.list(media.folder)]


def test_a_store_that_is_away_keeps_nobody_from_renaming(
    core: Core, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, by_ann = add_user(core, "Ann")
    film(core, ann, 1)

    def away(*_: object, **__: object) -> None:
        raise Unavailable("the store does not answer")

    monkeypatch.setattr(core.store, "put_bytes", away)
    answer = client.patch("/api/v1/media/1", json={"name": "Hof"}, headers=by_ann)
    assert (answer.status_code, answer.get_json()["name"]) == (200, "Hof")


def test_an_export_whose_job_was_lost_is_not_tried_again_and_says_why(core: Core, client: FlaskClient) -> None:
    """An index that was made anew has no jobs: 409, never a fault of the server."""
    ann, by_ann = add_user(core, "Ann")
    film(core, ann, 1, kind="export", state="failed", detail="the index was lost")
    answer = client.post("/api/v1/media/1/retry", headers=by_ann)
    assert (answer.status_code, "ask for it again" in answer.get_json()["detail"]) == (409, True)
    film(core, ann, 2, kind="recording", session=5, state="failed")
    assert client.post("/api/v1/media/2/retry", headers=by_ann).status_code == 202
