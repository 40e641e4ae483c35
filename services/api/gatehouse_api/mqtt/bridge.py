"""Goes on telling a broker of home automation what cameras do and which plates are read."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import structlog

from gatehouse_api.event_sources import EventSources
from gatehouse_api.events import Event, EventHub
from gatehouse_api.routes.models import CameraView
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Audit, CameraRepository, Deed, LeaseRepository, PlateReader
from gatehouse_common.errors import GatehouseError, NotFound
from gatehouse_common.messages import CameraChanged
from gatehouse_common.runtime import Core
from gatehouse_common.runtime.buses import is_shared
from gatehouse_common.sharing import FairShare

from .topics import OFF, OFFLINE, ON, ONLINE, PLATE_EVENTS, Topics, state_of

if TYPE_CHECKING:
    from .broker import Broker, Heard

log = structlog.get_logger(__name__)

_WORK = "mqtt"
_TOPICS = frozenset({"plates", "clips", "recordings"})
_LOOK_S = 0.5
_STATES_US = 2 * SECOND
_SHARE_US = SECOND
_PICTURED = frozenset({"plate.detected", "plate.closed"})


class MqttBridge:
    """Tells a broker. Of several processes with the same index one does, by a lease.

    Args:
        core: the index, the store, the settings, the time.
        hub: what happens.
        sources: what cameras are seen to be, and how they are shown.
        cameras: those there are; they may be switched off and on, if the settings say so.
        audit: where it is written down.
    """

    def __init__(
        self, core: Core, hub: EventHub, sources: EventSources, cameras: CameraRepository, audit: Audit
    ) -> None:
        self._core, self._hub, self._sources, self._cameras, self._audit = core, hub, sources, cameras, audit
        self._settings = core.settings.values.mqtt
        self._topics = Topics(self._settings.prefix, self._settings.discovery)
        self._broker: Broker | None = None
        self._told: dict[str, str] = {}
        self._announced: set[str] = set()
        self._due: dict[str, int] = {}
        self._trouble = ""
        self._share: FairShare | None = None
        if self._settings.url and is_shared(core.settings):
            leases = LeaseRepository(core.signs, _WORK)
            self._share = FairShare(leases, core.name, lambda: [_WORK], core.clock.monotonic_us, work=_WORK)

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; does nothing where no broker is set."""
        if not self._settings.url:
            return
        number = self._hub.newest
        try:
            while not stop.is_set():
                if not self._leads():
                    self._leave()
                    number = self._hub.newest
                    stop.wait(_LOOK_S)
                    continue
                number = self._guarded_look(number, stop)
        finally:
            self._leave()
            if self._share is not None:
                self._share.leave()

    def look(self, number: int, timeout_s: float = _LOOK_S) -> int:
        """Tell what came after an event's number; return the number to go on from.

        Raises:
            GatehouseError: the index is away.
        """
        broker = self._broker
        if broker is None:
            broker = self._broker = self._connect()
        newest, events = self._hub.next_after(number, _TOPICS, timeout_s)
        if broker.is_new():
            self._told, self._announced = {}, set()
            broker.tell(self._topics.available, ONLINE, retain=True)
        for heard in broker.heard():
            self._obey(heard)
        if broker.is_connected and (not self._told or self._is_time("states", _STATES_US)):
            self._tell_states(broker)
        for event in events:
            self._tell_event(broker, event)
        return newest

    def _guarded_look(self, number: int, stop: threading.Event) -> int:
        try:
            number = self.look(number)
        except GatehouseError as error:
            if error.message != self._trouble:
                log.warning("the MQTT broker is told later", reason=error.message)
            self._trouble = error.message
            stop.wait(_LOOK_S)
        except Exception:  # a fault with one event must not end the telling
            log.exception("the MQTT broker could not be told")
            number = self._hub.newest
            stop.wait(_LOOK_S)
        else:
            self._trouble = ""
        return number

    def _connect(self) -> Broker:
        from .broker import Broker  # noqa: PLC0415 - who tells no broker needs no client

        topics = self._topics
        filters = [topics.commands] if self._settings.control else []
        filters += [topics.birth] if topics.discovery else []
        return Broker(self._settings, self._core.name, (topics.available, OFFLINE), filters)

    def _leave(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            broker.close()

    def _leads(self) -> bool:
        if self._share is None:
            return True
        if self._is_time("share", _SHARE_US):
            self._share.look([_WORK] if self._broker is not None else [])
        return _WORK in self._share.held()

    def _tell_states(self, broker: Broker) -> None:
        shown = {
            camera.id: CameraView.model_validate(self._sources.show_camera(self._sources.seen(camera)).model_dump())
            for camera in self._cameras.list()
        }
        for camera, view in shown.items():
            if self._topics.discovery and camera not in self._announced:
                device = self._topics.device(view, images=self._settings.images, control=self._settings.control)
                broker.tell(self._topics.config(camera), _json(device), retain=True)
                self._announced.add(camera)
            self._keep(broker, self._topics.state(camera), _json(state_of(view)))
            self._keep(broker, self._topics.recording(camera), ON if view.enabled else OFF)
        for camera in self._announced - shown.keys():
            for topic in self._topics.retained(camera):
                broker.tell(topic, b"", retain=True)
                self._told.pop(topic, None)
            self._announced.discard(camera)

    def _keep(self, broker: Broker, topic: str, payload: str) -> None:
        if self._told.get(topic) != payload:
            broker.tell(topic, payload, retain=True)
            self._told[topic] = payload

    def _tell_event(self, broker: Broker, event: Event) -> None:
        if not event.camera or not event.data:
            return
        said = json.loads(event.data)
        broker.tell(self._topics.events(event.camera), _json({"event": event.name, "id": event.id, "data": said}))
        if event.name in PLATE_EVENTS:
            visit = said.get("visit") or {}
            text = said.get("text") or visit.get("text", "")
            broker.tell(self._topics.plate(event.camera), _json({"event_type": event.name, **said, "text": text}))
        if self._settings.images and event.name in _PICTURED:
            self._tell_picture(broker, event)

    def _tell_picture(self, broker: Broker, event: Event) -> None:
        found = PlateReader(self._core.db).events({event.subject}).get(event.subject)
        if found is None or not found.frame_key:
            return
        try:
            broker.tell(self._topics.image(event.camera), self._core.store.read(found.frame_key))
        except NotFound:
            log.debug("the picture of a plate was deleted before it was told", event=event.subject)

    def _obey(self, heard: Heard) -> None:
        if heard.topic == self._topics.birth and self._topics.discovery:
            if heard.payload == ONLINE.encode() and not heard.is_retained:
                self._told, self._announced = {}, set()
            return
        camera, wanted = self._topics.camera_of(heard.topic), heard.payload.decode(errors="replace").strip().upper()
        # What the broker has kept was said some time ago: at each connection it would be done again.
        if camera is None or wanted not in {ON, OFF} or heard.is_retained or not self._settings.control:
            return
        if camera not in {one.id for one in self._cameras.list() if one.enabled != (wanted == ON)}:
            return
        now_us = self._core.clock.now_us()
        self._cameras.change(camera, enabled=wanted == ON)
        self._core.bus.publish(CameraChanged(camera=camera, time_us=now_us, action="updated"))
        detail = {"enabled": {"before": wanted != ON, "after": wanted == ON}}
        self._audit.write(Deed("camera.changed", f"camera {camera}", "MQTT", detail=detail), now_us)
        self._due.pop("states", None)

    def _is_time(self, what: str, every_us: int) -> bool:
        now = self._core.clock.monotonic_us()
        if now < self._due.get(what, now):
            return False
        self._due[what] = now + every_us
        return True


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
