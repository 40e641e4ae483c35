"""A webhook of the command as a user runs it: told, signed, and again after a kill -9."""

from __future__ import annotations

import json
import time
from pathlib import Path

from running import Running, wait_for
from webhook_receiver import Receiver, Reply, receiving

ALLOWED = {"GATEHOUSE_WEBHOOKS__ALLOW_PRIVATE": "true", "GATEHOUSE_WEBHOOKS__ALLOW_HTTP": "true"}
OPEN = {"GATEHOUSE_AUTH__MODE": "open", **ALLOWED}


def send(running: Running, method: str, path: str, body: object) -> dict[str, object]:
    answer = running.ask(method, path, json.dumps(body).encode(), Content_Type="application/json")
    assert answer.status in {200, 201}, answer.body
    found: dict[str, object] = json.loads(answer.body)
    return found


def types(receiver: Receiver) -> list[str]:
    return [json.loads(got.body)["type"] for got in receiver.got]


def test_a_camera_that_is_switched_off_is_told_though_the_process_was_killed_meanwhile(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    camera = ("--camera", "gate=synthetic:?size=320x180&fps=5")
    with receiving() as (receiver,):
        receiver.replies = [Reply(500)]
        with Running(data, *camera, log=log, **OPEN) as running:
            running.ready().recording("gate")
            made = send(running, "POST", "/api/v1/webhooks", {"url": receiver.url, "events": ["camera.*"]})
            time.sleep(5)  # the states of cameras are looked at every two seconds: this one is known now
            send(running, "PATCH", "/api/v1/cameras/gate", {"enabled": False})
            wait_for("first try", lambda: "camera.disabled" in types(receiver), 30)
            running.kill()
        first = receiver.got[-1]
        receiver.replies = [Reply(204, b"")]
        with Running(data, log=log, **OPEN) as running:
            running.ready()
            wait_for("another try", lambda: receiver.got[-1] is not first, 90)
            again = receiver.got[-1]
            assert (again.id, again.body) == (first.id, first.body)
            assert again.verified(str(made["secret"]))["data"]["id"] == "gate"
            path = f"/api/v1/webhooks/{made['id']}/deliveries"
            wait_for("note of it", lambda: running.json(path, state="delivered")["items"], 30)
            assert running.stop(30) == 0
    said = log.read_text()
    assert "canary9" not in said
    assert "whsec_" not in said
