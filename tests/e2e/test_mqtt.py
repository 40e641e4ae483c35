"""A broker of home automation is told what happens, as a listener of Mosquitto's own hears it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mosquitto_server import PASSWORD, USER, Listener, Mosquitto, mosquitto
from running import Running, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CAMERA = "gate=synthetic:?size=640x360&fps=10&plate=GATE123&pause=3"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "mosquitto") as running:
        yield running


def started(tmp_path: Path, broker: Mosquitto, *args: str, **more: str) -> Running:
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    settings = {
        "GATEHOUSE_MQTT__URL": broker.url,
        "GATEHOUSE_MQTT__USERNAME": USER,
        "GATEHOUSE_MQTT__PASSWORD_FILE": str(password),
        **more,
    }
    return Running(tmp_path / "data", *args, log=tmp_path / "log", **settings)


def heard_state(listener: Listener, recording: bool) -> None:
    def is_so() -> bool:
        said = listener.told("gatehouse/gate/state")
        return bool(said) and said[-1].json()["recording"] is recording

    wait_for(f"state with recording {recording}", is_so, 40)


def test_plates_states_and_pictures_are_told_and_cameras_switched(tmp_path: Path, broker: Mosquitto) -> None:
    """Home Assistant finds the camera, hears of its plate within seconds, and ends its recording if that is allowed."""
    args = ("--camera", CAMERA)
    more = {"GATEHOUSE_DETECTION__FRAMES": "activity", "GATEHOUSE_MQTT__CONTROL": "true"}
    with broker.listener() as listener, started(tmp_path, broker, *args, **more) as gatehouse:
        gatehouse.ready(60)
        listener.wait("gatehouse/available", "online")
        heard_state(listener, recording=True)
        config = listener.wait("homeassistant/device/gatehouse_gate/config").json()
        parts = config["components"]
        sensors = {"last_plate", "recording", "connectivity", "problem", "fps", "days_left"}
        assert set(parts) == {"plate", "image", "switch"} | sensors
        assert all(part["unique_id"].startswith("gatehouse_gate_") for part in parts.values())
        assert parts["plate"]["event_types"][0] == "plate.detected"

        plate = wait_for("plate", lambda: listener.told(parts["plate"]["state_topic"]), 60)[0].json()
        assert plate["event_type"] == "plate.detected"
        wait_for(
            "closed", lambda: [t for t in listener.told("gatehouse/gate/plate") if b"plate.closed" in t.payload], 60
        )
        closed = next(t.json() for t in listener.told("gatehouse/gate/plate") if b"plate.closed" in t.payload)
        assert closed["text"] == "GATE123"
        assert listener.wait(parts["image"]["image_topic"]).payload[:2] == b"\xff\xd8"
        names = {one.json()["event"] for one in listener.told("gatehouse/gate/events")}
        assert names >= {"plate.detected", "plate.closed"}

        broker.tell(parts["switch"]["command_topic"], "OFF")
        listener.wait(parts["switch"]["state_topic"], "OFF")
        heard_state(listener, recording=False)
        assert gatehouse.camera("gate")["enabled"] is False
        broker.tell(parts["switch"]["command_topic"], "ON")
        wait_for("camera that records again", lambda: gatehouse.camera("gate")["state"] == "recording", 40)
        deeds = gatehouse.json("/api/v1/audit")["items"]
        assert [deed["subject"] for deed in deeds if deed["actor"] == "MQTT"] == ["camera gate"] * 2

        assert gatehouse.ask("DELETE", "/api/v1/cameras/gate").status == 204
        listener.wait("homeassistant/device/gatehouse_gate/config", "")
        listener.wait("gatehouse/gate/state", "")
        assert gatehouse.stop(20) == 0
        listener.wait("gatehouse/available", "offline")
        assert PASSWORD not in gatehouse.said()


def test_a_broker_that_comes_and_goes_is_told_anew_and_a_killed_gatehouse_is_offline(
    tmp_path: Path, broker: Mosquitto
) -> None:
    with started(tmp_path, broker, "--camera", CAMERA) as gatehouse:
        gatehouse.ready(60)
        with broker.listener() as listener:
            heard_state(listener, recording=True)
        broker.stop()
        gatehouse.recording("gate")  # without a broker
        wait_for("loss that is logged", lambda: "the MQTT broker is told nothing" in gatehouse.said())
        broker.start()
        with broker.listener() as listener:
            listener.wait("gatehouse/available", "online", 60)
            heard_state(listener, recording=True)
            config = len(listener.told("homeassistant/device/gatehouse_gate/config"))
            broker.tell("homeassistant/status", "online")  # Home Assistant has started, and asks who is there
            listener.wait("homeassistant/device/gatehouse_gate/config", since=config)

            broker.tell("gatehouse/gate/recording/set", "OFF")  # nobody allowed that
            time.sleep(3)
            assert gatehouse.camera("gate")["enabled"] is True
            said = listener.told("homeassistant/device/gatehouse_gate/config")[-1].json()["components"]
            assert said["switch"] == {"platform": "switch"}

            gatehouse.kill()
            listener.wait("gatehouse/available", "offline", 60)


def test_what_was_said_some_time_ago_switches_nothing(tmp_path: Path, broker: Mosquitto) -> None:
    """A command that the broker has kept comes at each connection: it is not one."""
    broker.tell("gatehouse/gate/recording/set", "OFF", retain=True)
    with started(tmp_path, broker, "--camera", CAMERA, GATEHOUSE_MQTT__CONTROL="true") as gatehouse:
        gatehouse.ready(60)
        with broker.listener() as listener:
            heard_state(listener, recording=True)
            for word in ("maybe", json.dumps({"on": True}), "\u2603"):
                broker.tell("gatehouse/gate/recording/set", word)
            broker.tell("gatehouse/../recording/set", "OFF")
            broker.tell("gatehouse/nobody/recording/set", "OFF")
            time.sleep(3)
        assert gatehouse.camera("gate")["enabled"] is True
        assert gatehouse.get("/readyz").status == 200
