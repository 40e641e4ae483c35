"""R8: who may do what: every route, asked by everybody, for what is theirs and for what is not there for them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from access_kit import GATE, Caller, Told, access_site
from access_kit import AccessSite as Site
from access_route import Route
from access_routes import ROUTES
from account_routes import COMING_IN, SHARED
from fault_rig import Finding, tell
from gatehouse_api.auth.door import rule_of
from gatehouse_common.accounts import Permission, Scope
from list_routes import NO_LISTS
from media_routes import NO_MEDIA
from session_page_routes import NO_PAGES
from session_routes import NO_USER
from upload_routes import NO_UPLOADS

CALLERS = (
    "admin",
    "admin at the gate",
    "plates alone",
    "live alone",
    "operator",
    "operator at the gate",
    "operator of the last hour",
    "operator who watches",
    "viewer at the gate",
    "viewer who watches",
    "viewer of nothing",
    "uploader",
)
LIMITED = tuple(name for name in CALLERS if name not in {"admin", "operator", "plates alone"})
"""Those for whom there is no yard."""
ANYBODY = {
    *("GET /favicon.ico", "GET /static/<path:filename>", "GET /livez", "GET /readyz", "GET /api/health"),
}
"""What answers whoever asks. To be here is to tell strangers."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


ASKED: Counter[str] = Counter()
"""Requests by who asked."""
TRIED: set[tuple[str, ...]] = set()
"""What has been tried to its end: by test, who asked, and what for."""
ALL = {
    *(("refused", caller) for caller in CALLERS),
    *(("hidden", caller, objects) for caller in CALLERS for objects in ("gate", "yard", "old")),
    *(("untold", caller) for caller in LIMITED),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with access_site(tmp_path_factory.mktemp("access")) as made:
        yield made
    if TRIED == ALL:
        what = f"{len(ROUTES)} routes asked by {len(ASKED)} kinds of callers for what is theirs, and for what is not"
        figure = (
            f"{ASKED.total()} requests, 0 leaks; no answer has the name, or any word, of what is not there for them"
        )
        tell(Finding("R8", what, figure, "0 leaks", met=True), of="tests/integration/api/test_access.py")


def routes_of(site: Site) -> dict[str, str]:
    """All routes that the app has, and their endpoints."""
    return {
        f"{method} {rule.rule}": rule.endpoint
        for rule in site.app.url_map.iter_rules()
        for method in METHODS
        if method in (rule.methods or ())
    }


def _put_in(value: Any, objects: Any) -> Any:
    if isinstance(value, list):
        return [_put_in(one, objects) for one in value]
    return value.format(**objects) if isinstance(value, str) else value


def filled(route: Route, objects: Any) -> tuple[str, Any]:
    """The address and the body of a route for some objects."""
    body = None
    if route.json is not None:
        body = {k: _put_in(v, objects) for k, v in route.json.items()}
    return route.path.format(**objects), body


def ask(site: Site, caller: str, name: str, objects: str) -> Told:
    path, body = filled(ROUTES[name], site.objects[objects])
    ASKED[caller] += 1
    return site.ask(caller, name.partition(" ")[0], path, body)


def allowed(caller: Caller, route: Route) -> bool:
    return not route.scopes or (bool(route.scopes & caller.scopes) and not (route.in_person and caller.by_token))


def plain(answer: Told, objects: Any) -> tuple[int, str]:
    """Status and body of an answer, without what names the objects that were asked for, and which request it was."""
    body = answer.data.decode(errors="replace")
    if answer.mimetype in {"application/json", "application/problem+json"}:
        told = json.loads(body)
        if isinstance(told, dict):
            for name in ("request_id", "instance", "now"):
                told.pop(name, None)
        body = json.dumps(told)
    for place, value in objects.items():
        body = re.sub(rf"\b{re.escape(value)}\b", f"<{place}>", body)
    return answer.status, body


def test_every_route_says_who_may_call_it_and_is_tried_here(site: Site) -> None:
    """A route that says nothing answers nobody; one that is not tried might answer everybody."""
    found = routes_of(site)
    silent = [name for name, endpoint in found.items() if rule_of(site.app, endpoint) is None]
    assert not silent, f"say with @needs or @open_to_all who may call {silent}"
    missing = sorted(found.keys() - ROUTES.keys())
    assert not missing, f"give an example in ROUTES of tests/access_routes.py for {missing}"
    assert not sorted(ROUTES.keys() - found.keys()), "there are no such routes any more"


def test_every_route_asks_for_what_it_should(site: Site) -> None:
    found = routes_of(site)
    rules = {name: rule_of(site.app, endpoint) for name, endpoint in found.items()}
    asked = {name: (rule.scopes, rule.permission, rule.in_person) for name, rule in rules.items() if rule is not None}
    assert asked == {
        name: (ROUTES[name].scopes, ROUTES[name].permission, ROUTES[name].in_person) for name in found if name in ROUTES
    }


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_nobody_is_told_to_log_in(site: Site, name: str) -> None:
    method = name.partition(" ")[0]
    path, body = filled(ROUTES[name], site.objects["gate"])
    answer = site.ask("nobody", method, path, body)
    if name in COMING_IN or name in SHARED:  # what they do is tried in test_accounts.py and test_first_user.py
        assert not [word for word in site.secrets if word in answer.data]
        return
    if name in ANYBODY:
        assert answer.status in {200, 503}
        return
    assert answer.status == 401
    assert "WWW-Authenticate" in answer.headers
    page = site.ask("nobody", method, path, body, Accept="text/html")
    if page.status == 303:
        assert method == "GET"
        assert page.headers["Location"].startswith("/login?next=")
    else:
        assert page.status == 401
    assert not [word for word in site.secrets if word in page.data and word.decode() not in path]
    assert site.ask("nobody", method, path, body, Authorization="Bearer gatehouse_pat_x_y").status == 401


@pytest.mark.parametrize("caller", CALLERS)
def test_who_may_not_do_something_is_told_so(site: Site, caller: str) -> None:
    asks = site.callers[caller]
    for name, route in ROUTES.items():
        if not allowed(asks, route):
            for objects in ("gate", "yard", "none"):
                answer = ask(site, caller, name, objects)
                assert answer.status == 403, (name, objects)
                needed = {"token"} if route.in_person else route.scopes
                assert all(one in answer.data.decode() for one in needed), name
    TRIED.add(("refused", caller))


@pytest.mark.parametrize("caller", CALLERS)
def test_who_may_do_something_is_answered(site: Site, caller: str) -> None:
    """So that what is not there below is not there because nothing is."""
    asks = site.callers[caller]
    for name, route in ROUTES.items():
        wanted = route.own or route.permission
        if not name.startswith("GET ") or route.waits or not allowed(asks, route) or not asks.sees(GATE, wanted):
            continue
        if asks.last_hours is not None and "job" in name:
            continue
        answer = ask(site, caller, name, "gate")
        only_live = "{chunk}" in route.path and Scope.FOOTAGE_READ not in asks.scopes
        of_another = any(place in route.path for place in ("{file}", "{log}")) and Scope.RECORDS_ALL not in asks.scopes
        of_house = "{job}" in route.path and Scope.SETTINGS_ADMIN not in asks.scopes
        fine = {404} if name in NOTHING_YET or only_live or of_another or of_house else {200, 302, 303}
        if name == "GET /footage" and not asks.sees(GATE, Permission.EXPORT):
            fine = {403}
        if name == "GET /readyz":
            fine = {503}
        assert answer.status in fine, (name, answer.status, answer.data[:300])


NOTHING_YET = {
    *("GET /api/v1/hls/<camera>/live.m3u8", "GET /api/docs/scalar/<path:filename>"),
    *("GET /api/docs/static/<path:filename>", "GET /api/v1/users/<user>", *SHARED, *NO_USER, *NO_PAGES, *NO_UPLOADS),
    *NO_MEDIA,
    *("GET /webhooks/<webhook>", "GET /api/v1/webhooks/<webhook>", "GET /api/v1/webhooks/<webhook>/deliveries"),
    *NO_LISTS,
}
"""Nothing is recorded while the test runs; and there is nobody, and no webhook, of that name."""


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("objects", ["gate", "yard", "old"])
def test_what_is_not_there_for_somebody_is_as_if_it_never_was(site: Site, caller: str, objects: str) -> None:
    asks = site.callers[caller]
    camera = site.objects[objects]["camera"]
    for name, route in ROUTES.items():
        if not allowed(asks, route) or not route.of_object:
            continue
        wanted = route.own or route.permission
        if asks.sees(camera, wanted) and not is_too_old(asks, route, objects):
            continue
        never = "never" if objects == "old" and asks.sees(camera, wanted) else "none"
        answer, other = ask(site, caller, name, objects), ask(site, caller, name, never)
        assert plain(answer, site.objects[objects]) == plain(other, site.objects[never]), name
        if route.names and (objects != "old" or "{camera}" not in route.path):
            assert answer.status == 404, name
        for header in ("Link", "ETag", "Location", "X-Footage-Start", "Content-Disposition"):
            assert header not in answer.headers or header in other.headers, (name, header)
    TRIED.add(("hidden", caller, objects))


TELL_ALL = {Scope.METRICS_READ, Scope.USERS_ADMIN, Scope.AUDIT_READ}
"""Whoever has these is told of all cameras: what they count, what others were granted, and what others did."""


def is_too_old(asks: Caller, route: Route, objects: str) -> bool:
    """Whether a caller may not look back so far; holds, jobs and live views have no such age."""
    aged = any(
        place in route.path for place in ("{plate}", "{clip}", "{chunk}", "{file}", "{trashed}", "{log}", "{viewing}")
    )
    return objects == "old" and asks.last_hours is not None and aged


@pytest.mark.parametrize("caller", LIMITED)
def test_nothing_tells_of_what_is_not_there(site: Site, caller: str) -> None:
    """Lists, counts, pages, headers: all that somebody may read who does not see the yard."""
    asks = site.callers[caller]
    for name, route in ROUTES.items():
        if not name.startswith("GET ") or route.waits or not allowed(asks, route) or route.scopes & TELL_ALL:
            continue
        for path in {filled(route, site.objects["gate"])[0], filled(route, site.objects["gate"])[0].partition("?")[0]}:
            answer = site.ask(caller, "GET", path)
            told = answer.data + str(answer.headers).encode()
            assert not [word for word in site.secrets if word in told], (name, path)
    TRIED.add(("untold", caller))


def test_webhooks_are_there_for_who_sees_all_cameras_alone(site: Site) -> None:
    """They tell of all, and what was told can be read."""
    order = {"url": "https://hooks.example/x", "active": False}
    made = site.ask("admin", "POST", "/api/v1/webhooks", order)
    assert made.status == 201
    path = f"/api/v1/webhooks/{made.json()['id']}"
    limited = "admin at the gate"
    assert site.ask(limited, "POST", "/api/v1/webhooks", order).status == 403
    assert site.ask(limited, "GET", "/api/v1/webhooks").json()["items"] == []
    asked = [("GET", path, None), ("PATCH", path, {"active": True}), ("DELETE", path, None)]
    asked += [("POST", f"{path}/secret", {}), ("POST", f"{path}/test", None), ("GET", f"{path}/deliveries", None)]
    for method, where, body in asked:
        assert site.ask(limited, method, where, body).status == 404, where
    assert site.ask("admin", "DELETE", path).status == 204
