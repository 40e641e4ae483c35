"""Counts, totals, events and times are those of what somebody may see, however they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from access_kit import BOTH, GATE, LAST_HOURS, LENGTH_S, OWN, YARD, Told, access_site, add_user
from access_kit import AccessSite as Site
from gatehouse_api.context import context
from gatehouse_common.accounts import Grant, Permission, Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import CameraRepository, Users
from gatehouse_common.ids import new_id
from gatehouse_common.messages import CameraStatus, PlateIndexed
from gatehouse_common.timefmt import parse, rfc3339

AT_THE_GATE, LAST_HOUR = "operator at the gate", "operator of the last hour"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with access_site(tmp_path_factory.mktemp("limits")) as made:
        yield made


def get(site: Site, caller: str, path: str) -> Any:
    answer = site.ask(caller, "GET", path)
    assert answer.status == 200, answer.data[:300]
    return answer.json()


def span(site: Site, objects: str) -> str:
    of = site.objects[objects]
    return f"from={of['from']}&to={of['to']}"


@pytest.mark.parametrize(("caller", "times"), [("admin", 5), ("operator", 5), (AT_THE_GATE, 2), (LAST_HOUR, 1)])
def test_a_plate_was_seen_as_often_as_somebody_may_know(site: Site, caller: str, times: int) -> None:
    plate = site.objects["gate"]["plate"]
    detail = get(site, caller, f"/api/v1/plates/{plate}")
    assert (detail["seen"]["count"], len(detail["history"])) == (times, times - 1)
    found = get(site, caller, f"/api/v1/plates?q={BOTH}")
    assert len(found["items"]) == times
    assert {one["seen"]["count"] for one in found["items"]} == {times}
    assert get(site, caller, "/v2/results/detections?limit=1")["total"] == len(every_plate(site, caller))


@pytest.mark.parametrize(("caller", "plates"), [("admin", 7), (AT_THE_GATE, 3), (LAST_HOUR, 2)])
@pytest.mark.parametrize("search", ["", "q=*", "q=*4711", "q=SAME", "q=GTE4712", "cameras=yard,gate"])
def test_pages_are_as_long_as_they_should_be(site: Site, caller: str, plates: int, search: str) -> None:
    """What is left out of a page after it was looked up makes it short, and tells that something is there."""
    whole = every_plate(site, caller, search)
    assert len(whole) == len({one["id"] for one in whole})
    assert {one["camera"] for one in whole} <= ({GATE, YARD} if caller == "admin" else {GATE})
    if search in {"", "q=*", "cameras=yard,gate"}:
        assert len(whole) == plates


def every_plate(site: Site, caller: str, search: str = "") -> list[dict[str, Any]]:
    """All plates that a search finds, a page of two at a time; all but the last page are full."""
    found, cursor = list[dict[str, Any]](), ""
    while True:
        page = get(site, caller, f"/api/v1/plates?limit=2&{search}" + (f"&cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
        assert len(page["items"]) == 2


@pytest.mark.parametrize(("caller", "clips"), [("admin", 7), (AT_THE_GATE, 3), (LAST_HOUR, 2)])
def test_clips_are_counted_as_far_as_they_are_there(site: Site, caller: str, clips: int) -> None:
    stats = get(site, caller, "/v2/video/stats")
    items = get(site, caller, "/api/v1/clips")["items"]
    assert stats["total_count"] == sum(stats["videos_by_date"].values()) == len(items)
    assert len(items) <= clips  # clips of visits that are close are one
    assert len(get(site, caller, "/v2/video/segments?limit=100")["segments"]) == len(items)
    assert {one["camera"] for one in items} == ({GATE, YARD} if caller == "admin" else {GATE})


def test_reads_are_counted_as_far_as_they_are_there(site: Site) -> None:
    asked = f"/api/v1/plates/confidences?from={site.objects['old']['from']}"
    counts = {who: sum(get(site, who, asked)["counts"]) for who in ("admin", AT_THE_GATE, LAST_HOUR)}
    assert counts == {"admin": 21, AT_THE_GATE: 9, LAST_HOUR: 6}
    assert get(site, AT_THE_GATE, asked)["thresholds"].keys() == {GATE}


def test_a_camera_that_is_not_there_is_looked_for_like_one_that_never_was(site: Site) -> None:
    for path in ("/api/v1/plates?cameras=", "/api/v1/clips?cameras=", "/api/v1/plates/confidences?cameras="):
        yard, nowhere = (site.ask(AT_THE_GATE, "GET", path + camera).json() for camera in (YARD, "nowhere"))
        for told in (yard, nowhere):  # the range of what is asked for without one ends now
            told.pop("from", None), told.pop("to", None)
        assert yard == nowhere


def test_the_default_camera_is_one_that_is_there(site: Site) -> None:
    assert get(site, "admin", "/camera_info")["current_camera"] == YARD
    assert get(site, AT_THE_GATE, "/camera_info")["current_camera"] == GATE
    assert get(site, "viewer of nothing", "/camera_info")["current_camera"] is None
    root = site.ask("viewer at the gate", "GET", "/", Accept="*/*")
    assert root.headers["Link"].startswith("</live/gate.mjpg>")


def test_pages_name_plates_only_to_who_may_read_them(site: Site) -> None:
    assert OWN[GATE].encode() in site.ask(AT_THE_GATE, "GET", "/video-browser").data
    assert OWN[GATE].encode() not in site.ask("viewer at the gate", "GET", "/video-browser").data


def test_what_cannot_be_taken_away_can_be_played(site: Site) -> None:
    """Files to keep, and other formats, need the permission to export; playing does not."""
    asked = f"/api/v1/footage?camera={GATE}&{span(site, 'gate')}"
    viewer, operator = "viewer at the gate", AT_THE_GATE
    assert site.ask(viewer, "GET", f"{asked}&download=false").status == 200
    for more in ("", "&download=false&format=webm", "&download=false&codec=h264"):
        assert site.ask(viewer, "GET", asked + more).status == 403
    assert site.ask(operator, "GET", asked).status == 200
    clip = site.objects["gate"]["clip"]
    assert site.ask(viewer, "GET", f"/api/v1/clips/{clip}/media").status == 200
    assert site.ask(viewer, "GET", f"/v2/video/segments/{clip}/download").status == 404
    assert site.ask(operator, "GET", f"/v2/video/segments/{clip}/download").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/cameras", {"id": YARD, "url": "synthetic:"}),
        ("POST", "/api/v1/cameras", {"id": "another", "url": "synthetic:"}),
        ("POST", "/api/v1/maintenance/consistency-check", {}),
        ("POST", "/api/v1/holds", {"reason": "all of it", "from": "2026-01-01T00:00:00Z"}),
    ],
)
def test_what_concerns_all_cameras_is_for_who_sees_all(site: Site, method: str, path: str, body: object) -> None:
    answer = site.ask("admin at the gate", method, path, body)
    assert answer.status == 403
    assert "only some" in answer.json()["detail"]


def test_jobs_of_nobody_are_for_who_sees_all(site: Site) -> None:
    kinds = {
        who: {job["kind"] for job in get(site, who, "/api/v1/jobs")["items"]} for who in ("admin", "admin at the gate")
    }
    assert kinds == {"admin": {"export", "consistency-check"}, "admin at the gate": {"export"}}


def test_a_hold_is_placed_on_what_is_there(site: Site) -> None:
    bodies = [{"reason": "x", "clip": site.objects[whose]["clip"]} for whose in ("yard", "none")]
    yard, none = (site.ask("admin at the gate", "POST", "/api/v1/holds", body) for body in bodies)
    assert (yard.status, none.status) == (404, 404)
    held = {one["reason"] for one in get(site, "admin at the gate", "/api/v1/holds?ended=true")["items"]}
    assert held == {"of gate", "a clip of gate"}
    sizes = {who: get(site, who, "/api/v1/holds")["held_bytes"] for who in ("admin", "admin at the gate")}
    assert 0 < sizes["admin at the gate"] < sizes["admin"]


def test_the_plan_is_of_what_is_there(site: Site) -> None:
    whole, part = (get(site, who, "/api/v1/retention/plan") for who in ("admin", "admin at the gate"))
    assert 0 < part["room"]["recordings"] < whole["room"]["recordings"]
    assert 0 < part["room"]["clips"] < whole["room"]["clips"]
    assert (part["room"]["free"], part["room"]["total"]) == (None, None)
    assert sum(day["objects"] for day in part["days"]) < sum(day["objects"] for day in whole["days"])


def test_services_are_well_or_not_but_why_is_for_who_sees_all(site: Site) -> None:
    def told(caller: str) -> dict[str, str]:
        return {one["name"]: one["detail"] for one in get(site, caller, "/api/v1/health")["checks"]}

    assert told("admin").keys() == {"storage", "camera gate", "camera yard"}
    assert told("admin")["storage"]
    assert told(AT_THE_GATE) == {"storage": "", "camera gate": ""}
    assert told("uploader") == {"storage": ""}


def test_what_is_too_old_is_as_if_it_were_not_recorded(site: Site) -> None:
    """The same as of a time at which nothing was, but for the times themselves."""
    for path in (
        f"/api/v1/footage?camera={GATE}&download=false&",
        f"/api/v1/hls/{GATE}/vod.m3u8?",
        f"/api/v1/cameras/{GATE}/export?",
        f"/footage?camera={GATE}&",
    ):
        old, never = (site.ask(LAST_HOUR, "GET", path + span(site, of)) for of in ("old", "never"))
        assert (old.status, nearest(old)) == (404, nearest(never)), path
        assert rfc3339(site.begun_us) in old.data.decode()
        assert site.ask(AT_THE_GATE, "GET", path + span(site, "old")).status == 200
    at = f"/api/v1/cameras/{GATE}/thumbnail.jpg?at="
    assert site.ask(LAST_HOUR, "GET", at + site.objects["old"]["at"]).status == 404
    assert site.ask(LAST_HOUR, "GET", at + site.objects["gate"]["at"]).status == 200


def nearest(answer: Told) -> str:
    """What an answer says without the times that were asked for."""
    if answer.mimetype != "application/problem+json":
        return answer.data.decode()
    told = answer.json()
    return json.dumps({name: told[name] for name in ("type", "title", "detail", "nearest")})


def test_ranges_begin_where_somebody_may_look(site: Site) -> None:
    now = site.core.clock.now_us()
    since = now - LAST_HOURS * HOUR
    whole = f"from={site.objects['old']['from']}&to={rfc3339(now)}"
    timeline = get(site, LAST_HOUR, f"/api/v1/timeline?{whole}")["items"][0]
    edges = [parse(at, site.core.zone, "at") for one in timeline["recorded"] for at in one]
    edges += [parse(gap["from"], site.core.zone, "at") for gap in timeline["gaps"]]
    assert min(edges) >= since - SECOND
    assert len(timeline["recorded"]) == 1
    assert len(get(site, AT_THE_GATE, f"/api/v1/timeline?{whole}")["items"][0]["recorded"]) == 2
    coverage = get(site, LAST_HOUR, f"/api/v1/cameras/{GATE}/coverage?{whole}")
    assert parse(coverage["from"], site.core.zone, "at") >= since - SECOND
    assert abs(coverage["recorded_seconds"] - LENGTH_S) < 1
    months = {site.objects[of]["from"][:7] for of in ("old", "gate")}
    days = [day for m in months for day in get(site, LAST_HOUR, f"/api/v1/days?camera={GATE}&month={m}")["items"]]
    assert abs(sum(day["recorded_seconds"] for day in days) - LENGTH_S) < 1
    playlist = site.ask(LAST_HOUR, "GET", f"/api/v1/hls/{GATE}/vod.m3u8?{whole}").data.decode()
    assert site.objects["gate"]["chunk"] in playlist
    assert site.objects["old"]["chunk"] not in playlist
    assert len(get(site, LAST_HOUR, "/recordings")) == 1
    assert len(get(site, AT_THE_GATE, "/recordings")) == 2
    answer = site.ask(LAST_HOUR, "GET", f"/api/v1/footage?camera={GATE}&{whole}")
    assert parse(answer.headers["X-Footage-Start"], site.core.zone, "at") >= site.begun_us - SECOND


def test_of_a_file_that_begins_too_early_only_what_playlists_name_is_given(site: Site) -> None:
    users = Users(site.core.db)
    user = users.named(LAST_HOUR)
    assert user is not None
    before = users.grants(user.id)
    middle = site.begun_us + 5 * SECOND
    hours = (site.core.clock.now_us() - middle) / HOUR
    users.grant(user.id, [Grant(GATE, frozenset(Permission), hours)])
    try:
        whole = f"from={rfc3339(site.begun_us)}&to={rfc3339(site.begun_us + LENGTH_S * SECOND)}"
        playlist = site.ask(LAST_HOUR, "GET", f"/api/v1/hls/{GATE}/vod.m3u8?{whole}").data.decode()
        lines = playlist.splitlines()
        ranges = [line.partition(":")[2] for line in lines if line.startswith("#EXT-X-BYTERANGE")]
        begins = [line.partition(":")[2] for line in lines if line.startswith("#EXT-X-PROGRAM-DATE-TIME")]
        assert ranges
        assert all(parse(at, site.core.zone, "at") >= middle for at in begins)
        url = f"/api/v1/media/chunks/{site.objects['gate']['chunk']}.mp4"
        (head,) = [line.partition('BYTERANGE="')[2].rstrip('"') for line in lines if line.startswith("#EXT-X-MAP")]
        for one in [head, *ranges]:
            length, _, offset = one.partition("@")
            last = int(offset) + int(length) - 1
            assert site.ask(LAST_HOUR, "GET", url, Range=f"bytes={offset}-{last}").status == 206
        for wrong in ("bytes=0-", "bytes=-100", f"bytes={head.partition('@')[0]}-100000", "bytes=0-10,20-30", ""):
            shown = {"Range": wrong} if wrong else {}
            assert site.ask(LAST_HOUR, "GET", url, **shown).status == 416, wrong
        assert site.ask(AT_THE_GATE, "GET", url).status == 200
    finally:
        users.grant(user.id, before.values())


@pytest.mark.parametrize(
    ("caller", "topics"),
    [
        ("admin", {"plates", "clips"}),
        (AT_THE_GATE, {"plates", "clips"}),
        ("viewer at the gate", {"clips"}),
        ("operator who watches", set()),
    ],
)
def test_events_are_told_of_what_is_there(site: Site, caller: str, topics: set[str]) -> None:
    long_ago = site.core.clock.now_us() - 5 * HOUR
    head = f"{long_ago // 1000:012x}"
    unknown = f"{head[:8]}-{head[8:]}-7{new_id()[15:]}"
    path = f"/api/v1/events/stream?last_event_id={unknown}"
    with site.client().get(path, headers=dict(site.callers[caller].headers)) as answer:
        assert answer.status_code == 200
        pieces = iter(answer.response)
        told = next(pieces) + (next(pieces) if topics else b"")  # type: ignore[operator]
        with site.app.app_context():
            number = context().events.newest
        events = [(site.visits[of][0].event, of) for of in (YARD, GATE)]
        for event, camera in events:
            message = PlateIndexed(camera=camera, time_us=site.core.clock.now_us(), event=event, change="updated")
            site.core.bus.publish(message)
        if "plates" in topics:
            while site.visits[GATE][0].event.encode() not in (piece := next(pieces)):  # type: ignore[operator]
                told += piece
            told += piece
            seen = {"admin": 5}.get(caller, 2)
            assert f'"seen":{{"count":{seen},'.encode() in piece
    names = {line.split(b": ")[1].split(b".")[0].decode() + "s" for line in told.splitlines() if line[:5] == b"event"}
    assert names == topics
    if caller != "admin":
        assert not [word for word in site.secrets if word in told]
    assert number >= 0


def test_who_may_not_read_a_topic_is_not_told_of_it(site: Site) -> None:
    assert site.ask("viewer at the gate", "GET", "/api/v1/events/stream?topics=plates").status == 403


@pytest.mark.parametrize("path", ["/live/gate.mjpg", "/api/v1/live/grid", "/api/v1/events/stream"])
@pytest.mark.parametrize("how", ["removed", "not granted"])
def test_what_is_endless_ends_with_what_allowed_it(
    site: Site, path: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatehouse_api.auth.standing.AGAIN_US", 0)
    name = f"{how} {path.rpartition('/')[2]}"
    one = add_user(site.core, name, Role.VIEWER, {GATE: frozenset({Permission.LIVE})})
    users = Users(site.core.db)
    user = users.named(name)
    assert user is not None
    with site.client().get(path, headers=dict(one.headers)) as answer:
        assert answer.status_code == 200
        pieces = iter(answer.response)
        assert next(pieces)
        if how == "removed":
            users.remove(user.id)
        else:
            users.grant(user.id, [])
            if "events" in path:  # it goes on, and tells of nothing
                return
        assert list(pieces) == []


def test_cameras_that_go_are_told_of_to_who_sees_them(site: Site) -> None:
    with site.app.app_context():
        context().events.next_after(0, ["cameras"], 0)  # from now on it is known what cameras do
    headers = dict(site.callers[AT_THE_GATE].headers)
    with site.client().get("/api/v1/events/stream?topics=cameras", headers=headers) as answer:
        pieces = iter(answer.response)
        next(pieces)
        for camera in (YARD, GATE):
            now = site.core.clock.now_us()
            status = {"camera": camera, "time_us": now, "state": "recording", "since_us": now, "detail": ""}
            CameraRepository(site.core.db).report(CameraStatus.model_validate(status))
        told = str(next(pieces))
    assert "camera.online" in told
    assert f'"id":"{GATE}"' in told
    assert YARD not in told


@pytest.mark.parametrize(("caller", "drawn"), [(AT_THE_GATE, True), ("viewer at the gate", False)])
def test_plates_are_drawn_only_for_who_may_read_them(
    site: Site, caller: str, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def reads(_plates: object, camera: str, _at_us: int) -> list[object]:
        asked.append(camera)
        return []

    monkeypatch.setattr("gatehouse_api.routes.v2_stream.newest_reads", reads)
    headers = dict(site.callers[caller].headers)
    with site.client().get(f"/v2/stream/video-feed?camera={GATE}", headers=headers) as answer:
        assert next(iter(answer.response))
    assert asked == ([GATE] if drawn else [])
