"""The OpenAPI document: every route is in it, its examples fit, and old routes say what there is in their place."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_openapi3 import APIBlueprint
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

from access_kit import AccessSite, access_site
from gatehouse_api.app import close_app, create_app
from gatehouse_api.auth.access import access_of
from gatehouse_api.deprecation import SUCCESSORS
from gatehouse_api.openapi.document import Operation, document_path, operations
from gatehouse_api.openapi.reference import render


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessSite]:
    with access_site(tmp_path_factory.mktemp("openapi")) as made:
        yield made


@pytest.fixture(scope="module")
def document(site: AccessSite) -> dict[str, Any]:
    found: dict[str, Any] = site.ask("admin", "GET", "/api/v1/openapi.json").json()
    return found


def _family(app: Flask, endpoint: str) -> object:
    return app.blueprints.get(endpoint.partition(".")[0])


def _routes(app: Flask) -> set[tuple[str, str]]:
    """All that is declared as of the API, and all below `/api/v1`, however it is."""
    return {
        (document_path(rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1") or isinstance(_family(app, rule.endpoint), APIBlueprint)
    }


def _examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], object]]:
    for path, method, operation in operations(document):
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (kind for one in contents for kind in one.get("content", {}).values()):
            if "example" in content:
                yield f"{method} {path}", content["schema"], content["example"]
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                yield f"{method} {path} {parameter['name']}", parameter["schema"], parameter["example"]


def _fits(document: dict[str, Any], schema: dict[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": document["components"]}
    found = Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


def test_every_route_is_in_the_document(site: AccessSite, document: dict[str, Any]) -> None:
    """PRODUCT section 2: the document has all routes, and none that there is not."""
    validate(copy.deepcopy(document))
    assert document["openapi"].startswith("3.1")
    listed = {(path, method) for path, method, _ in operations(document)}
    assert listed == _routes(site.app)


def test_what_a_change_depends_on_is_in_the_document(site: AccessSite, document: dict[str, Any]) -> None:
    camera = document["paths"]["/api/v1/cameras/{camera}"]
    assert "ETag" in camera["get"]["responses"]["200"]["headers"]
    for method in ("patch", "delete"):
        assert "412" in camera[method]["responses"]
        assert "If-Match" in [one["name"] for one in camera[method]["parameters"]]
    made = {path for path, method, one in operations(document) if "Idempotency-Key" in repr(one.get("parameters"))}
    assert made == {
        *("/api/v1/cameras", "/api/v1/users", "/api/v1/tokens", "/api/v1/links", "/api/v1/holds", "/api/v1/webhooks"),
        *("/api/v1/maintenance/consistency-check", "/api/v1/uploads", "/api/v1/media", "/api/v1/exports"),
        *("/api/v1/watchlists", *(f"/api/v1/watchlists/{{watchlist}}/{what}" for what in ("entries", "import"))),
        *(f"/api/v1/media/{{media}}/{what}" for what in ("audio", "transcode", "retry")),
    }


def test_nobody_is_shown_half_of_the_document(site: AccessSite) -> None:
    """The framework fills it in place; of many who ask first at once, all are given the whole."""
    app, told, start = create_app(site.core), [], threading.Barrier(8)

    def ask() -> None:
        start.wait(10)
        client = app.test_client(use_cookies=False)
        told.append(client.get("/api/v1/openapi.json", headers=dict(site.callers["admin"].headers)).data)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    close_app(app)
    assert len(told) == 8
    assert len(set(told)) == 1


def test_every_operation_has_a_name_of_its_own_and_says_what_it_is_for(document: dict[str, Any]) -> None:
    found = [operation for _, _, operation in operations(document)]
    assert len({one["operationId"] for one in found}) == len(found)
    for one in found:
        assert one["summary"], one["operationId"]
        assert "<br/>" not in one["description"]


def test_bodies_and_answers_in_json_have_examples_that_fit(document: dict[str, Any]) -> None:
    """Every body and every answer in JSON below `/api/v1` shows an example, and each fits its schema."""
    bare = []
    for path, method, operation in operations(document):
        if path.startswith("/api/v1"):
            bare += [f"{method} {path} {what}" for what in _without_example(operation)]
    assert bare == ["get /api/v1/openapi.json 200"]
    wrong = [(where, told) for where, schema, value in _examples(document) if (told := _fits(document, schema, value))]
    assert not wrong
    assert len(list(_examples(document))) > 300


def _without_example(operation: Operation) -> list[str]:
    places = {"body": operation.get("requestBody", {}), **operation["responses"]}
    return [
        place
        for place, said in places.items()
        for kind, content in said.get("content", {}).items()
        if kind.endswith("json") and "example" not in content
    ]


def test_no_example_fits_whatever_it_is(document: dict[str, Any]) -> None:
    """What is looked for by the test of examples is found."""
    schema = {"$ref": "#/components/schemas/CameraForCaller"}
    assert _fits(document, schema, {"id": 1})


def test_who_may_ask_is_said_as_it_is(site: AccessSite, document: dict[str, Any]) -> None:
    for rule in site.app.url_map.iter_rules():
        access = access_of(site.app.view_functions[rule.endpoint])
        for method in (rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            operation = document["paths"].get(document_path(rule.rule), {}).get(method.lower())
            if operation is None or access is None:
                continue
            assert bool(operation["security"]) == bool(access.scopes), rule.rule
            if access.scopes:
                assert operation["x-scopes"] == sorted(access.scopes)
                assert {"401", "403"} <= operation["responses"].keys()


def test_old_routes_are_marked_and_name_what_there_is_now(site: AccessSite, document: dict[str, Any]) -> None:
    """C-3: `deprecated: true`, `Deprecation` and `Link: rel="successor-version"`, in errors too."""
    old = {path for path, _, operation in operations(document) if operation.get("deprecated")}
    assert old == {document_path(rule) for rule in SUCCESSORS}
    for path, method, operation in operations(document):
        if path not in old:
            continue
        assert all("Deprecation" in answer["headers"] for answer in operation["responses"].values()), path
        answer = site.ask(
            "nobody",
            method.upper(),
            path.replace("{chunk}", "1").replace("{video}", "1").replace("{", "").replace("}", ""),
        )
        assert answer.status == (401 if operation["security"] else 200 if method == "get" else 400), path
        assert answer.headers["Deprecation"].startswith("@"), path
        successor = answer.headers["Link"].partition(">")[0].lstrip("<")
        assert answer.headers["Link"].endswith('rel="successor-version"')
        assert successor in document["paths"], path
        assert not any(one.get("deprecated") for one in document["paths"][successor].values())


def test_errors_of_old_routes_are_as_their_clients_know_them(document: dict[str, Any]) -> None:
    """S0: `error`; S1: text; S2, S4: `detail`; ours are problems."""
    for path, _, operation in operations(document):
        kinds = set(operation["responses"]["400"]["content"])
        if path.startswith(("/v2/", "/upload", "/srce/")):
            assert kinds == {"application/json"}
            assert "Detail" in repr(operation["responses"]["400"])
        elif path.startswith("/api/v1"):
            assert kinds == {"application/problem+json"}
        elif path.startswith("/api/"):
            assert kinds == {"application/json"}
            assert "OldError" in repr(operation["responses"]["400"])
        elif path in SUCCESSORS:
            assert kinds == {"text/plain"}


def test_the_page_about_the_api_is_made_from_the_document(document: dict[str, Any]) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "api.md"
    assert page.read_text(encoding="utf-8") == render(document), "docs/api.md is stale: run `make docs`"
    for path, method, _ in operations(document):
        assert f"### `{method.upper()} {path}`" in page.read_text(encoding="utf-8")
