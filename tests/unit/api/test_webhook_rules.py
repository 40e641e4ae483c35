"""Signatures, delays, and which events there are: what a receiver may rely on."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel
from standardwebhooks import Webhook, WebhookVerificationError

from gatehouse_api.routes.job_models import JobView
from gatehouse_api.routes.models import CameraView
from gatehouse_api.routes.plate_models import ClipView, PlateListedView, PlateView
from gatehouse_api.webhooks import reference
from gatehouse_api.webhooks.bodies import LARGEST, envelope, sample
from gatehouse_api.webhooks.catalogue import EVENTS, check_wanted
from gatehouse_api.webhooks.schedule import DELAYS_US, JITTER, asked_wait_us, next_try_us
from gatehouse_api.webhooks.signing import headers, new_secret
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.errors import InvalidInput

NOW = 1_715_941_380_000_000
DAY = 24 * HOUR


def test_the_verifier_of_the_specification_takes_our_signatures_and_no_others() -> None:
    secret, other, body = new_secret(), new_secret(), '{"type":"clip.ready","text":"Straße"}'
    sent = headers("0190-id", int(time.time()), body.encode(), [other, secret])
    for known in (secret, other):
        assert Webhook(known).verify(body, sent)["type"] == "clip.ready"
    for wrong in ({"webhook-id": "0190-ie"}, {"webhook-timestamp": str(int(time.time()) + 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, {**sent, **wrong})
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + " ", sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, sent)


def test_the_signature_is_that_of_the_specifications_own_example() -> None:
    """The vector that the libraries of the specification are tested with."""
    sent = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert sent["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["sealed:gAAAA", "whsec_not base64!", ""])
def test_a_secret_that_cannot_be_read_signs_nothing(secret: str) -> None:
    with pytest.raises(InvalidInput, match="sealed with another key"):
        headers("id", 0, b"", [secret])


def test_secrets_are_long_and_never_the_same() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", new_secret())


def test_it_is_tried_ten_times_over_three_days() -> None:
    at_us, tries = NOW, 0
    while (next_us := next_try_us(tries, at_us)) is not None:
        delay = next_us - at_us
        assert DELAYS_US[tries] <= delay <= DELAYS_US[tries] * (1 + JITTER) + 1
        at_us, tries = next_us, tries + 1
    assert tries == 10
    assert 3 * DAY < at_us - NOW < 4 * DAY


def test_what_failed_together_does_not_come_again_together() -> None:
    assert len({next_try_us(2, NOW) for _ in range(50)}) > 40


@pytest.mark.parametrize(
    ("header", "wait_us"),
    [
        ("120", 2 * MINUTE),
        (" 5 ", 5 * SECOND),
        ("0", 0),
        ("999999999999999999", DAY),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("²", 0),
        (datetime.fromtimestamp(NOW / SECOND + 3600, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"), HOUR),
        (datetime.fromtimestamp(NOW / SECOND - 3600, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"), 0),
    ],
)
def test_a_wait_that_is_asked_for_is_obeyed_up_to_a_day(header: str, wait_us: int) -> None:
    assert asked_wait_us(header, NOW) == wait_us


def test_what_is_wanted_has_to_be_an_event_that_there_is() -> None:
    assert check_wanted(["plate.*", "clip.ready", "plate.*"]) == ["plate.*", "clip.ready"]
    assert check_wanted(["*"]) == ["*"]
    for wrong in ([], ["plates.*"], ["plate.**"], ["*.ready"], ["nothing"], [""], ["webhook.test"]):
        with pytest.raises(InvalidInput):
            check_wanted(wrong)


def test_what_is_too_long_is_told_by_its_link() -> None:
    text = envelope("plate.closed", NOW, {"text": "x" * LARGEST}, "one", "https://cameras.example.org")
    assert len(text) < 300
    assert '"self":"https://cameras.example.org/api/v1/plates/one"' in text
    assert '"type":"webhook.test"' in sample(NOW)


def test_of_a_listing_that_is_too_long_all_stays_but_the_visit() -> None:
    told = {**reference.example("plate.listed")}
    told["visit"] = {**told["visit"], "links": {"self": "/api/v1/plates/one"}}
    whole = json.loads(envelope("plate.listed", NOW, told, "listing", "https://cameras.example.org"))
    assert whole["data"]["visit"]["links"]["self"] == "https://cameras.example.org/api/v1/plates/one"
    told["visit"]["lists"] = ["x" * LARGEST]
    short = json.loads(envelope("plate.listed", NOW, told, "listing", "https://cameras.example.org"))
    assert short["data"] == {**whole["data"], "visit": None, "shortened": True}
    assert "shortened" not in whole["data"]
    assert short["links"]["self"] == whole["links"]["self"]


def test_every_event_that_is_noted_is_one_that_can_be_wanted() -> None:
    sources = Path(__file__).resolve().parents[3]
    texts = [p.read_text() for top in ("libs/common", "services/api") for p in (sources / top).rglob("*.py")]
    noted = {name for text in texts for name in re.findall(r'note\(\s*c,\s*"([a-z.]+)"', text)}
    assert len(noted) > 5
    assert noted <= EVENTS.keys()


def test_the_page_of_events_is_that_of_the_code_and_its_examples_are_as_what_is_told() -> None:
    root = Path(__file__).resolve().parents[3]
    assert (root / "docs" / "webhook-events.md").read_text() == reference.render(), "run `make docs`"
    models: dict[str, type[BaseModel]] = {"plate": PlateView, "clip": ClipView, "job": JobView, "camera": CameraView}
    for name in EVENTS:
        model = PlateListedView if name == "plate.listed" else models.get(name.partition(".")[0])
        if model is not None:
            known = {field.serialization_alias or key for key, field in model.model_fields.items()}
            assert set(reference.example(name)) == known, name
