"""Every field of every body and form, given what nobody would type, and everything that changes, asked for by others.

What there is of accounts, access and times is tried in their own tests; here is what holds for all routes alike.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from access_kit import GATE, AccessSite, Told, access_site
from access_routes import ROUTES
from gatehouse_api.openapi.document import document_path, operations

MARKUP = "<script>alert(4711)</script>"
VALUES: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**400,
    "",
    " ",
    [],
    ["x"],
    {},
    {"a": {"b": []}},
    "../../../../etc/passwd",
    "..\\..\\windows",
    "a\x00b",
    "\ud800",
    "\u202egpj.exe\u200b",
    "ﬀ٣Ⅷ",
    "'; DROP TABLE cameras; --",
    '" OR 1=1 --',
    MARKUP,
    f'"{MARKUP}',
    "{{7*7}}${7*7}%n%s",
    "a\r\nSet-Cookie: x=1",
    "9" * 5000,
    "x" * 100_000,
]
HUGE = "x" * (1 << 20)
FIELDS = (
    *("name", "password", "current", "token", "role", "session", "deed", "link"),
    *("scope", "grant", "next", "days", "all_cameras"),
)
"""What the pages' forms have; each form is sent all of them."""
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessSite]:
    with access_site(tmp_path_factory.mktemp("values")) as made:
        yield made
        assert [c["id"] for c in made.ask("admin", "GET", "/api/v1/cameras").json()["items"]] == ["gate", "yard"]
        assert made.core.store.read("recordings/recording_index.json")


class _Places(dict[str, str]):
    """What is put into addresses; of what is not told there is none."""

    def __missing__(self, key: str) -> str:
        return "none"


def _bodies(site: AccessSite) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation that takes JSON, with the example of the document; no password in it is good."""
    for path, method, operation in operations(site.app.api_doc):  # type: ignore[attr-defined]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None and path.startswith(
            "/api/v1/"
        ):  # the old recorders' routes have errors of their own form
            url = path.format_map(_Places(camera=GATE, plate=site.objects[GATE]["plate"]))
            body = {
                **copy.deepcopy(content["example"]),
                **({"password": "x"} if "password" in content["example"] else {}),
            }
            yield method, url, body


def _check(told: Told, what: str) -> None:
    assert told.status < 500, (what, told.data[:300])
    if told.status >= 400:
        assert told.mimetype == "application/problem+json", what
        problem = told.json()
        assert problem["status"] == told.status
        assert len(told.data) < 20_000, what  # what was sent is not sent back
    assert "Set-Cookie" not in told.headers, what


def _send(site: AccessSite, method: str, url: str, body: object) -> Told:
    """Send a body as it is: the test client would refuse half a surrogate."""
    with site.client().open(
        url,
        method=method,
        data=json.dumps(body).encode("ascii"),
        content_type="application/json",
        headers=dict(site.callers["admin"].headers),
    ) as answer:
        return Told(answer.status_code, dict(answer.headers), answer.get_data(), answer.mimetype)


def test_no_value_of_a_field_is_a_fault(site: AccessSite) -> None:
    """Wrong types, paths, NUL, halves of characters, SQL, markup, and more than fits: 4xx with a problem, or taken."""
    tried = 0
    for method, url, body in _bodies(site):
        for field in body:
            for value in VALUES:
                tried += 1
                what = f"{method} {url} {field}={value!r}"[:200]
                _check(_send(site, method, url, {**body, field: value}), what)
        for field, more in (("nobody_knows_it", 1), ("__proto__", {}), ("", "x")):
            _check(refused := _send(site, method, url, {**body, field: more}), f"{method} {url} {field}")
            assert refused.status >= 400, (url, field)
    assert tried > 500


def test_no_body_of_another_kind_is_taken(site: AccessSite) -> None:
    for method, url, _ in _bodies(site):
        for whole in (None, 1, "x", [], [{}], True):
            if whole is not None or "consistency" not in url:  # of that, nothing at all is a good question
                told = _send(site, method, url, whole)
                _check(told, f"{method} {url} {whole!r}")
                assert told.status in {400, 403, 404, 409, 415, 422, 429}, (url, whole, told.status)


def test_a_name_of_a_megabyte_is_too_large(site: AccessSite) -> None:
    for method, url, body in _bodies(site):
        told = _send(site, method, url, {**body, next(iter(body)): HUGE})
        assert told.status == 413, (url, told.status)
        assert told.mimetype == "application/problem+json"


def _forms(site: AccessSite) -> list[str]:
    return [
        document_path(rule.rule).format_map(_Places(camera=GATE, chunk="2000000000", number="2000000000"))
        for rule in site.app.url_map.iter_rules()
        if "POST" in (rule.methods or set()) and not rule.rule.startswith(("/api/", "/v2/")) and rule.rule != "/logout"
    ]


def test_no_value_of_a_form_is_a_fault_or_markup(site: AccessSite) -> None:
    """A page that says a name again says it as text."""
    forms = _forms(site)
    assert len(forms) > 8
    for url in forms:
        for value in [str(one) for one in VALUES if one is not None] + [HUGE[: 1 << 18]]:
            sent = {field: value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for field in FIELDS}
            headers = {**site.callers["admin"].headers, **BROWSER}
            with site.client().post(url, data=sent, headers=headers) as answer:
                page = answer.get_data(as_text=True)
                assert answer.status_code < 500, (url, value[:80])
                assert MARKUP not in page, (url, value[:80])
                assert "\n" not in answer.headers.get("Location", "")


def test_names_with_markup_are_text_on_every_page(site: AccessSite) -> None:
    """S0 and S3: what was typed once is shown as it was typed, and is never part of the page."""
    site.ask("admin", "POST", "/api/v1/users", {"name": f"u {MARKUP}"})
    site.ask("admin", "PATCH", f"/api/v1/cameras/{GATE}", {"name": f"c {MARKUP}"})
    site.ask("admin", "POST", "/api/v1/tokens", {"name": f"t {MARKUP}", "scopes": ["live:view"]})
    there = site.objects[GATE]
    span = {"camera": GATE, "from": there["from"], "to": there["to"], "note": f"l {MARKUP}"}
    link = site.ask("admin", "POST", "/api/v1/links", span)
    assert link.status == 201
    shared = "/s/" + link.json()["url"].rpartition("/")[2]
    pages = ["/", "/live", "/plates", "/video-browser", "/users", "/account", "/audit", "/detection-test", shared]
    pages += [
        "/timeline",
        "/dashboard",
        "/record",
        "/lists",
        "/logs",
        "/stats",
        "/settings",
        f"/view/{GATE}",
        "/webhooks",
    ]
    shown = 0
    for url in pages:
        page = site.ask("admin", "GET", url, **BROWSER)
        assert page.status == 200, url
        assert MARKUP.encode() not in page.data, url
        shown += b"&lt;script&gt;alert(4711)" in page.data
    assert shown >= 3
    site.ask("admin", "PATCH", f"/api/v1/cameras/{GATE}", {"name": "Gate"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
    ],
    ids=str,
)
def test_pages_of_others_change_nothing_by_any_route(site: AccessSite, headers: dict[str, str]) -> None:
    """PRODUCT section 4: every unsafe route refuses them, before it looks at anything."""
    tried = 0
    for name, route in ROUTES.items():
        method = name.partition(" ")[0]
        if method in {"POST", "PUT", "PATCH", "DELETE"}:
            tried += 1
            url = route.path.format(**site.objects[GATE])
            assert site.ask("admin", method, url, route.json, **headers).status == 403, name
    assert tried > 30


FORGED = [
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer x"},
    {"Authorization": "Bearer gatehouse_pat_aaaaaaaaaaaa_" + "a" * 52},
    {"Authorization": "Bearer gatehouse_pat_../../x_" + "a" * 52},
    {"Authorization": "Basic ////"},
    {"Authorization": "Basic YTpi"},
    {"Authorization": "Basic " + "QUFB" * 5000},
    {"Authorization": "Digest username=x"},
    {"X-API-Key": "'; DROP TABLE api_tokens; --"},
    {"X-API-Key": "x" * 50_000},
    {"Cookie": "gatehouse="},
    {"Cookie": "gatehouse=" + "A" * 43},
    {"Cookie": "gatehouse=" + "é" * 20},
    {"X-Forwarded-User": "ada"},
]


@pytest.mark.parametrize("shown", FORGED, ids=lambda one: str(one)[:60])
def test_what_is_forged_opens_nothing(site: AccessSite, shown: dict[str, str]) -> None:
    for name, route in ROUTES.items():
        method, _, rule = name.partition(" ")
        if route.scopes and not route.waits and rule.startswith(("/api/v1", "/v2")):
            url = route.path.format(**site.objects[GATE])
            with site.client().open(url, method=method, json=route.json, headers=shown) as answer:
                assert answer.status_code == 401, name
                assert "WWW-Authenticate" in answer.headers, name


def test_a_token_that_ended_opens_nothing(site: AccessSite) -> None:
    made = site.ask("admin", "POST", "/api/v1/tokens", {"name": "short", "scopes": ["cameras:read"]}).json()
    shown = {"Authorization": f"Bearer {made['token']}"}
    assert site.client().get("/api/v1/cameras", headers=shown).status_code == 200
    for changed in (made["token"][:-1], made["token"] + "a", made["token"].upper(), made["token"][::-1]):
        answer = site.client().get("/api/v1/cameras", headers={"Authorization": f"Bearer {changed}"})
        assert answer.status_code == 401, changed
    site.ask("admin", "DELETE", f"/api/v1/tokens/{made['id']}")
    assert site.client().get("/api/v1/cameras", headers=shown).status_code == 401


@pytest.mark.parametrize(
    "secret", ["x", "A" * 43, "..", "%00", "%2e%2e%2f", "a" * 5000, "%F0%9F%98%80", "'%20OR%201=1"]
)
def test_a_link_that_is_none_shows_nothing(site: AccessSite, secret: str) -> None:
    for url in (f"/s/{secret}", f"/s/{secret}/footage.mp4"):
        with site.client().get(url, follow_redirects=True) as answer:
            assert answer.status_code in {404, 422}, url[:80]
            assert answer.mimetype == "application/problem+json"
