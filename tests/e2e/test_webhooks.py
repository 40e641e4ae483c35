"""A webhook of the command as a user runs it: told, signed, and again after a kill -9."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser_kit import faultless
from running import Running, wait_for
from webhook_receiver import Receiver, Reply, receiving

ALLOWED = {"GATEHOUSE_WEBHOOKS__ALLOW_PRIVATE": "true", "GATEHOUSE_WEBHOOKS__ALLOW_HTTP": "true"}
AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
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


@pytest.mark.browser
def test_what_came_of_deliveries_is_read_on_a_phone_without_pushing_it_sideways(
    tmp_path: Path, browser: Browser
) -> None:
    camera = ("--camera", "gate=synthetic:?size=320x180&fps=5")
    with (
        receiving() as (receiver,),
        Running(tmp_path / "data", *camera, log=tmp_path / "log", **OPEN) as running,
        faultless(browser, viewport={"width": 360, "height": 800}) as page,
    ):
        receiver.replies = [Reply(500, b"x" * 500)]
        running.ready().recording("gate")
        made = send(running, "POST", "/api/v1/webhooks", {"url": receiver.url, "events": ["camera.*"]})
        time.sleep(5)  # the states of cameras are looked at every two seconds: this one is known now
        send(running, "PATCH", "/api/v1/cameras/gate", {"enabled": False})
        path = f"/api/v1/webhooks/{made['id']}/deliveries"
        wait_for("a try", lambda: [one for one in running.json(path)["items"] if one["answer"]], 60)
        page.goto(f"{running.url}/webhooks/{made['id']}?state=waiting")
        assert "camera.disabled" in page.locator("main").inner_text()
        page.locator("td summary").first.click()
        for box in (page.locator("td pre").first, page.get_by_role("button", name="Tell again: camera.disabled").first):
            at = box.bounding_box()
            assert at is not None
            assert at["x"] >= 0
            assert at["x"] + at["width"] <= 360
        assert page.evaluate("document.querySelector('.scrolled').scrollWidth") <= 360
        judged = browser.new_page(viewport={"width": 360, "height": 800})
        judged.goto(page.url)
        judged.evaluate(AXE.read_text())
        found = judged.evaluate("axe.run()")["violations"]
        judged.context.close()
        assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
        page.get_by_role("button", name="Tell again: camera.disabled").first.click()
        page.wait_for_url("**?state=waiting&done=again")
        page.set_viewport_size({"width": 1280, "height": 800})
        for link in page.locator("nav.rail a").all():
            outer, inner = link.bounding_box(), link.locator("span").bounding_box()
            assert outer is not None
            assert inner is not None
            assert inner["x"] >= outer["x"] + 3, "beside the bar that says where one is"
        assert running.stop(30) == 0
