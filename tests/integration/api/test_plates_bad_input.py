"""Whatever a client sends to the routes of plates and clips: never a fault of ours, and blame in the right form."""

from __future__ import annotations

import itertools
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from gatehouse_common.ids import new_id
from plates_kit import PlateSite

VALUES = [
    "",
    "\0",
    "..",
    "../../etc/passwd",
    "%2e%2e%2f",
    "\ud800",
    "😀",
    "'; DROP TABLE plate_events--",
    "' OR '1'='1",
    '"><script>alert(1)</script>',
    "%_%",
    "[" * 200,
    "-1",
    "1e999",
    "NaN",
    "99999999999999999999999999",
    "x" * 6000,
    new_id(),
    new_id().upper(),
    "00000000-0000-0000-0000-000000000000",
]
QUERIES = {
    "/api/v1/plates": (
        "q",
        "match",
        "cameras",
        "from",
        "to",
        "tz",
        "min_confidence",
        "limit",
        "cursor",
        "include_rejected",
    ),
    "/api/v1/plates/confidences": ("cameras", "from", "to", "tz", "bins"),
    "/api/v1/plates/times": ("resolution", "camera", "from", "to", "tz"),
    "/api/v1/plates/times?from=1715941380&to=1715941440&camera=gate&tz=UTC": ("resolution", "from", "to"),
    "/api/v1/clips": ("cameras", "from", "to", "event", "state", "limit", "cursor"),
    "/api/v1/storage/plan": ("events_per_day", "seconds", "mbit_per_second", "days"),
    "/v2/video/segments": ("limit", "offset"),
    "/v2/results/detections": ("limit", "skip", "min_confidence"),
    "/v2/results/enhanced-results": ("limit", "skip", "min_confidence"),
    "/v2/stream/snapshot": ("camera",),
    "/v2/stream/annotated-snapshot": ("camera",),
    "/video-browser": ("offset",),
}
PATHS = (
    "/api/v1/plates/%s",
    "/api/v1/plates/%s/crop.jpg",
    "/api/v1/plates/%s/frame.jpg?width=100",
    "/api/v1/clips/%s",
    "/api/v1/clips/%s/media",
    "/v2/video/segments/%s",
    "/v2/video/segments/%s/download",
    "/v2/video/by-detection/%s",
)
WILD = ["*", "?", "**??**", "*" * 64, "?" * 64, "A*B?C*", "_", "%", "\\", "*A" * 32, "Ä", "ß", "١٢٣", "a b\tc"]


def q(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def refused(client: FlaskClient, url: str, method: str = "GET", **more: object) -> int:
    answer = client.open(url, method=method, **more)  # type: ignore[arg-type]
    status = answer.status_code
    assert status < 500, (method, url[:200], answer.get_data(as_text=True)[:300])
    if status >= 400 and method != "HEAD":
        kind = answer.content_type
        if url.startswith("/v2/"):
            assert kind == "application/json", url[:200]
            assert set(answer.get_json()) == {"detail"}
        else:
            assert kind.startswith("application/problem+json"), url[:200]
    assert b"<script>alert" not in answer.data or "json" in answer.content_type
    answer.close()
    return status


@pytest.fixture
def client(plate_site: PlateSite) -> FlaskClient:
    return plate_site.client


@pytest.mark.parametrize("path", QUERIES)
def test_no_query_is_a_fault(client: FlaskClient, path: str) -> None:
    for name, value in itertools.product(QUERIES[path], VALUES):
        if path.endswith("annotated-snapshot") and not value:
            continue  # a good request of this route asks a detector, and there is none here
        refused(client, f"{path}{'&' if '?' in path else '?'}{name}={q(value)}")
    if path == "/api/v1/plates":
        for match, value in itertools.product(("auto", "exact", "prefix", "wildcard", "fuzzy"), [*VALUES, *WILD]):
            refused(client, f"{path}?match={match}&q={q(value)}")


@pytest.mark.parametrize("path", PATHS)
def test_no_id_is_a_path_or_a_fault(client: FlaskClient, path: str) -> None:
    for value, method in itertools.product(VALUES, ("GET", "HEAD", "POST", "PATCH", "DELETE")):
        refused(client, path % q(value), method)


def test_no_body_is_a_fault(client: FlaskClient, plate_site: PlateSite) -> None:
    bodies = [
        "",
        "{",
        "null",
        "1",
        "[]",
        '{"text":"\\u0000"}',
        '{"text":"\\ud800"}',
        '{"text":[]}',
        '{"rejected":"no"}',
    ]
    bodies += ['{"text":"' + "A" * 100_000 + '"}', "[" * 50_000, '{"text":"<b>"}', '{"text":"😀"}']
    url = f"/api/v1/plates/{plate_site.first.event}"
    for body, kind in itertools.product(bodies, ("application/json", "text/plain", "")):
        if body == '{"text":"<b>"}':
            continue  # B is a plate
        assert refused(client, url, "PATCH", data=body, content_type=kind) >= 400
    assert client.get(url).get_json()["text"] == "BAB1234"
    assert refused(client, url, "PATCH", data=b"x" * (2 << 20), content_type="application/json") == 413
    for tag, status in (('"', 400), ("W/", 400), ("x" * 5000, 400), ('"other"', 412), ('W/"other"', 412)):
        assert refused(client, url, "PATCH", json={"text": "XX1"}, headers={"If-Match": tag}) == status
    assert client.get(url).get_json()["text"] == "BAB1234"


def test_no_cursor_but_ours_is_taken(client: FlaskClient) -> None:
    for cursor in (
        "x",
        "W10",
        "WzAsIngiXQ",
        "WzAsMSwieCJd",
        "WzksMV0",
        "bnVsbA",
        "e30",
        "WzAsMWU5OTksIngiXQ",
        "W1tbW1tb",
        "===",
        "é",
    ):
        for url in ("/api/v1/plates?cursor=", "/api/v1/clips?cursor="):
            assert refused(client, url + q(cursor)) == 400, cursor


def test_no_form_is_a_fault(client: FlaskClient) -> None:
    url = "/v2/detection/detect-from-image"
    for kind in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 500,
        "image/jpeg",
        "",
    ):
        for data in (b"", b"--x\r\n", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\n", b"\0" * 1000):
            assert refused(client, url, "POST", data=data, content_type=kind) in {400, 413, 422}
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % k for k in range(500))
    refused(client, url, "POST", data=parts + b"--x--\r\n", content_type="multipart/form-data; boundary=x")


def test_pages_of_other_sites_change_nothing(client: FlaskClient, plate_site: PlateSite) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    for method, url in (
        ("POST", "/v2/video/cleanup"),
        ("POST", "/v2/detection/detect-from-image"),
        ("PATCH", f"/api/v1/plates/{plate_site.first.event}"),
    ):
        assert refused(client, url, method, headers=headers) == 403


def test_the_api_describes_its_plates(client: FlaskClient) -> None:
    """C-3: the older recorder's routes are described too, as deprecated."""
    from openapi_spec_validator import validate

    document = client.get("/api/v1/openapi.json").get_json()
    validate(document)
    paths = document["paths"]
    assert {"/api/v1/plates", "/api/v1/plates/{plate}", "/api/v1/clips/{clip}/media", "/api/v1/events/stream"} <= set(
        paths
    )
    older = {path: methods for path, methods in paths.items() if path.startswith("/v2/")}
    assert len(older) == 14
    assert all(one["deprecated"] is True for methods in older.values() for one in methods.values())
    form = paths["/v2/detection/detect-from-image"]["post"]["requestBody"]["content"]
    assert list(form) == ["multipart/form-data"]


def test_pages_hold_no_script_of_their_own(client: FlaskClient) -> None:
    for path in ("/plates", "/video-browser", "/detection-test"):
        answer = client.get(path)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        known = text.count('<script type="module" src="/static/app/') + text.count(
            '<script src="/static/app/theme.js">'
        )
        assert text.count("<script") == known
        assert "style=" not in text
        assert " onclick" not in text
    assert "BAB1234" in client.get("/video-browser").get_data(as_text=True)
    assert "750 MB a day, 22.5 GB in 30 days" in client.get("/video-browser").get_data(as_text=True)
