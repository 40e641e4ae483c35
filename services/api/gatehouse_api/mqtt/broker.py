"""The connection to an MQTT broker: it comes and goes by itself, and says when it is a new one."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gatehouse_common.clock import Clock
from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import new_id
from gatehouse_common.observability.metrics import MQTT_CONNECTED, MQTT_MESSAGES
from gatehouse_common.settings.mqtt import MqttSettings, mqtt_address

log = structlog.get_logger(__name__)

_KEEPALIVE_S = 10
_LONGEST_PAUSE_S = 30
_AT_LAST_S = 2.0
_MOST_HEARD = 1000
_HEARD_AT_ONCE = 100
_MOST_BYTES = 1 << 20
"""Brokers end the connection of who says more at once than they take: a picture is not worth that."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody said.

    Attributes:
        topic: of what.
        payload: what.
        is_retained: whether it was said some time ago, and the broker kept it.
        at_us: when it came, by a clock that only goes on.
    """

    topic: str
    payload: bytes
    is_retained: bool
    at_us: int


class Broker:
    """A connection, made again whenever it is lost.

    What is told while it is away is told to nobody, and nothing is told again (QoS 0): a gate that opens a minute late
    opens for somebody else. What the broker keeps has to be told anew at each connection.

    Args:
        settings: where the broker is, and who we are.
        name: of this process, its own among all.
        will: topic and payload that the broker tells, retained, when we are gone without a word.
        filters: what is listened to. What is said live of topics that end with ``/state`` is not: it is our own.
        clock: the time.

    Raises:
        InvalidInput: the certificates of the settings cannot be read.
    """

    def __init__(
        self, settings: MqttSettings, name: str, will: tuple[str, str], filters: Sequence[str], clock: Clock
    ) -> None:
        self._filters, self._will, self._clock = list(filters), will, clock
        self._closing = False
        self._heard: queue.Queue[Heard] = queue.Queue(_MOST_HEARD)
        self._fresh = threading.Event()
        self._trouble = ""
        host, port, is_tls = mqtt_address(settings.url)
        self._shown = f"{host}:{port}"
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"gatehouse-{new_id()[-12:]}-{name}"[:128]
        )
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_connect_fail, client.on_message = self._failed, self._said
        client.will_set(*will, qos=1, retain=True)
        client.reconnect_delay_set(1, _LONGEST_PAUSE_S)
        if settings.username:
            client.username_pw_set(settings.username, settings.password or None)
        if is_tls:
            try:
                client.tls_set(ca_certs=settings.ca_file or None)
            except (OSError, ValueError) as error:
                raise InvalidInput(f"mqtt.ca_file cannot be used: {error}", "mqtt.ca_file") from error
        client.connect_async(host, port, _KEEPALIVE_S)
        client.loop_start()  # its own thread alone writes: of two, one would write into the other's message

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._client.is_connected()

    @property
    def is_at_ease(self) -> bool:
        """Whether the broker is there and has taken all that it was told: what is large waits for that."""
        return self._client.is_connected() and not self._client.want_write()

    @property
    def is_dead(self) -> bool:
        """Whether nobody looks after the connection any more: another has to be made."""
        thread: threading.Thread | None = self._client._thread  # noqa: SLF001 - there is no other way to know
        return thread is None or not thread.is_alive()

    def is_new(self) -> bool:
        """Return whether it has connected since this was asked last: then nobody knows anything of us."""
        if not self._fresh.is_set():
            return False
        self._fresh.clear()
        return True

    def heard(self) -> Iterator[Heard]:
        """Yield some of what was said and not yet taken."""
        with suppress(queue.Empty):
            for _ in range(_HEARD_AT_ONCE):
                yield self._heard.get_nowait()

    def tell(self, topic: str, payload: str | bytes, *, retain: bool = False) -> bool:
        """Tell the broker, once if it is there; return whether it is on its way."""
        told = False
        if len(payload) <= _MOST_BYTES and self._client.is_connected():
            told = self._client.publish(topic, payload, qos=0, retain=retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        MQTT_MESSAGES.labels("sent" if told else "left_out").inc()
        return told

    def close(self, *, is_last: bool = True) -> None:
        """Go; with ``is_last`` saying that nobody is there any more, which is not so if another has taken over."""
        if is_last and self._client.is_connected():
            with suppress(RuntimeError, ValueError):  # the broker went first, and says it for us
                self._client.publish(*self._will, qos=1, retain=True).wait_for_publish(_AT_LAST_S)
        self._closing = True
        self._client.disconnect()
        ending = threading.Thread(target=self._client.loop_stop, name="mqtt-end", daemon=True)
        ending.start()
        ending.join(_AT_LAST_S)
        MQTT_CONNECTED.set(0)

    def _connected(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._closing:  # it was connecting just then
            client.disconnect()
            return
        if reason.is_failure:
            self._say(f"it refuses us: {reason}")
            return
        for wanted in self._filters:
            client.subscribe(wanted, qos=1)
        self._trouble = ""
        log.info("connected to the MQTT broker", broker=self._shown)
        MQTT_CONNECTED.set(1)
        self._fresh.set()

    def _disconnected(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        MQTT_CONNECTED.set(0)
        if reason.is_failure and not self._trouble:  # else it is known why
            self._say(f"the connection was lost: {reason}")

    def _failed(self, _client: Client, _data: Any) -> None:
        MQTT_CONNECTED.set(0)
        self._say(f"it cannot be reached: {sys.exc_info()[1]}")

    def _said(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.topic.endswith("/state") and not message.retain:
            return
        with suppress(queue.Full):
            now_us = self._clock.monotonic_us()
            self._heard.put_nowait(Heard(message.topic, bytes(message.payload), message.retain, now_us))

    def _say(self, trouble: str) -> None:
        """Log what is wrong, once until it is right again."""
        if trouble != self._trouble:
            log.warning("the MQTT broker is told nothing", broker=self._shown, reason=trouble)
        self._trouble = trouble
