"""What a broker keeps of ours by settings of before: it is taken away, for nobody keeps it true any more."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from gatehouse_common.db import Facts
from gatehouse_common.runtime import Core
from gatehouse_common.settings.mqtt import mqtt_address

from .topics import Topics, is_state

if TYPE_CHECKING:
    from .broker import Broker, Heard

_TOLD: Final = "mqtt.told"
"""The fact: what was told where, and has not been taken away since: broker, prefix and discovery of each, JSON."""
_MOST = 20
"""So many settings are remembered: the last ones."""
_ROUNDS = 2
"""After so many looks what the broker has kept has come."""


class FormerTopics:
    """Remembers in the index by which settings this broker was told, and takes away what it keeps of other ones.

    Of cameras that were removed meanwhile it is known by their states, which the broker keeps.

    Args:
        core: the index, the settings, the time.
        topics: by which the broker is told now.
    """

    def __init__(self, core: Core, topics: Topics) -> None:
        self._facts, self._clock, self._topics = Facts(core.db), core.clock, topics
        host, port, _ = mqtt_address(core.settings.values.mqtt.url or "mqtt://nowhere")
        self._now = (f"{host}:{port}", topics.prefix, topics.discovery)
        self._before: list[Topics] = []
        self._heard_of: set[str] = set()
        self._cleared: set[str] = set()
        self._rounds, self._is_done = 0, False

    def remember(self) -> None:
        """Look up what was told before, and remember what is told from now on: before it is.

        Raises:
            GatehouseError: the index is away.
        """
        known = self._known()
        self._before = [Topics(*one[1:]) for one in known if one[0] == self._now[0] and one != self._now]
        self._keep([one for one in known if one != self._now])

    @property
    def filters(self) -> list[str]:
        """What is to be listened to, to know what the broker keeps."""
        others = [one for one in self._before if one.prefix != self._topics.prefix]
        return [topic for one in others for topic in (one.available, one.state("+"))]

    def hear(self, broker: Broker, heard: Heard) -> bool:
        """Take something that was said where we told before; return whether it was."""
        for one in self._before:
            if one.prefix == self._topics.prefix:
                continue
            if heard.topic == one.available:  # a will of before may come late
                if heard.payload:
                    broker.tell(heard.topic, b"", retain=True)
                return True
            if (camera := one.camera_of_state(heard.topic)) is not None:
                if is_state(heard.payload.decode(errors="replace")):  # and not what others have put there
                    self._heard_of.add(camera)
                return True
        return False

    def connected(self) -> None:
        """Begin anew: what was told of late may not have arrived."""
        self._rounds, self._cleared, self._is_done = 0, set(), False

    def clear(self, broker: Broker, cameras: Collection[str]) -> None:
        """Take away what the broker keeps of these cameras, and of those heard of; forget it once there is no more.

        Raises:
            GatehouseError: the index is away.
        """
        if not self._before:
            return
        fresh = (self._heard_of | set(cameras)) - self._cleared
        self._cleared |= {camera for camera in fresh if self._clear(broker, camera)}
        self._rounds += 1
        if self._is_done or fresh or self._rounds < _ROUNDS:
            return
        others = [one.available for one in self._before if one.prefix != self._topics.prefix]
        if all(broker.tell(topic, b"", retain=True) for topic in others):
            self._keep([one for one in self._known() if one[0] != self._now[0]])
            self._is_done = True

    def _clear(self, broker: Broker, camera: str) -> bool:
        kept = {self._topics.available, *self._topics.retained(camera)}
        gone = [topic for one in self._before for topic in one.retained(camera) if topic not in kept]
        return all(broker.tell(topic, b"", retain=True) for topic in dict.fromkeys(gone))

    def _known(self) -> list[tuple[str, str, str]]:
        return [(str(at), str(prefix), str(where)) for at, prefix, where in json.loads(self._facts.get(_TOLD) or "[]")]

    def _keep(self, others: list[tuple[str, str, str]]) -> None:
        text = json.dumps([*others, self._now][-_MOST:])
        if text != self._facts.get(_TOLD):
            self._facts.put(_TOLD, text, self._clock.now_us())
