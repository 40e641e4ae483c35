"""The bridge to a broker: what it does when pictures, the broker, the index or the process that leads are away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gatehouse_api.app import bridge_of, close_app, create_app
from gatehouse_api.mqtt import broker as broker_module
from gatehouse_api.mqtt.bridge import MqttBridge
from gatehouse_api.mqtt.broker import Broker
from gatehouse_common.clock import SECOND, SystemClock
from gatehouse_common.db import CameraRepository, Facts, PlateReader
from gatehouse_common.errors import Unavailable
from gatehouse_common.runtime import Core
from gatehouse_common.settings.mqtt import MqttSettings
from gatehouse_common.testing.chunk_rows import seed_chunks
from log_kit import logged, text_of
from mosquitto_server import PASSWORD, USER, Mosquitto, Told, mosquitto
from pipeline_kit import add_camera, core_at
from plates_kit import Visit, indexing, server_settings, tell, visit
from running import wait_for

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "mosquitto") as running:
        yield running


def settings(broker: Mosquitto, **more: object) -> dict[str, object]:
    return {"mqtt.url": broker.url, "mqtt.username": USER, "mqtt.password": PASSWORD, "api.port": 0, **more}


@contextmanager
def bridging(core: Core) -> Iterator[MqttBridge]:
    """The bridge of an app at work."""
    app, stop = create_app(core), threading.Event()
    bridge = bridge_of(app)
    thread = threading.Thread(target=bridge.run, args=(stop,))
    thread.start()
    try:
        yield bridge
    finally:
        stop.set()
        thread.join(20)
        close_app(app)
        assert not thread.is_alive()


def told_of(core: Core, one: Visit) -> str:
    """Tell of a visit, and return where its picture is once it is in the index."""
    tell(core, one)
    found = wait_for("visit", lambda: PlateReader(core.db).events({one.event}).get(one.event))
    return found.frame_key


def test_a_picture_that_cannot_be_read_holds_nothing_up(tmp_path: Path, broker: Mosquitto) -> None:
    """Neither is anything told twice for it."""
    with core_at(tmp_path / "data", **settings(broker)) as core, indexing(core), broker.listener() as listener:
        add_camera(core, "gate")
        read = core.store.read

        def unreadable(key: str) -> bytes:
            if key.startswith("plates/"):
                raise Unavailable("the disk does not answer")
            return read(key)

        with bridging(core), pytest.MonkeyPatch.context() as patched:
            listener.wait("gatehouse/gate/state")
            patched.setattr(core.store, "read", unreadable)
            told_of(core, visit("gate", "AAA1A11", core.clock.now_us()))
            wait_for(
                "first", lambda: [t for t in listener.told("gatehouse/gate/plate") if b"plate.closed" in t.payload]
            )
            patched.undo()
            told_of(core, visit("gate", "BBB2B22", core.clock.now_us()))
            listener.wait("gatehouse/gate/plate/image")
            wait_for("second", lambda: [t for t in listener.told("gatehouse/gate/plate") if b"BBB2B22" in t.payload])
        said = [(one.json()["event_type"], one.json()["text"]) for one in listener.told("gatehouse/gate/plate")]
        assert said.count(("plate.closed", "AAA1A11")) == 1
        assert said.count(("plate.detected", "AAA1A11")) == 1


def test_a_store_that_hangs_delays_no_plate_and_what_is_old_opens_no_gate(tmp_path: Path, broker: Mosquitto) -> None:
    """A visit of an hour ago, which an index that was away tells of now, is an event and no plate that is here."""
    with core_at(tmp_path / "data", **settings(broker)) as core, indexing(core), broker.listener() as listener:
        add_camera(core, "gate")
        released = threading.Event()

        def hanging(_key: str) -> bytes:
            released.wait(60)
            raise Unavailable("the disk does not answer")

        with bridging(core), pytest.MonkeyPatch.context() as patched:
            listener.wait("gatehouse/gate/state")
            patched.setattr(core.store, "read", hanging)
            for text in ("AAA1A11", "BBB2B22"):
                told_of(core, visit("gate", text, core.clock.now_us()))
            wait_for("both", lambda: {b"AAA1A11", b"BBB2B22"} <= texts(listener.told("gatehouse/gate/plate")), 10)
            old = visit(
                "gate", "AAA1A11", core.clock.now_us() - 3_600_000_000
            )  # the same car, which is here now as well
            told_of(core, old)
            events = "gatehouse/gate/events"
            wait_for("old one", lambda: [t for t in listener.told(events) if old.event.encode() in t.payload])
            released.set()
        assert old.event not in {one.json()["id"] for one in listener.told("gatehouse/gate/plate")}


def texts(told: Sequence[Told]) -> set[bytes]:
    return {one.json()["text"].encode() for one in told}


def test_what_others_keep_below_the_prefix_stays(tmp_path: Path, broker: Mosquitto) -> None:
    """It is no camera of ours that was removed, though it is called so."""
    broker.tell("gatehouse/bridge/state", '{"state": "online"}', retain=True)
    with core_at(tmp_path / "data", **settings(broker)) as core:
        add_camera(core, "gate")
        with bridging(core), broker.listener() as listener:
            listener.wait("gatehouse/gate/state")
            listener.wait("gatehouse/bridge/state")
            threading.Event().wait(5)
            assert [one.payload for one in listener.told("gatehouse/bridge/state")] == [b'{"state": "online"}']


def test_a_camera_that_is_renamed_or_removed_meanwhile_is_so_at_the_broker(tmp_path: Path, broker: Mosquitto) -> None:
    """Also where it was removed while nobody told the broker anything, and where no device is announced."""
    with core_at(tmp_path / "data", **settings(broker)) as core:
        add_camera(core, "gate")
        add_camera(core, "yard")
        with broker.listener() as listener:
            with bridging(core):
                listener.wait("homeassistant/device/gatehouse_gate/config")
                CameraRepository(core.db).change("gate", name="South gate")
                named = "homeassistant/device/gatehouse_gate/config"
                wait_for("name", lambda: listener.told(named)[-1].json()["device"]["name"] == "South gate")
                listener.wait("gatehouse/yard/state")
            CameraRepository(core.db).remove("yard")
            with bridging(core):
                listener.wait("gatehouse/yard/state", "")
                listener.wait("homeassistant/device/gatehouse_yard/config", "")
                assert listener.told("gatehouse/gate/state")[-1].payload


DEVICE = "homeassistant/device/gatehouse_{}/config"
STATES = ["gatehouse/available", "gatehouse/{}/state", "gatehouse/{}/recording/state"]


@pytest.mark.parametrize(
    ("changed", "goes", "stays"),
    [
        (
            {"mqtt.prefix": "house"},
            [*STATES, DEVICE],
            ["house/available", "house/{}/state", "homeassistant/device/house_{}/config"],
        ),
        ({"mqtt.discovery": "ha"}, [DEVICE], [*STATES, "ha/device/gatehouse_{}/config"]),
        ({"mqtt.discovery": ""}, [DEVICE], STATES),
    ],
    ids=["prefix", "discovery", "no discovery"],
)
def test_what_the_broker_keeps_by_settings_before_goes_once(
    tmp_path: Path, broker: Mosquitto, changed: dict[str, object], goes: list[str], stays: list[str]
) -> None:
    """Also of a camera that was removed meanwhile; and what others keep there stays."""
    others = "gatehouse/bridge/state"
    broker.tell(others, '{"state": "online"}', retain=True)
    with core_at(tmp_path / "data", **settings(broker)) as core:
        add_camera(core, "gate")
        add_camera(core, "yard")
        with broker.listener() as listener:
            with bridging(core):
                listener.wait("homeassistant/device/gatehouse_yard/config")
                listener.wait("gatehouse/yard/recording/state")
            CameraRepository(core.db).remove("yard")
    with core_at(tmp_path / "data", **settings(broker, **changed)) as core, bridging(core):
        wait_for("all that goes", lambda: not kept(broker) & of_both(goes), 30)
        wait_for("all that stays", lambda: kept(broker) >= {one.format("gate") for one in stays}, 30)
        assert others in kept(broker)
        told = wait_for("the settings before to be forgotten", lambda: one_alone(Facts(core.db).get("mqtt.told")))
        if goes[0] == "gatehouse/available":
            broker.tell(goes[0], "offline", retain=True)  # as the will of the process before, which comes late
            wait_for("its end", lambda: goes[0] not in kept(broker), 30)
    with core_at(tmp_path / "data", **settings(broker, **changed)) as core, bridging(core):
        # Whoever has the old place now, as another installation, keeps what it tells there.
        broker.tell(goes[-1].format("gate"), "{}", retain=True)
        wait_for("a later start", lambda: kept(broker) >= {one.format("gate") for one in stays}, 30)
        threading.Event().wait(5)
        assert goes[-1].format("gate") in kept(broker)
        assert Facts(core.db).get("mqtt.told") == told


def kept(broker: Mosquitto) -> set[str]:
    """Topics of which a broker keeps something."""
    with broker.listener() as listener:
        return {one.topic for one in listener.all() if one.is_retained and one.payload}


def of_both(topics: list[str]) -> set[str]:
    return {topic.format(camera) for topic in topics for camera in ("gate", "yard")}


def one_alone(told: str | None) -> str:
    """What was told where, if it is one place."""
    return told if told and len(json.loads(told)) == 1 else ""


def test_a_broker_is_not_robbed_of_what_another_was_told(tmp_path: Path, broker: Mosquitto) -> None:
    """Who moves to a broker that another installation tells has to take another prefix, and that one's stays."""
    with core_at(tmp_path / "data", **settings(broker)) as core:
        add_camera(core, "gate")
        with broker.listener() as listener, bridging(core):
            listener.wait("gatehouse/gate/recording/state")
    with mosquitto(tmp_path / "other") as other:
        other.tell("gatehouse/gate/recording/state", "ON", retain=True)
        with core_at(tmp_path / "data", **settings(other, **{"mqtt.prefix": "house"})) as core, bridging(core):
            wait_for("state", lambda: "house/gate/state" in kept(other), 30)
            threading.Event().wait(5)
            assert "gatehouse/gate/recording/state" in kept(other)


def test_what_happens_while_the_broker_is_away_is_not_told_later(tmp_path: Path, broker: Mosquitto) -> None:
    own = MqttSettings(url=broker.url, username=USER, password=PASSWORD)
    told = Broker(own, "tests", ("gatehouse/available", "offline"), [], SystemClock())
    try:
        wait_for("connection", lambda: told.is_connected)
        broker.stop()
        wait_for("loss", lambda: not told.is_connected)
        assert not told.tell("gatehouse/gate/plate", "late")
        broker.start()
        with broker.listener() as listener:
            wait_for("connection", lambda: told.is_connected, 40)
            assert told.tell("gatehouse/gate/plate", "now")
            listener.wait("gatehouse/gate/plate", "now")
            assert [one.payload for one in listener.told("gatehouse/gate/plate")] == [b"now"]
    finally:
        told.close()


def test_a_message_that_is_too_large_is_left_out_and_the_rest_is_told(tmp_path: Path, broker: Mosquitto) -> None:
    told = Broker(
        MqttSettings(url=broker.url, username=USER, password=PASSWORD),
        "tests",
        ("a/available", "offline"),
        [],
        SystemClock(),
    )
    try:
        wait_for("connection", lambda: told.is_connected)
        with broker.listener() as listener:
            assert not told.tell("a/image", bytes(2 << 20))
            assert told.tell("a/plate", "small")
            listener.wait("a/plate", "small")
    finally:
        told.close()


def test_a_wrong_password_is_said_once_and_never_shown(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    said = logged(monkeypatch, broker_module)
    told = Broker(
        MqttSettings(url=broker.url, username=USER, password="wrong-canary"),
        "tests",
        ("a", "offline"),
        [],
        SystemClock(),
    )
    threading.Event().wait(5)
    assert not told.is_connected
    told.close()
    text = text_of(said)
    assert "wrong-canary" not in text
    assert text.count("is told nothing") == 1
    assert "refuses us" in text


@pytest.mark.parametrize(
    ("certified", "is_believed", "is_told"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("other.example", True, False)],
    ids=["believed", "of nobody known", "of another"],
)
@pytest.mark.filterwarnings(  # paho lets go of a socket whose other end it does not believe without closing it
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
def test_a_broker_is_told_by_tls_if_it_is_the_one_that_is_meant(
    tmp_path: Path,
    certified: str,
    is_believed: bool,
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A broker that cannot show who it is gets neither the password nor anything else, and the log says why."""
    said = logged(monkeypatch, broker_module)
    with mosquitto(tmp_path / "mosquitto", certified) as broker:
        believed = {"mqtt.ca_file": str(broker.certificate)} if is_believed else {}
        secure = settings(broker, **{"mqtt.url": broker.secure_url, **believed})
        with core_at(tmp_path / "data", **secure) as core, broker.listener() as listener:
            add_camera(core, "gate")
            with bridging(core) as bridge:
                if is_told:
                    listener.wait("gatehouse/available", "online")
                    assert listener.wait("gatehouse/gate/state").json()["recording"] is False
                    return
                threading.Event().wait(6)
                assert bridge._broker is None or not bridge._broker.is_connected
            assert listener.told("gatehouse/available") == []
    assert "certificate verify failed" in text_of(said)
    assert PASSWORD not in text_of(said)


def test_of_two_processes_one_tells_and_the_other_takes_over(tmp_path: Path, broker: Mosquitto) -> None:
    """On a real broker and database; and whatever the will of the first says late, the second is there."""
    with ExitStack() as held:
        more = held.enter_context(server_settings(tmp_path / "servers"))
        first, second = (
            held.enter_context(core_at(tmp_path / name, **settings(broker, **more, **{"service.name": name})))
            for name in ("one", "two")
        )
        add_camera(first, "gate")
        listener = held.enter_context(broker.listener())
        with bridging(second):
            with bridging(first):
                listener.wait("gatehouse/gate/state", timeout=60)
            wait_for("who is left", lambda: listener.told("gatehouse/available")[-1].payload == b"online", 60)
            count = len(listener.told("gatehouse/available"))
            broker.tell("gatehouse/available", "offline", retain=True)  # as a will that comes late
            listener.wait("gatehouse/available", "online", since=count + 1)
        wait_for("end", lambda: listener.told("gatehouse/available")[-1].payload == b"offline")


def test_for_how_many_days_the_room_is_enough_is_told_once_it_is_known(tmp_path: Path, broker: Mosquitto) -> None:
    """PRODUCT section 5. 10 GB for recordings of 4 Mbit/s are enough for 20,000 s: not a quarter of a day."""
    with core_at(tmp_path / "data", **settings(broker, **{"retention.max_gb": 10})) as core:
        add_camera(core, "gate")
        with broker.listener() as listener, bridging(core):
            listener.wait("gatehouse/available", "online")
            first = wait_for("a state", lambda: listener.told("gatehouse/gate/state"))[0]
            assert first.json()["days_left"] is None, "nothing has been stored yet"
        now_us = core.clock.now_us()
        seed_chunks(core.db, ["gate"], 6, start_us=now_us - 3600 * SECOND)
        with broker.listener() as listener, bridging(core):
            told = wait_for("days", lambda: [t for t in listener.told("gatehouse/gate/state") if t.json()["days_left"]])
    assert told[0].json()["days_left"] == 0.2
