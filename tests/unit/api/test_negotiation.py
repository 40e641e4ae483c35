"""What `/` is asked for, who may ask, and how errors are told; on an app without a core."""

from __future__ import annotations

import pytest
from flask import Flask
from prometheus_client import REGISTRY

from gatehouse_api.guard import install_guard
from gatehouse_api.problems import RangeNotRecorded, from_error, from_http, from_unexpected
from gatehouse_api.routes.compat import wants_stream
from gatehouse_common.errors import InvalidInput, Unavailable


@pytest.mark.parametrize(
    ("headers", "stream"),
    [
        ({"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}, True),
        ({"Accept": "multipart/x-mixed-replace"}, True),
        ({"Accept": "*/*", "Sec-Fetch-Dest": "image"}, True),
        ({"Accept": "text/html,application/xhtml+xml,image/avif,*/*;q=0.8", "Sec-Fetch-Dest": "document"}, False),
        ({"Accept": "*/*"}, False),
        ({}, False),
    ],
)
def test_an_image_element_gets_the_stream_and_a_person_the_app(headers: dict[str, str], stream: bool) -> None:
    """S1-7, C-1"""
    with Flask(__name__).test_request_context("/", headers=headers):
        assert wants_stream() is stream


def guarded(host: str, allowed: str = "") -> Flask:
    app = Flask(__name__)
    install_guard(app, host, allowed)
    app.route("/x", methods=["GET", "POST"])(lambda: "yes")
    return app


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("127.0.0.1:5000", 200),
        ("localhost", 200),
        ("LOCALHOST:5000", 200),
        ("[::1]:5000", 200),
        ("evil.example", 421),
        ("localhost.evil.example:5000", 421),
        ("127.0.0.1.nip.io", 421),
        ("10.0.0.7:5000", 421),
    ],
)
def test_a_loopback_server_answers_loopback_names_only(name: str, status: int) -> None:
    """DNS rebinding: a page's own name that leads here is not ours."""
    assert guarded("127.0.0.1").test_client().get("/x", headers={"Host": name}).status_code == status
    assert guarded("0.0.0.0", "*").test_client().get("/x", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("192.168.1.20:5000", 200),
        ("[fe80::1]:5000", 200),
        ("localhost:5000", 200),
        ("nvr", 200),
        ("NVR.local.:5000", 200),
        ("nvr.lan", 200),
        ("cameras.example.org", 200),
        ("Cameras.Example.org:443", 200),
        ("other.local", 421),
        ("nvr.evil.example", 421),
        ("evil.example:5000", 421),
        ("192.168.1.20.nip.io", 421),
        ("sub.cameras.example.org", 421),
        ("1.2.3", 421),
    ],
)
def test_a_server_for_a_network_answers_to_no_name_that_strangers_can_own(
    name: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "nvr")
    client = guarded("0.0.0.0", "cameras.example.org, other").test_client()
    answer = client.get("/x", headers={"Host": name})
    assert answer.status_code == status
    if status == 421:
        assert "api.allowed_hosts" in answer.get_json()["detail"]


def test_a_name_that_is_listed_is_answered_to_behind_a_proxy_too() -> None:
    client = guarded("127.0.0.1", "cameras.example.org").test_client()
    assert client.get("/x", headers={"Host": "cameras.example.org"}).status_code == 200
    assert client.get("/x", headers={"Host": "10.0.0.7"}).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost:8080"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_pages_of_other_sites_change_nothing(headers: dict[str, str], status: int) -> None:
    assert guarded("127.0.0.1").test_client().post("/x", headers=headers).status_code == status


def test_every_answer_is_dressed_also_one_that_refuses() -> None:
    client = guarded("127.0.0.1").test_client()
    for answer in (client.get("/x"), client.get("/x", headers={"Host": "evil.example"}), client.get("/nowhere")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert answer.headers["X-Request-Id"]


def test_a_body_nested_too_deeply_is_the_clients_mistake() -> None:
    answer = guarded("127.0.0.1").test_client().post("/x", data="[" * 50_000, content_type="application/json")
    assert answer.status_code == 400


def test_invented_methods_make_no_new_series() -> None:
    client = guarded("127.0.0.1").test_client()
    for method in ("FOO", "BAR"):
        client.open("/x", method=method)
    counted = next(m for m in REGISTRY.collect() if m.name == "gatehouse_http_requests")
    methods = {sample.labels.get("method") for sample in counted.samples}
    assert "other" in methods
    assert not methods & {"FOO", "BAR"}


def test_an_error_is_a_problem_document_and_plain_text_on_the_older_routes() -> None:
    """S1-12"""
    app = Flask(__name__)
    with app.test_request_context("/api/v1/footage"):
        answer = from_error(InvalidInput("from is wrong", "from"))
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
        body = answer.get_json()
        assert body["errors"] == [{"pointer": "from", "detail": "from is wrong"}]
        assert {"type", "title", "status", "detail", "instance", "request_id"} <= set(body)
        body = from_error(RangeNotRecorded("nothing", None, 1_715_941_380_000_000)).get_json()
        assert body["type"].endswith("/range-not-recorded")
        assert body["nearest"] == {"before": None, "after": "2024-05-17T10:23:00.000000Z"}
        assert from_error(Unavailable("the database is away")).headers["Retry-After"]
        body = from_unexpected(RuntimeError("rtsp://u:verysecret@host/")).get_data(as_text=True)
        assert "verysecret" not in body
    with app.test_request_context("/footage"):
        for answer in (from_error(Unavailable("away")), from_unexpected(RuntimeError("x"))):
            assert answer.content_type.startswith("text/plain")
            assert answer.status_code in {503, 500}


def test_a_wrong_method_says_which_are_right() -> None:
    from werkzeug.exceptions import MethodNotAllowed

    with Flask(__name__).test_request_context("/api/v1/footage"):
        assert from_http(MethodNotAllowed(valid_methods=["HEAD", "GET"])).headers["Allow"] == "GET, HEAD"
