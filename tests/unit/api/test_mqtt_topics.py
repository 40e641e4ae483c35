"""Topics of MQTT, what Home Assistant is told, and which settings of a broker are taken."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import ValidationError

from gatehouse_api.mqtt.topics import Topics, state_of
from gatehouse_api.routes.models import CameraView
from gatehouse_common.settings.mqtt import MqttSettings, mqtt_address


def camera(**more: object) -> CameraView:
    known = {
        "id": "gate", "name": "Front gate", "url": "rtsp://cam", "enabled": True, "created": "", "state": "recording",
        "cause": None, "since": None, "detail": "", "width": 640, "height": 360, "fps": 9.96, "asked_fps": None,
        "dropped": 0.0, "dropped_frames": 0, "advice": None, "codec": "avc1", "playable": True,
        "unplayable_reason": None, "fallback": None, "backend": "RTSP", "settings": {}, "links": {},
    }  # fmt: skip
    return CameraView.model_validate({**known, **more})


def test_a_device_names_only_topics_that_are_told() -> None:
    topics = Topics("home/gatehouse", "homeassistant")
    device = topics.device(camera(), images=True, control=True)
    assert topics.config("gate") == "homeassistant/device/home__gatehouse_gate/config"
    assert device["device"]["name"] == "Front gate"
    told = {
        *(topics.state("gate"), topics.plate("gate"), topics.image("gate"), topics.recording("gate")),
        *(topics.recording_set("gate"), topics.available),
    }
    assert set(re.findall(r'"(home/gatehouse[^"]*)"', json.dumps(device))) == told
    ids = [part["unique_id"] for part in device["components"].values()]
    assert len(set(ids)) == len(ids)


def test_without_pictures_and_control_there_is_neither() -> None:
    parts = Topics("g", "ha").device(camera(), images=False, control=False)["components"]
    assert parts["image"] == {"platform": "image"}, "which takes away what was there before"
    assert parts["switch"] == {"platform": "switch"}


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("gatehouse/gate/recording/set", "gate"),
        ("gatehouse/a/b/recording/set", None),
        ("gatehouse/recording/set", None),
        ("other/gate/recording/set", None),
        ("gatehouse/gate/recording/set/more", None),
        ("gatehousexgate/recording/set", None),
    ],
)
def test_commands_are_of_one_camera(topic: str, found: str | None) -> None:
    assert Topics("gatehouse", "").camera_of_command(topic) == found


@pytest.mark.parametrize(
    ("state", "enabled", "recording", "problem"),
    [
        ("recording", True, True, False),
        ("starting", True, False, False),
        ("reconnecting", True, False, True),
        ("failed", True, False, True),
        ("recording", False, False, False),
    ],
)
def test_a_camera_that_is_switched_off_is_no_problem(state: str, enabled: bool, recording: bool, problem: bool) -> None:
    said = state_of(camera(state=state, enabled=enabled))
    assert (said["recording"], said["problem"], said["fps"]) == (recording, problem, 10.0)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker.lan", ("broker.lan", 1883, False)),
        ("mqtts://broker.lan", ("broker.lan", 8883, True)),
        ("mqtt://[fd00::1]:1884", ("fd00::1", 1884, False)),
    ],
)
def test_addresses_of_brokers(url: str, address: tuple[str, int, bool]) -> None:
    assert mqtt_address(MqttSettings(url=url).url) == address


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://broker"},
        {"url": "mqtt://"},
        {"url": "mqtt://user:secret@broker"},
        {"url": "mqtt://broker/topic"},
        {"url": "mqtt://broker:99999"},
        {"url": "mqtt://broker:0"},
        {"url": "mqtt://:secret@broker"},
        {"url": "mqtt://broker?a=b"},
        {"url": "mqtt://a..b"},
        {"url": f"mqtt://{'a' * 64}.lan"},
        {"prefix": "a_b"},
        {"prefix": ""},
        {"prefix": "a/#"},
        {"prefix": "+"},
        {"discovery": "/x"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        MqttSettings.model_validate(wrong)
