"""The pages of webhooks, by forms alone: made, tried, changed, told again."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from gatehouse_api.app import notifier_of
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Deliveries, FootageWriter, Gap, Webhooks
from gatehouse_common.runtime import Core
from pipeline_kit import START_US, add_camera, core_at
from webhook_receiver import Receiver, Reply, receiving

FIELDS = ("url", "note", "cameras")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    allow = {"webhooks.allow_private": True, "webhooks.allow_http": True}
    with core_at(tmp_path / "data", **{"api.port": 0, **allow}) as made:
        add_camera(made, "gate")
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as (made,):
        yield made


def add(client: FlaskClient, receiver: Receiver, **more: object) -> tuple[str, str]:
    """Add one by the form; return its id and its secret."""
    form = {"url": receiver.url, "note": "<b>barrier</b>", "event": ["*"], "cameras": "", **more}
    told = client.post("/webhooks", data=form)
    assert told.status_code == 200
    assert told.headers["Cache-Control"] == "no-store"
    (secret,) = re.findall(r'class="secret">(whsec_[^<]+)<', told.text)
    return re.findall(r'href="/webhooks/([^"]+)"', told.text)[0], secret


def test_a_webhook_is_made_tried_and_its_secret_is_shown_once(client: FlaskClient, receiver: Receiver) -> None:
    assert "None yet" in client.get("/webhooks").text
    webhook, secret = add(client, receiver)
    page = client.get("/webhooks").text
    assert secret not in page
    assert "&lt;b&gt;barrier&lt;/b&gt;" in page
    told = client.post(f"/webhooks/{webhook}", data={"deed": "test"}).text
    assert "It was heard: 200" in told
    assert Verifier(secret).verify(receiver.got[0].body, receiver.got[0].headers)["type"] == "webhook.test"
    receiver.replies = [Reply(500, b"<script>")]
    told = client.post(f"/webhooks/{webhook}", data={"deed": "test"}).text
    assert "it answered 500" in told
    assert told.count("<script>") == 0
    assert "&lt;script&gt;" in told


def test_a_webhook_is_changed_and_deleted(client: FlaskClient, receiver: Receiver) -> None:
    webhook, secret = add(client, receiver)
    again = client.post(f"/webhooks/{webhook}", data={"deed": "rotate"}).text
    (other,) = re.findall(r'class="secret">(whsec_[^<]+)<', again)
    assert other != secret
    assert client.post(f"/webhooks/{webhook}", data={"deed": "rotate"}).status_code == 409, "a reload drops no secret"
    form = {"url": receiver.url, "note": "gate", "event": ["clip.ready"], "cameras": "gate, other", "deed": "change"}
    assert client.post(f"/webhooks/{webhook}", data=form).location == "/webhooks?done=changed"
    shown = client.get(f"/api/v1/webhooks/{webhook}").json
    assert (shown["events"], shown["cameras"], shown["secrets"]) == (["clip.ready"], ["gate", "other"], 2)
    client.post(f"/webhooks/{webhook}", data={"deed": "inactive"})
    assert "inactive</strong>" in client.get("/webhooks").text
    assert client.post(f"/webhooks/{webhook}", data={"deed": "remove"}).location == "/webhooks?done=removed"
    assert client.get(f"/webhooks/{webhook}").status_code == 404


def test_nobody_undoes_what_another_admin_has_changed_meanwhile(client: FlaskClient, receiver: Receiver) -> None:
    webhook, _ = add(client, receiver)
    (seen,) = set(re.findall(r'name="seen" value="([^"]+)"', client.get("/webhooks").text))
    assert client.get("/webhooks").text.count('name="seen"') == 4, "by every form that changes it"
    client.patch(f"/api/v1/webhooks/{webhook}", json={"cameras": ["gate"]})
    form = {"url": receiver.url, "note": "mine", "event": ["*"], "cameras": "", "deed": "change", "seen": seen}
    told = client.post(f"/webhooks/{webhook}", data=form)
    assert (told.status_code, "somebody has changed this webhook since" in told.text.lower()) == (412, True)
    mine, _ = re.split(r'aria-label="Add a webhook"', told.text)
    assert fields_of(mine) == (receiver.url, "mine", "", ["*"]), "what was written stays"
    for deed in ("inactive", "rotate", "rotate-at-once", "remove"):
        assert client.post(f"/webhooks/{webhook}", data={"deed": deed, "seen": seen}).status_code == 412
    now = client.get(f"/api/v1/webhooks/{webhook}").json
    assert (now["cameras"], now["active"], now["secrets"]) == (["gate"], True, 1)
    again = re.findall(r'name="seen" value="([^"]+)"', told.text)[0]
    assert client.post(f"/webhooks/{webhook}", data={**form, "seen": again}).location == "/webhooks?done=changed"


def test_a_pattern_stays_one_while_all_that_it_stands_for_is_ticked(client: FlaskClient, receiver: Receiver) -> None:
    """So that it is told of the events that a later version has."""
    webhook, _ = add(client, receiver)

    def save(ticked: list[str]) -> list[str]:
        form = {"url": receiver.url, "note": "x", "event": ticked, "cameras": "", "deed": "change"}
        assert client.post(f"/webhooks/{webhook}", data=form).location == "/webhooks?done=changed"
        found: list[str] = client.get(f"/api/v1/webhooks/{webhook}").json["events"]
        return found

    client.patch(f"/api/v1/webhooks/{webhook}", json={"events": ["plate.*", "clip.ready"]})
    ticked = fields_of(client.get("/webhooks").text.partition('aria-label="Add a webhook"')[0])[3]
    assert len(ticked) == 6
    assert save(ticked) == ["plate.*", "clip.ready"]
    assert save([*ticked, "job.failed"]) == ["plate.*", "clip.ready", "job.failed"]
    less = [name for name in ticked if name != "plate.updated"]
    assert save(less) == less
    assert save([*less, "plate.updated"]) == [*less, "plate.updated"], "what was named by itself is no pattern"
    assert save(["*"]) == ["*"]
    assert save(["clip.ready"]) == ["clip.ready"]


def test_a_second_secret_within_a_day_takes_the_place_of_both(client: FlaskClient, receiver: Receiver) -> None:
    webhook, first = add(client, receiver)
    assert 'value="rotate"' in client.get("/webhooks").text
    client.post(f"/webhooks/{webhook}", data={"deed": "rotate"})
    page = client.get("/webhooks").text
    assert ('value="rotate"' in page, 'value="rotate-at-once"' in page) == (False, True)
    told = client.post(f"/webhooks/{webhook}", data={"deed": "rotate-at-once"})
    assert told.headers["Cache-Control"] == "no-store"
    (third,) = re.findall(r'class="secret">(whsec_[^<]+)<', told.text)
    client.post(f"/webhooks/{webhook}", data={"deed": "test"})
    Verifier(third).verify(receiver.got[0].body, receiver.got[0].headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(first).verify(receiver.got[0].body, receiver.got[0].headers)


def test_what_is_wrong_is_said_where_it_was_written(client: FlaskClient, receiver: Receiver) -> None:
    for form in ({"url": "ftp://x"}, {"url": receiver.url}, {"url": receiver.url, "event": "*", "cameras": "A B"}):
        told = client.post("/webhooks", data=form)
        assert told.status_code == 400
        assert 'role="alert"' in told.text
    webhook, _ = add(client, receiver)
    assert client.post(f"/webhooks/{webhook}", data={"deed": "dance"}).status_code == 400
    assert client.post("/webhooks/none", data={"deed": "test"}).status_code == 404


def test_what_it_was_told_is_shown_and_told_again(
    core: Core, app: Flask, client: FlaskClient, receiver: Receiver
) -> None:
    webhook, _ = add(client, receiver)
    FootageWriter(core.db).put_gaps(None, [Gap("gate", START_US, START_US + SECOND, "dropped", "")])
    notifier = notifier_of(app)
    notifier.look()
    assert notifier.join(20)
    page = client.get(f"/webhooks/{webhook}").text
    assert "recording.gap" in page
    assert "delivered" in page
    (delivery,) = re.findall(r'name="delivery" value="([^"]+)"', page)
    told = client.post(f"/webhooks/{webhook}/deliveries", data={"delivery": delivery})
    assert told.location == f"/webhooks/{webhook}?done=again"
    notifier.look()
    assert notifier.join(20)
    assert len(receiver.got) == 2
    assert client.post(f"/webhooks/{webhook}/deliveries", data={"delivery": "none"}).status_code == 404


def test_what_failed_is_found_and_told_again_without_losing_ones_place(
    app: Flask, core: Core, client: FlaskClient, receiver: Receiver
) -> None:
    webhook, _ = add(client, receiver)
    gaps = [Gap("gate", START_US + n * SECOND, START_US + n * SECOND + 9, "dropped", "") for n in range(53)]
    FootageWriter(core.db).put_gaps(None, gaps)
    notifier, deliveries = notifier_of(app), Deliveries(core.db)
    deliveries.spread(Webhooks(core.db).list(core.clock.now_us()), core.clock.now_us())
    deliveries.fail_oldest(webhook, 52, core.clock.now_us())
    notifier.look()
    assert notifier.join(20)
    page = f"/webhooks/{webhook}"
    assert sum(shown(client.get(page).text).values()) == 50
    assert shown(client.get(f"{page}?state=delivered").text) == {"delivered": 1}
    assert "There are none." in client.get(f"{page}?state=waiting").text
    first = client.get(f"{page}?state=failed").text
    assert shown(first) == {"failed": 50}
    assert re.findall(r'aria-current="true">([^<]+)<', first) == ["Failed"]
    earlier = html.unescape(re.findall(r'href="(\?[^"]*cursor=[^"]*)"', first)[0])
    second = client.get(page + earlier).text
    assert shown(second) == {"failed": 2}
    form = re.findall(r"<form.*?</form>", second)[-1]
    told = client.post(f"{page}/deliveries", data=dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form)))
    assert told.location == f"{page}{earlier}&done=again"
    back = client.get(told.location).text
    assert shown(back) == {"failed": 1}
    assert "It is told again." in back
    assert client.get(f"{page}?state=odd").status_code == 400


def shown(page: str) -> dict[str, int]:
    """Return how many deliveries a page shows, by their states."""
    return dict(Counter(re.findall(r"<td>(waiting|failed|delivered)<", page)))


def test_what_is_refused_stays_as_it_was_written(client: FlaskClient, receiver: Receiver) -> None:
    webhook, _ = add(client, receiver)
    form = {"url": "ftp://<x>", "note": 'a "bell"', "event": ["clip.ready", "job.failed"], "cameras": "gate, yard"}
    told = client.post("/webhooks", data=form)
    assert told.status_code == 400
    mine, new = re.split(r'aria-label="Add a webhook"', told.text)
    assert fields_of(new) == ("ftp://&lt;x&gt;", "a &#34;bell&#34;", "gate, yard", ["clip.ready", "job.failed"])
    assert fields_of(mine) == (receiver.url, "&lt;b&gt;barrier&lt;/b&gt;", "", ["*"])
    assert '<details class="wide" open>' not in mine
    told = client.post(f"/webhooks/{webhook}", data={**form, "deed": "change"})
    assert told.status_code == 400
    mine, new = re.split(r'aria-label="Add a webhook"', told.text)
    assert fields_of(mine) == ("ftp://&lt;x&gt;", "a &#34;bell&#34;", "gate, yard", ["clip.ready", "job.failed"])
    assert '<details class="wide" open>' in mine
    assert fields_of(new) == ("", "", "", ["*"])
    assert client.get(f"/api/v1/webhooks/{webhook}").json["url"] == receiver.url


def fields_of(page: str) -> tuple[str, str, str, list[str]]:
    """Return what the first form of a page says: address, note, cameras, and what is ticked."""
    url, note, cameras = (re.findall(rf'name="{name}"[^>]* value="([^"]*)"', page)[0] for name in FIELDS)
    return url, note, cameras, re.findall(r'value="([^"]+)" checked', page)
