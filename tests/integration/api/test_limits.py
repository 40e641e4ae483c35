"""How often somebody may ask: `RateLimit`, `RateLimit-Policy`, and 429 with `Retry-After`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_api.app import close_app, create_app
from gatehouse_api.limits import Buckets
from gatehouse_common.accounts import ROLE_SCOPES, Role
from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.db import Tokens, Users
from gatehouse_common.runtime import Core
from gatehouse_common.testing.clock import FakeClock
from pipeline_kit import core_at


def _tokens(core: Core, *names: str) -> list[dict[str, str]]:
    users, now, shown = Users(core.db), core.clock.now_us(), []
    for name in names:
        user = users.add(name, Role.ADMIN, now)
        token = Tokens(core.db).make(user.id, name, ROLE_SCOPES[Role.ADMIN], now)
        shown.append({"Authorization": f"Bearer {token.text}"})
    return shown


def test_who_asks_too_often_is_told_when_to_come_again_and_others_are_not(tmp_path: Path) -> None:
    """PRODUCT section 2: per principal; the answer is a problem with `Retry-After`, and the limit is told before."""
    with core_at(tmp_path / "data", **{"auth.mode": "local", "limits.requests_per_minute": 5}) as core:
        often, seldom = _tokens(core, "often", "seldom")
        app = create_app(core)
        client = app.test_client(use_cookies=False)
        for left in (4, 3, 2, 1, 0):
            answer = client.get("/api/v1/cameras", headers=often)
            assert answer.status_code == 200
            assert answer.headers["RateLimit-Policy"] == '"requests";q=5;w=60'
            assert answer.headers["RateLimit"].startswith(f'"requests";r={left};t=')
        refused = client.get("/api/v1/cameras", headers=often)
        assert refused.status_code == 429
        assert refused.mimetype == "application/problem+json"
        assert refused.get_json()["type"].endswith("/rate-limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 12
        assert refused.headers["RateLimit"].startswith('"requests";r=0;t=')
        assert client.get("/api/v1/cameras", headers=seldom).status_code == 200
        old = client.get("/v2/video/stats", headers=often)
        assert old.status_code == 429
        assert set(old.get_json()) == {"detail"}
        assert client.get("/livez").status_code == 200
        close_app(app)


def test_exports_and_live_views_are_counted_apart(tmp_path: Path) -> None:
    limits = {"limits.exports_per_minute": 2, "limits.live_per_minute": 1}
    with core_at(tmp_path / "data", **{"auth.mode": "local", **limits}) as core:
        (shown,) = _tokens(core, "one")
        app = create_app(core)
        client = app.test_client(use_cookies=False)
        footage = "/api/v1/footage?camera=none&from=1&to=2"
        assert [client.get(footage, headers=shown).status_code for _ in range(3)] == [404, 404, 429]
        text = client.get("/footage?camera=none&from=1&to=2", headers=shown)
        assert (text.status_code, text.mimetype) == (429, "text/plain")
        live = [client.get("/live/none.mjpg", headers=shown) for _ in range(2)]
        assert [one.status_code for one in live] == [404, 429]
        assert live[1].headers["RateLimit-Policy"] == '"live";q=1;w=60'
        assert client.get("/api/v1/cameras", headers=shown).status_code == 200
        close_app(app)


def test_an_address_is_counted_whatever_it_shows(tmp_path: Path) -> None:
    """Forged tokens are no way around: an address may ask four times as much as a user, and no more."""
    with core_at(tmp_path / "data", **{"auth.mode": "local", "limits.requests_per_minute": 2}) as core:
        _tokens(core, "somebody")
        app = create_app(core)
        client = app.test_client(use_cookies=False)
        told = []
        for n in range(9):
            forged = {"Authorization": f"Bearer gatehouse_pat_{n:012d}_{'a' * 52}"}
            told.append(client.get("/api/v1/cameras", headers=forged).status_code)
        assert told == [401] * 8 + [429]
        other = {"REMOTE_ADDR": "2001:db8::1"}
        assert client.get("/api/v1/cameras", environ_overrides=other).status_code == 401
        close_app(app)


def test_who_does_not_heed_a_refusal_shuts_out_nobody_else(tmp_path: Path) -> None:
    """Many ask from behind one address; what one of them is refused does not count for it."""
    with core_at(tmp_path / "data", **{"auth.mode": "local", "limits.requests_per_minute": 5}) as core:
        often, seldom = _tokens(core, "often", "seldom")
        app = create_app(core)
        client = app.test_client(use_cookies=False)
        told = [client.get("/api/v1/cameras", headers=often).status_code for _ in range(60)]
        assert told == [200] * 5 + [429] * 55
        assert [client.get("/api/v1/cameras", headers=seldom).status_code for _ in range(6)] == [200] * 5 + [429]
        close_app(app)


def test_zero_is_no_limit_and_says_nothing(tmp_path: Path) -> None:
    with core_at(tmp_path / "data", **{"limits.requests_per_minute": 0}) as core:
        app = create_app(core)
        answer = app.test_client().get("/api/v1/cameras")
        assert answer.status_code == 200
        assert not [name for name, _ in answer.headers if name.startswith("RateLimit")]
        close_app(app)


def test_what_was_not_used_comes_back_with_time() -> None:
    clock = FakeClock()
    buckets = Buckets(60, clock)
    assert [buckets.take("a").allowed for _ in range(61)] == [True] * 60 + [False]
    refused = buckets.take("a")
    assert refused.after_s == pytest.approx(1.0)
    assert refused.full_s == 60
    assert buckets.take("b").left == 59
    clock.advance(2 * SECOND)
    assert [buckets.take("a").allowed for _ in range(3)] == [True, True, False]
    clock.advance(10 * MINUTE)
    assert buckets.take("a").left == 59


def test_who_asks_is_forgotten_when_there_are_too_many() -> None:
    """However many addresses ask, what is kept of them is bounded."""
    buckets = Buckets(1, FakeClock())
    assert buckets.take("first").allowed
    assert not buckets.take("first").allowed
    for n in range(10_000):
        buckets.take(str(n))
    assert len(buckets._buckets) == 10_000
    assert buckets.take("first").allowed
