"""The connection to an MQTT broker: it comes and goes by itself, and says when it is a new one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gatehouse_common.errors import InvalidInput
from gatehouse_common.observability.metrics import MQTT_CONNECTED, MQTT_MESSAGES
from gatehouse_common.settings.mqtt import MqttSettings, mqtt_address

log = structlog.get_logger(__name__)

_KEEPALIVE_S = 30
_LONGEST_PAUSE_S = 30
_AT_LAST_S = 2.0
_MOST_WAITING = 1000
"""Commands and messages that nobody takes, or the broker does not: more are worth nothing any more."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody said: ``is_retained`` when it was said some time ago, and the broker kept it."""

    topic: str
    payload: bytes
    is_retained: bool


class Broker:
    """A connection.

    What is told while it is away is told to nobody: a gate that opens a minute late opens for somebody else.

    Args:
        settings: where the broker is, and who we are.
        name: of this process, its own among all.
        will: topic and payload that the broker tells, retained, when we are gone without a word.
        filters: what is listened to.
        wake: called when there is something to do; must be quick.

    Raises:
        InvalidInput: the certificates of the settings cannot be read.
    """

    def __init__(
        self,
        settings: MqttSettings,
        name: str,
        will: tuple[str, str],
        filters: Sequence[str],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._filters, self._will, self._wake = list(filters), will, wake
        self._heard: queue.Queue[Heard] = queue.Queue(_MOST_WAITING)
        self._fresh = threading.Event()
        self._trouble = ""
        host, port, is_tls = mqtt_address(settings.url)
        self._shown = f"{host}:{port}"
        self._client = client = Client(CallbackAPIVersion.VERSION2, client_id=f"gatehouse-{name}"[:128])
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_connect_fail, client.on_message = self._failed, self._said
        client.will_set(*will, qos=1, retain=True)
        client.max_queued_messages_set(_MOST_WAITING)
        client.reconnect_delay_set(1, _LONGEST_PAUSE_S)
        if settings.username:
            client.username_pw_set(settings.username, settings.password or None)
        if is_tls:
            try:
                client.tls_set(ca_certs=settings.ca_file or None)
            except (OSError, ValueError) as error:
                raise InvalidInput(f"mqtt.ca_file cannot be used: {error}", "mqtt.ca_file") from error
        client.connect_async(host, port, _KEEPALIVE_S)
        client.loop_start()

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._client.is_connected()

    def is_new(self) -> bool:
        """Return whether it has connected since this was asked last: then nobody knows anything of us."""
        if not self._fresh.is_set():
            return False
        self._fresh.clear()
        return True

    def heard(self) -> list[Heard]:
        """Return what was said since this was asked last."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._heard.get_nowait())
        return found

    def tell(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Tell the broker, once at least if it is there."""
        if not self._client.is_connected():
            MQTT_MESSAGES.labels("left_out").inc()
            return
        told = self._client.publish(topic, payload, qos=1, retain=retain)
        MQTT_MESSAGES.labels("sent" if told.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else "left_out").inc()

    def close(self) -> None:
        """Say that we go, and go."""
        if self._client.is_connected():
            told = self._client.publish(*self._will, qos=1, retain=True)
            with suppress(RuntimeError, ValueError):  # the broker went first, and says it for us
                told.wait_for_publish(_AT_LAST_S)
        self._client.disconnect()
        self._client.loop_stop()
        MQTT_CONNECTED.set(0)

    def _connected(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._say(f"it refuses us: {reason}")
            return
        for wanted in self._filters:
            client.subscribe(wanted, qos=1)
        self._trouble = ""
        log.info("connected to the MQTT broker", broker=self._shown)
        MQTT_CONNECTED.set(1)
        self._fresh.set()
        self._wake()

    def _disconnected(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        MQTT_CONNECTED.set(0)
        if reason.is_failure:
            self._say(f"the connection was lost: {reason}")

    def _failed(self, _client: Client, _data: Any) -> None:
        MQTT_CONNECTED.set(0)
        self._say("it cannot be reached")

    def _said(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with suppress(queue.Full):
            self._heard.put_nowait(Heard(message.topic, bytes(message.payload), message.retain))
        self._wake()

    def _say(self, trouble: str) -> None:
        """Log what is wrong, once until it is right again."""
        if trouble != self._trouble:
            log.warning("the MQTT broker is told nothing", broker=self._shown, reason=trouble)
        self._trouble = trouble
