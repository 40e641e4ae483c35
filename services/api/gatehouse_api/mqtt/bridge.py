"""Goes on telling a broker of home automation what cameras do and which plates are read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from gatehouse_api.event_sources import EventSources
from gatehouse_api.events import LISTED, PLATE_NAMES, Event, EventHub
from gatehouse_api.routes.models import CameraView
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Audit, Camera, CameraRepository, Deed, LeaseRepository, PlateReader
from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import CameraChanged
from gatehouse_common.runtime import Core
from gatehouse_common.runtime.buses import is_shared
from gatehouse_common.sharing import FairShare
from gatehouse_common.timefmt import parse

from .days_left import DaysLeft
from .former import FormerTopics
from .topics import OFF, OFFLINE, ON, ONLINE, PLATE_EVENTS, Topics, is_state, state_of

if TYPE_CHECKING:
    from .broker import Broker, Heard

log = structlog.get_logger(__name__)

_WORK = "mqtt"
_TOPICS = frozenset({"plates", "clips", "recordings"})
_LOOK_S = 0.5
_SHARE_S = 1.0
_STATES_US = 2 * SECOND
_TRIES, _PAUSE_S = 50, 0.1
"""So long a picture waits for a broker that has not yet taken what it was told before; then it is left out."""
_LATE_US = 60 * SECOND
"""What is older is told to nobody who may open a gate by it, and nothing is switched by it."""
_CLOSED = PLATE_NAMES["closed"]
_PICTURED = frozenset({PLATE_NAMES["opened"], _CLOSED})


class MqttBridge:
    """Tells a broker. Of several processes with the same index one does, by a lease.

    Whatever cannot be told, for its picture cannot be read or the index is away, holds up nothing that comes after.

    Args:
        core: the index, the store, the settings, the time.
        hub: what happens.
        sources: what cameras are seen to be, and how they are shown.
        cameras: those there are; they may be switched off and on, if the settings say so.
        audit: where that is written down.
    """

    def __init__(
        self, core: Core, hub: EventHub, sources: EventSources, cameras: CameraRepository, audit: Audit
    ) -> None:
        self._core, self._hub, self._sources, self._cameras, self._audit = core, hub, sources, cameras, audit
        self._settings = core.settings.values.mqtt
        self._topics = Topics(self._settings.prefix, self._settings.discovery)
        self._former = FormerTopics(core, self._topics)
        self._broker: Broker | None = None
        self._told: dict[str, str] = {}
        self._known: set[str] = set()
        """Cameras of which the broker keeps something."""
        self._due_us = 0
        self._troubles: dict[str, str] = {}
        self._picture = threading.Lock()
        """Held while a picture is read: another that comes meanwhile is left out."""
        self._days_left = DaysLeft(core)
        self._share: FairShare | None = None
        if self._settings.url and is_shared(core.settings):
            leases = LeaseRepository(core.signs, _WORK)
            self._share = FairShare(leases, core.name, lambda: [_WORK], core.clock.monotonic_us, work=_WORK)

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; does nothing where no broker is set."""
        if not self._settings.url:
            return
        ended = threading.Event()
        sharing = threading.Thread(target=self._keep_share, args=(ended,), name="mqtt-share", daemon=True)
        sharing.start()
        number = self._hub.newest
        try:
            while not stop.is_set():
                if self._leads():
                    number = self.look(number)
                else:
                    number = self._hub.newest
                    self._leave(is_last=False)  # another has taken over, and says that it is there
                    stop.wait(_LOOK_S)
        finally:
            self._leave(is_last=self._leads())
            ended.set()
            if self._share is not None:
                self._share.leave()

    def look(self, number: int, timeout_s: float = _LOOK_S) -> int:
        """Tell what came after an event's number, and how cameras are; return the number to go on from."""
        broker = self._broker
        if broker is None or broker.is_dead:
            broker = self._broker = self._connect()
        if broker is None:
            self._core.clock.wait(threading.Event(), timeout_s)
            return self._hub.newest
        newest, events = self._hub.newest, list[Event]()

        def wait() -> None:
            nonlocal newest, events
            newest, events = self._hub.next_after(number, _TOPICS, timeout_s)

        self._guarded("events", wait)
        if broker.is_new():
            self._told, self._due_us = {}, 0
            self._former.connected()
        for event in events:
            if not self._leads():
                return newest
            self._guarded(f"event {event.name}", partial(self._tell_event, broker, event))
        for heard in broker.heard():
            self._guarded("what was heard", partial(self._obey, broker, heard))
        if broker.is_connected and self._core.clock.monotonic_us() >= self._due_us:
            broker.tell(self._topics.available, ONLINE, retain=True)
            self._guarded("states", partial(self._tell_states, broker))
            self._due_us = self._core.clock.monotonic_us() + _STATES_US
        return newest

    def _guarded(self, what: str, do: Callable[[], object]) -> None:
        """Do something that may fail without ending the rest; say so once, until it works again."""
        try:
            do()
        except GatehouseError as error:
            if self._troubles.get(what) != error.message:
                log.warning("the MQTT broker is not told", what=what, reason=error.message)
            self._troubles[what] = error.message
        except Exception:  # a fault with one thing must not end the telling of others
            if what not in self._troubles:
                log.exception("the MQTT broker is not told", what=what)
            self._troubles[what] = "fault"
        else:
            self._troubles.pop(what, None)

    def _connect(self) -> Broker | None:
        from .broker import Broker  # noqa: PLC0415 - who tells no broker needs no client

        topics, made = self._topics, list[Broker]()
        filters = [topics.available, topics.state("+"), *topics.births]
        filters += [topics.commands] if self._settings.control else []
        will = (topics.available, OFFLINE)

        def connect() -> None:
            self._former.remember()
            wanted = [*filters, *self._former.filters]
            made.append(Broker(self._settings, self._core.name, will, wanted, self._core.clock))

        self._guarded("broker", connect)
        return made[0] if made else None

    def _leave(self, *, is_last: bool) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            broker.close(is_last=is_last)

    def _leads(self) -> bool:
        return self._share is None or _WORK in self._share.held()

    def _keep_share(self, ended: threading.Event) -> None:
        """Give signs of life, however long a picture takes to be read."""
        while self._share is not None and not ended.is_set():
            working = [_WORK] if self._broker is not None else []
            self._guarded("share", partial(self._share.look, working))
            ended.wait(_SHARE_S)

    def _tell_states(self, broker: Broker) -> None:
        cameras = {camera.id: camera for camera in self._cameras.list()}
        for camera in cameras.values():
            self._guarded(f"camera {camera.id}", partial(self._tell_camera, broker, camera))
        # First: a camera that was removed is known by its state, which goes with the rest.
        self._guarded("former topics", partial(self._former.clear, broker, self._known | cameras.keys()))
        for gone in self._known - cameras.keys():
            told = [broker.tell(topic, b"", retain=True) for topic in self._topics.retained(gone)]
            for topic in self._topics.retained(gone):
                self._told.pop(topic, None)
            if all(told):
                self._known.discard(gone)

    def _tell_camera(self, broker: Broker, camera: Camera) -> None:
        view = CameraView.model_validate(self._sources.show_camera(self._sources.seen(camera)).model_dump())
        if self._topics.discovery:
            device = self._topics.device(view, images=self._settings.images, control=self._settings.control)
            self._keep(broker, self._topics.config(camera.id), _json(device))
        self._keep(broker, self._topics.state(camera.id), _json(state_of(view, self._days_left.now())))
        self._keep(broker, self._topics.recording(camera.id), ON if view.enabled else OFF)
        self._known.add(camera.id)

    def _keep(self, broker: Broker, topic: str, payload: str) -> None:
        if self._told.get(topic) != payload and broker.tell(topic, payload, retain=True):
            self._told[topic] = payload

    def _tell_event(self, broker: Broker, event: Event) -> None:
        if not event.camera or not event.data:
            return
        said = json.loads(event.data)
        broker.tell(self._topics.events(event.camera), _json({"event": event.name, "id": event.id, "data": said}))
        if event.name not in PLATE_EVENTS or not self._is_recent(event, said):
            return
        broker.tell(self._topics.plate(event.camera), _json({"event_type": event.name, **said}))
        has_picture = self._settings.images and event.name in _PICTURED and broker.is_connected
        if has_picture and self._picture.acquire(blocking=False):
            threading.Thread(target=self._tell_picture, args=(broker, event), name="mqtt-picture", daemon=True).start()

    def _is_recent(self, event: Event, said: Mapping[str, Any]) -> bool:
        """Return whether a plate was read just now: an index that was away tells of visits of an hour ago.

        A visit ends when it was not read for a while: that is told as long after its last read.
        """
        read_us = parse(said["seen"] if event.name == LISTED else said["to"], self._core.zone)
        quiet_s = self._core.settings.values.detection.visit_seconds if event.name == _CLOSED else 0
        return self._core.clock.now_us() - read_us <= _LATE_US + quiet_s * SECOND

    def _tell_picture(self, broker: Broker, event: Event) -> None:
        """Read a picture and tell it: beside what else there is to tell, for a store may take its time."""
        try:
            self._guarded("picture", partial(self._read_picture, broker, event))
        finally:
            self._picture.release()

    def _read_picture(self, broker: Broker, event: Event) -> None:
        found = PlateReader(self._core.db).events({event.subject}).get(event.subject)
        if found is None or not found.frame_key:
            return
        picture, waits = self._core.store.read(found.frame_key), threading.Event()
        for _ in range(_TRIES):
            if broker.is_at_ease:
                broker.tell(self._topics.image(event.camera), picture)
                return
            waits.wait(_PAUSE_S)

    def _obey(self, broker: Broker, heard: Heard) -> None:
        if self._former.hear(broker, heard):
            return
        said = heard.payload.decode(errors="replace").strip()
        if heard.topic == self._topics.available:
            if said != ONLINE:  # of us before we had connected again, or of whoever told the broker before us
                broker.tell(self._topics.available, ONLINE, retain=True)
        elif heard.topic in self._topics.births:
            if said == ONLINE and not heard.is_retained:
                self._told = {}
        elif (told := self._topics.camera_of_state(heard.topic)) is not None:
            if is_state(said):
                self._known.add(told)  # what is kept of a camera that was removed meanwhile is found so
        # What the broker has kept was said some time ago: at each connection it would be done again.
        elif self._settings.control and not heard.is_retained and said.upper() in {ON, OFF}:
            if self._core.clock.monotonic_us() - heard.at_us > _LATE_US:
                return
            camera = self._topics.camera_of_command(heard.topic)
            if camera is not None:
                self._switch(camera, enabled=said.upper() == ON)

    def _switch(self, camera: str, *, enabled: bool) -> None:
        """Switch a camera on or off, as somebody asked by the broker; the deed is written down first."""
        if camera not in {one.id for one in self._cameras.list() if one.enabled != enabled}:
            return
        now_us = self._core.clock.now_us()
        detail = {"enabled": {"before": not enabled, "after": enabled}}
        self._audit.write(Deed("camera.changed", f"camera {camera}", "MQTT", detail=detail), now_us)
        self._cameras.change(camera, enabled=enabled)
        self._core.bus.publish(CameraChanged(camera=camera, time_us=now_us, action="updated"))
        self._due_us = 0


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
