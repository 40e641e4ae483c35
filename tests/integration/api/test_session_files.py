"""Files of recorder sessions where people are known: whose they are, of which cameras, and what is written down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gatehouse_common.accounts import ROLE_SCOPES, Grant, Permission, Role
from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.db import Audit, Camera, CameraRepository, RecorderSessions, Tokens, User, Users
from gatehouse_common.runtime import Core
from pipeline_kit import add_camera, core_at
from session_kit import FILM, add_user, begin, store_files

Shown = dict[str, str]
"""What somebody shows to be known."""


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as opened:
        add_camera(opened, "gate")
        add_camera(opened, "yard")
        yield opened


def own_file(core: Core, user: User, camera: str = "gate", ago_us: int = 2 * MINUTE) -> int:
    """A stored file of a user that began so long ago; return its number."""
    session = begin(core, user, camera, core.clock.now_us() - ago_us, total_s=30)
    store_files(core)
    (chunk,) = RecorderSessions(core.db).chunks(session=session)
    return chunk.number


def listed(client: FlaskClient, shown: Shown, path: str = "/api/videos") -> list[int]:
    answer = client.get(path, headers=shown)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert body["total_chunks"] == len(body["chunks"])
    return [chunk["id"] for chunk in body["chunks"]]


def refused(client: FlaskClient, shown: Shown, number: int) -> dict[str, int]:
    """What somebody is told who asks for a file in each of the ways that there are."""
    one = f"/api/video/{number}"
    return {
        "get": client.get(one, headers=shown).status_code,
        "download": client.get(f"{one}/download", headers=shown).status_code,
        "purge": client.delete(f"/api/delete-video/{number}?purge=true", headers=shown).status_code,
        "delete": client.delete(f"/api/delete-video/{number}", headers=shown).status_code,
        "restore": client.post(f"/api/v1/session-files/{number}/restore", headers=shown).status_code,
    }


NOT_THERE = dict.fromkeys(("get", "download", "purge", "delete", "restore"), 404)


def test_who_records_sees_her_own_files_and_no_others(core: Core, client: FlaskClient) -> None:
    """C-11, S0-27, S0-28, S0-29: another's file is not there, however it is asked for."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER, ("gate",))
    eve, _ = add_user(core, "Eve", Role.UPLOADER, ("gate",))
    own, other = own_file(core, ann), own_file(core, eve)
    assert listed(client, by_ann) == [own]
    assert listed(client, by_ann, "/api/videos/Ann") == [own]
    assert listed(client, by_ann, "/api/videos/Eve") == []
    assert refused(client, by_ann, other) == NOT_THERE
    assert client.get(f"/api/video/{own}", headers=by_ann).get_json()["user_name"] == "Ann"
    assert client.get(f"/api/video/{own}/download", headers=by_ann).data == FILM
    assert client.delete(f"/api/delete-video/{own}", headers=by_ann).status_code == 200
    assert listed(client, by_ann) == []
    assert client.post(f"/api/v1/session-files/{own}/restore", headers=by_ann).status_code == 200
    assert listed(client, by_ann) == [own]
    assert RecorderSessions(core.db).any_state(other).state == "stored"


def test_what_another_has_in_the_trash_is_not_there(core: Core, client: FlaskClient) -> None:
    """C-11, C-18: for whoever sees her own files only; an operator sees it, and may not take it out."""
    eve, by_eve = add_user(core, "Eve", Role.UPLOADER, ("gate",))
    _, by_ann = add_user(core, "Ann", Role.UPLOADER, ("gate",))
    _, by_bob = add_user(core, "Bob", Role.OPERATOR, ("gate",))
    number = own_file(core, eve)
    assert client.delete(f"/api/delete-video/{number}", headers=by_eve).status_code == 200
    assert refused(client, by_ann, number) == NOT_THERE
    assert client.post(f"/api/v1/session-files/{number}/restore", headers=by_bob).status_code == 403
    assert RecorderSessions(core.db).any_state(number).state == "trashed"


def test_an_operator_sees_the_files_of_all_and_deletes_his_own(core: Core, client: FlaskClient) -> None:
    """C-11: of his cameras."""
    ann, _ = add_user(core, "Ann", Role.UPLOADER, ("gate", "yard"))
    bob, by_bob = add_user(core, "Bob", Role.OPERATOR, ("gate",))
    hers, elsewhere, his = own_file(core, ann, ago_us=HOUR), own_file(core, ann, "yard"), own_file(core, bob)
    assert sorted(listed(client, by_bob)) == [hers, his]
    assert client.get(f"/api/video/{hers}/download", headers=by_bob).data == FILM
    assert client.delete(f"/api/delete-video/{hers}", headers=by_bob).status_code == 403
    assert client.delete(f"/api/delete-video/{his}", headers=by_bob).status_code == 200
    assert refused(client, by_bob, elsewhere) == NOT_THERE


def test_only_an_admin_deletes_past_the_trash(core: Core, client: FlaskClient) -> None:
    """C-18, S0-29: whose it is does not matter."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER, ("gate",))
    bob, by_bob = add_user(core, "Bob", Role.OPERATOR, ("gate",))
    _, by_root = add_user(core, "Root", Role.ADMIN)
    hers, his = own_file(core, ann), own_file(core, bob)
    for shown, number in ((by_ann, hers), (by_bob, his)):
        assert client.delete(f"/api/delete-video/{number}?purge=true", headers=shown).status_code == 403
        assert RecorderSessions(core.db).any_state(number).state == "stored"
    assert client.delete(f"/api/delete-video/{hers}?purge=true", headers=by_root).status_code == 200
    assert RecorderSessions(core.db).any_state(hers).state == "deleted"
    assert client.post(f"/api/v1/session-files/{hers}/restore", headers=by_root).status_code == 404


def test_a_file_is_there_for_what_the_camera_was_granted_for(core: Core, client: FlaskClient) -> None:
    """R8, S0-28: who may look, and not take away, lists it and has no bytes of it."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER, ("gate",))
    number = own_file(core, ann)
    Users(core.db).grant(ann.id, [Grant("gate", frozenset({Permission.LIVE, Permission.PLAYBACK}))])
    assert listed(client, by_ann) == [number]
    assert client.get(f"/api/video/{number}", headers=by_ann).status_code == 200
    assert client.get(f"/api/video/{number}/download", headers=by_ann).status_code == 404
    Users(core.db).grant(ann.id, [Grant("gate", frozenset({Permission.LIVE, Permission.EXPORT}))])
    assert listed(client, by_ann) == []
    assert client.get(f"/api/video/{number}", headers=by_ann).status_code == 404
    assert client.get(f"/api/video/{number}/download", headers=by_ann).data == FILM


def test_own_files_of_a_camera_that_was_taken_away_are_not_there(core: Core, client: FlaskClient) -> None:
    """R8: that she recorded them gives no right to see the camera for ever."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER, ("gate", "yard"))
    gone, kept = own_file(core, ann, ago_us=HOUR), own_file(core, ann, "yard")
    assert listed(client, by_ann) == [gone, kept]
    Users(core.db).take_camera(ann.id, "gate")
    assert listed(client, by_ann) == listed(client, by_ann, "/api/videos/Ann") == [kept]
    assert refused(client, by_ann, gone) == NOT_THERE
    assert RecorderSessions(core.db).any_state(gone).state == "stored"


@pytest.mark.parametrize("role", [Role.UPLOADER, Role.OPERATOR, Role.ADMIN])
def test_a_token_of_other_cameras_has_no_file_of_this_one(core: Core, client: FlaskClient, role: Role) -> None:
    """R8: whoever has made it, and whatever else it is good for."""
    user, _ = add_user(core, "Ann", role)
    gate, yard = own_file(core, user, ago_us=HOUR), own_file(core, user, "yard")
    made = Tokens(core.db).make(user.id, "yard", ROLE_SCOPES[role], core.clock.now_us(), cameras=["yard"])
    shown = {"Authorization": f"Bearer {made.text}"}
    assert listed(client, shown) == [yard]
    assert refused(client, shown, gate) == NOT_THERE
    assert client.get(f"/api/video/{yard}/download", headers=shown).data == FILM
    assert RecorderSessions(core.db).any_state(gate).state == "stored"


def test_an_own_file_that_is_too_old_is_not_there(core: Core, client: FlaskClient) -> None:
    """R8: where a camera was granted for the last hours, its files are as its footage is."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER, ("gate",))
    old, new = own_file(core, ann, ago_us=3 * HOUR), own_file(core, ann, ago_us=HOUR)
    Users(core.db).grant(ann.id, [Grant("gate", frozenset(Permission), last_hours=2)])
    assert listed(client, by_ann) == listed(client, by_ann, "/api/videos/Ann") == [new]
    assert refused(client, by_ann, old) == NOT_THERE
    assert client.get(f"/api/video/{new}/download", headers=by_ann).data == FILM


def start(client: FlaskClient, shown: Shown, camera: str, name: str = "Ann") -> Any:
    return client.post("/api/start-recording", json={"user_name": name, "camera": camera}, headers=shown)


def test_a_session_begins_only_where_files_may_be_had_and_are_recorded(core: Core, client: FlaskClient) -> None:
    """S0-22, R8: who may look only is told so, as is who asks for a camera that is off; nothing is planned."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER, ("gate",))
    CameraRepository(core.db).add(Camera("off", "synthetic:", enabled=False))
    looks = frozenset(Permission) - {Permission.EXPORT}
    Users(core.db).grant(ann.id, [Grant("gate", looks), Grant("off"), Grant("yard")])
    without, off = start(client, by_ann, "gate"), start(client, by_ann, "off")
    assert (without.status_code, "not for you" in without.get_json()["error"]) == (403, True)
    assert (off.status_code, "is off" in off.get_json()["error"]) == (409, True)
    assert RecorderSessions(core.db).planned(lambda _: True) == []
    assert Audit(core.db).entries(action="recorder_session.") == []
    assert start(client, by_ann, "yard").status_code == 200


def test_who_began_stopped_deleted_and_restored_is_written_down(core: Core, client: FlaskClient) -> None:
    """R8: with the camera, and by whom it was done, not for whom."""
    ann, by_ann = add_user(core, "Ann", Role.UPLOADER, ("gate",))
    root, by_root = add_user(core, "Root", Role.ADMIN)
    assert start(client, by_root, "gate").status_code == 200
    first = store_files(core)[0].number
    assert client.delete(f"/api/delete-video/{first}?purge=true", headers=by_root).status_code == 200
    assert client.post("/api/stop-recording", json={"user_name": "Ann"}, headers=by_ann).status_code == 200
    kept = RecorderSessions(core.db).chunks()[0]
    assert client.delete(f"/api/delete-video/{kept.number}", headers=by_ann).status_code == 200
    assert client.post(f"/api/v1/session-files/{kept.number}/restore", headers=by_ann).status_code == 200
    found = [
        e.deed for e in Audit(core.db).entries() if e.deed.action.startswith(("recorder_session.", "session_file."))
    ]
    assert [(d.action, d.subject, d.actor, d.actor_id, d.done) for d in reversed(found)] == [
        ("recorder_session.started", "camera gate", "Root", root.id, True),
        ("session_file.purged", "camera gate", "Root", root.id, True),
        ("recorder_session.stopped", "camera gate", "Ann", ann.id, True),
        ("session_file.deleted", "camera gate", "Ann", ann.id, True),
        ("session_file.restored", "camera gate", "Ann", ann.id, True),
    ]
    assert all(d.token is not None for d in found), "and by which token"
    told = {d.action: d.detail for d in found}
    assert told["recorder_session.started"] == {"session": kept.session, "user_name": "Ann"}
    assert told["session_file.deleted"] == {"file": kept.key, "session": kept.session}
