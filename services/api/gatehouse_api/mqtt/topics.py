"""Where things are told to a broker, and what Home Assistant is told of a camera."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from gatehouse_api.routes.models import CameraView

ONLINE, OFFLINE = "online", "offline"
ON, OFF = "ON", "OFF"
PLATE_EVENTS = ("plate.detected", "plate.closed", "plate.corrected", "plate.listed")
"""What ``.../plate`` tells: what automations wait for. How a visit goes on is in ``.../events``."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of topics.

    Attributes:
        prefix: what all begin with.
        discovery: where Home Assistant looks; empty: nowhere.
    """

    prefix: str
    discovery: str

    @property
    def available(self) -> str:
        """Whether Gatehouse is there: ``online`` or ``offline``, retained."""
        return f"{self.prefix}/available"

    @property
    def commands(self) -> str:
        """The filter for what cameras are told to do."""
        return f"{self.prefix}/+/recording/set"

    @property
    def births(self) -> tuple[str, ...]:
        """Where Home Assistant says that it has started: as it is set by default, and beside where it looks."""
        return tuple(dict.fromkeys(("homeassistant/status", f"{self.discovery}/status"))) if self.discovery else ()

    def state(self, camera: str) -> str:
        """What a camera is doing, as JSON, retained."""
        return f"{self.prefix}/{camera}/state"

    def recording(self, camera: str) -> str:
        """Whether a camera is switched on: ``ON`` or ``OFF``, retained."""
        return f"{self.prefix}/{camera}/recording/state"

    def recording_set(self, camera: str) -> str:
        """Where a camera is switched on and off."""
        return f"{self.prefix}/{camera}/recording/set"

    def plate(self, camera: str) -> str:
        """What is read, as JSON."""
        return f"{self.prefix}/{camera}/plate"

    def image(self, camera: str) -> str:
        """The picture of the plate that was read last, JPEG."""
        return f"{self.prefix}/{camera}/plate/image"

    def events(self, camera: str) -> str:
        """All that happens, as JSON."""
        return f"{self.prefix}/{camera}/events"

    def config(self, camera: str) -> str:
        """What Home Assistant is told of a camera."""
        return f"{self.discovery}/device/{self._node(camera)}/config"

    def camera_of_command(self, topic: str) -> str | None:
        """Return the camera that a command is for; None: it is none."""
        return self._camera_in(topic, "recording/set")

    def camera_of_state(self, topic: str) -> str | None:
        """Return the camera that a state is of; None: it is none."""
        return self._camera_in(topic, "state")

    def _camera_in(self, topic: str, rest: str) -> str | None:
        found = re.fullmatch(rf"{re.escape(self.prefix)}/([^/]+)/{rest}", topic)
        return found[1] if found else None

    def retained(self, camera: str) -> list[str]:
        """All topics of a camera that the broker keeps; last the one by which it is found that there are any."""
        kept = [self.recording(camera), self.state(camera)]
        return [self.config(camera), *kept] if self.discovery else kept

    def _node(self, camera: str) -> str:
        """Return the id of a device; a prefix has no underscore, so that no two are alike."""
        return f"{self.prefix.replace('/', '__')}_{camera}"

    def device(self, camera: CameraView, *, images: bool, control: bool) -> dict[str, Any]:
        """Return a camera as a device of Home Assistant (MQTT discovery, single component of kind ``device``).

        Args:
            camera: as answers show it.
            images: whether there are pictures of plates.
            control: whether it may be switched off and on.
        """
        node, state, plate = self._node(camera.id), self.state(camera.id), self.plate(camera.id)
        availability = [{"topic": self.available}]

        def part(name: str, platform: str, shown: str, **more: Any) -> dict[str, Any]:
            own = {"platform": platform, "unique_id": f"{node}_{name}", "name": shown, "availability": availability}
            return {**own, **more}

        said = {"device_class": "problem", "payload_on": ON, "payload_off": OFF, "entity_category": "diagnostic"}
        parts = {
            "plate": part("plate", "event", "Plate", state_topic=plate, event_types=list(PLATE_EVENTS)),
            "last_plate": part(
                "last_plate", "sensor", "Last plate", state_topic=plate, value_template="{{ value_json.text }}",
                json_attributes_topic=plate, icon="mdi:car",
            ),
            "recording": part(
                "recording", "binary_sensor", "Recording", state_topic=state, device_class="running",
                value_template="{{ 'ON' if value_json.recording else 'OFF' }}",
            ),
            "connectivity": part(
                "connectivity", "binary_sensor", "Connection", state_topic=state, device_class="connectivity",
                value_template="{{ 'ON' if value_json.connected else 'OFF' }}", entity_category="diagnostic",
            ),
            "problem": part(
                "problem", "binary_sensor", "Problem", state_topic=state,
                value_template="{{ 'ON' if value_json.problem else 'OFF' }}", json_attributes_topic=state, **said,
            ),
            "fps": part(
                "fps", "sensor", "Pictures a second", state_topic=state, value_template="{{ value_json.fps }}",
                unit_of_measurement="fps", state_class="measurement", entity_category="diagnostic",
            ),
            "days_left": part(
                "days_left", "sensor", "Days that the room is enough for", state_topic=state,
                value_template="{{ value_json.days_left }}", unit_of_measurement="d", device_class="duration",
                state_class="measurement", entity_category="diagnostic",
            ),
        }  # fmt: skip
        # What is named with nothing but its platform is taken away, if it was there before.
        parts["image"] = {"platform": "image"}
        parts["switch"] = {"platform": "switch"}
        if images:
            parts["image"] = part("image", "image", "Plate picture", image_topic=self.image(camera.id))
        if control:
            parts["switch"] = part(
                "switch", "switch", "Record", state_topic=self.recording(camera.id),
                command_topic=self.recording_set(camera.id),
            )  # fmt: skip
        return {
            "device": {
                "identifiers": [node],
                "name": camera.name,
                "manufacturer": "Gatehouse",
                "model": "camera",
                "sw_version": version("gatehouse"),
            },
            "origin": {"name": "gatehouse", "sw_version": version("gatehouse")},
            "components": parts,
        }


def is_state(said: str) -> bool:
    """Return whether a text is what ``state_of`` makes, and not what others have put there."""
    try:
        found = json.loads(said)
    except ValueError:
        return False
    return isinstance(found, dict) and {"state", "connected", "recording", "problem"} <= found.keys()


def state_of(camera: CameraView, days_left: float | None = None) -> dict[str, Any]:
    """Return what a broker is told that a camera is doing, and for how many days the room of all is enough."""
    is_recording = camera.enabled and camera.state == "recording"
    return {
        "state": camera.state,
        "connected": camera.enabled and camera.state in {"recording", "starting"},
        "recording": is_recording,
        "problem": camera.enabled and camera.state not in {"recording", "starting"},
        "cause": camera.cause,
        "detail": camera.detail,
        "since": camera.since,
        "width": camera.width,
        "height": camera.height,
        "fps": round(camera.fps, 1),
        "dropped": round(camera.dropped, 3),
        "days_left": days_left,
    }
