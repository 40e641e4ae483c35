"""Whatever a client sends: an answer that blames the right one, never a fault of ours, nothing stored lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from pipeline_kit import START_US, add_camera, core_at, record, stored_files, work_off

TIMES = [
    "",
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59.999999-23:59",
    "9999-12-31T23:59:59",
    "-99999999999",
    "99999999999",
    "999999999999",
    "1715941380",
    "1715941382.5",
    "20240517_102300",
    "99999999_999999",
    "٢٠٢٤٠٥١٧_١٠٢٣٠٠",
    "2024-05-17T10:23:05Z",
    "2024-W20-5",
    "\0",
    "\ud800",
    "😀",
    "nan",
    "x" * 60,
    "x" * 6000,
]
ZONES = ["UTC", "Europe/Berlin", "../../etc/passwd", "/etc/passwd", "localtime", ".", "\0", "Asia", "\ud800", "x" * 60]
NAMES = ["\0", "..", "%2e%2e", "a" * 64, "a" * 5000, "😀", "\ud800", "'; drop table cameras--", "cam\n", "CAM"]
BODIES = [
    '{"id":"a","url":"synthetic:","name":"\\ud800"}',
    '{"id":"a\\u0000","url":"synthetic:"}',
    '{"id":"b","url":"synthetic:?\\u0000"}',
    '{"id":"b","url":"rtsp://[::1"}',
    '{"id":"b","url":"rtsp://h:99999999/"}',
    '{"id":"b","url":"rtsp://h:x/"}',
    '{"id":"b","url":"file:///etc/\\u0000"}',
    '{"id":1,"url":[]}',
    "[" * 50_000,
    "null",
    "1",
    "{",
    "",
]


def q(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    home = tmp_path_factory.mktemp("bad")
    with core_at(home / "data") as core:
        add_camera(core)
        record(home / "data", home, frames=150)
        work_off(core)
        app = create_app(core)
        before = {p: (home / "data" / p).read_bytes() for p in stored_files(home / "data")}
        yield app.test_client()
        assert {p: (home / "data" / p).read_bytes() for p in stored_files(home / "data")} == before
        close_app(app)


def refused(client: FlaskClient, url: str, method: str = "GET", **more: object) -> None:
    answer = client.open(url, method=method, **more)  # type: ignore[arg-type]
    assert answer.status_code < 500, (url[:200], answer.get_data(as_text=True)[:300])
    if answer.status_code >= 400:
        compat = url.startswith(("/footage", "/recordings", "/camera_info"))
        assert answer.content_type.startswith("text/plain" if compat else "application/problem+json"), url[:200]
    answer.close()


def test_no_time_is_a_fault(client: FlaskClient) -> None:
    routes = ("/api/v1/footage?camera=cam", "/api/v1/timeline?cameras=cam", "/api/v1/hls/cam/vod.m3u8?x=1", "/footage?")
    for start, end, route in itertools.product(TIMES, TIMES, routes):
        refused(client, f"{route}&from={q(start)}&to={q(end)}")
    for month in ("0000-01", "0001-01", "9999-12", "2024-13", "٢٠٢٤-05", "x" * 60):
        refused(client, f"/api/v1/days?camera=cam&month={q(month)}")


def test_no_zone_is_a_fault(client: FlaskClient) -> None:
    for zone, time in itertools.product(ZONES, TIMES):
        refused(client, f"/api/v1/footage?camera=cam&from={q(time)}&to=1715941390&tz={q(zone)}")
        refused(client, f"/api/v1/cameras/cam/thumbnail.jpg?at={q(time)}&tz={q(zone)}")
        refused(client, f"/footage?camera=cam&from={q(time)}&to=20240517_102310&tz={q(zone)}")


def test_no_name_is_a_path_or_a_fault(client: FlaskClient) -> None:
    """S0-39: only names that the server made open files."""
    for name in NAMES:
        for path in (
            "/api/v1/cameras/%s",
            "/api/v1/cameras/%s/live",
            "/api/v1/live/%s.mp4",
            "/live/%s.mjpg",
            "/api/v1/cameras/%s/snapshot.jpg",
            "/api/v1/hls/%s/live.m3u8",
            "/api/v1/media/chunks/%s.mp4",
            "/api/v1/footage?from=1715941380&to=1715941390&camera=%s",
            "/api/v1/timeline?from=1715941380&to=1715941390&cameras=%s",
            "/footage?from=20240517_102300&to=20240517_102310&camera=%s",
        ):
            for method in ("GET", "DELETE"):
                refused(client, path % q(name), method)
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/app/..%2f..%2fapp.py", "/static//etc/passwd"):
        answer = client.get(path, follow_redirects=True)
        assert answer.status_code == 404
        answer.close()


def test_no_body_is_a_fault(client: FlaskClient) -> None:
    for body, kind in itertools.product(BODIES, ("application/json", "text/plain", "")):
        refused(client, "/api/v1/cameras", "POST", data=body, content_type=kind)
        refused(client, "/api/v1/cameras/cam", "PATCH", data=body, content_type=kind)
    assert [c["id"] for c in client.get("/api/v1/cameras").get_json()["items"]] == ["cam"]


def test_no_header_is_a_fault(client: FlaskClient) -> None:
    footage = f"/api/v1/footage?camera=cam&from={START_US // 10**6}&to={START_US // 10**6 + 3}"
    for name, values in {
        "Range": ["bytes=-0", "bytes=9999999999999999999999-", "bytes=٣-٤", "bytes=0-1,3-4", "x" * 5000],
        "If-None-Match": ['"', "*", "W/", "x" * 5000],
        "If-Range": ["x", '"', "W/"],
        "Accept": [";;;", "image/*;q=x", "x" * 5000],
        "Host": ["", "localhost:x", "a b", "[::1", "localhost:99999999"],
        "Origin": ["null", "\u00e9"],
    }.items():
        for value in values:
            for url in (footage, "/recordings", "/camera_info", "/api/v1/cameras"):
                refused(client, url, headers={name: value})


def test_a_wrong_method_is_405_with_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/footage")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_a_playlist_is_bounded(client: FlaskClient) -> None:
    """Every segment of a playlist is looked up: a year of them would be a way to bring the server down."""
    answer = client.get("/api/v1/hls/cam/vod.m3u8?from=1700000000&to=1730000000")
    assert answer.status_code == 413
    assert "at most 48 h" in answer.get_json()["detail"]


def test_what_is_not_recorded_names_the_nearest(client: FlaskClient) -> None:
    for url in ("/api/v1/footage?camera=cam&", "/api/v1/hls/cam/vod.m3u8?"):
        body = client.get(f"{url}from=1715000000&to=1715000010").get_json()
        assert body["type"].endswith("range-not-recorded")
        assert body["nearest"] == {"before": None, "after": "2024-05-17T10:23:00.000000Z"}
        body = client.get(f"{url}from=1716000000&to=1716000010").get_json()
        assert body["nearest"] == {"before": "2024-05-17T10:23:05.000000Z", "after": None}
        future = client.get(f"{url}from=99999999990&to=99999999999")
        assert future.status_code == 404
        assert future.get_json()["nearest"]["before"] == "2024-05-17T10:23:05.000000Z"


def test_it_says_who_may_ask(client: FlaskClient) -> None:
    body = client.get("/api/v1/health").get_json()
    assert body["access"] == "open to whoever reaches it: bound to 127.0.0.1"
    assert body["loopback_only"] is True
    root = client.get("/", headers={"Accept": "*/*"})
    assert root.headers["Link"] == '</live/cam.mjpg>; rel="alternate"; type="multipart/x-mixed-replace"'
    assert "Accept" in root.headers["Vary"]


def test_times_are_taken_as_programs_print_them(client: FlaskClient) -> None:
    """C-13: RFC 3339, the seed's form with a zone, and seconds since 1970 with as many digits as Python prints."""
    tags = set()
    for span in (
        "from=2024-05-17T10:23:01Z&to=2024-05-17T10:23:03Z",
        "from=2024-05-17T12:23:01%2B02:00&to=2024-05-17T12:23:03%2B02:00",
        "from=2024-05-17T12:23:01&to=2024-05-17T12:23:03&tz=Europe/Berlin",
        "from=20240517_102301&to=20240517_102303",
        "from=20240517_122301&to=20240517_122303&tz=Europe/Berlin",
        "from=1715941381&to=1715941383",
        "from=1715941381.0000000&to=1715941383.0000001",
    ):
        answer = client.get(f"/api/v1/footage?camera=cam&{span}")
        assert answer.status_code == 200, span
        tags.add(answer.headers["ETag"])
    assert len(tags) == 1
