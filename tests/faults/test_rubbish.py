"""R7: files, messages and pictures with any damage: nothing ends or hangs, and no byte that was stored is lost."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pika
import pytest

from fault_rig import FULL, Finding, mutated, tell
from mjpeg_camera import picture
from rabbitmq_server import RabbitMQ
from running import Running, command, decode, recordings, wait_for

FILES = 4000 if FULL else 120
MESSAGES = 4000 if FULL else 200
PICTURES = 2000 if FULL else 150
PICTURES_A_SECOND = 40
WANTED = "0 crashes, 0 hangs, 0 stored bytes lost"
RUBBISH: tuple[Any, ...] = (None, -1, 10**30, 1e400, "", "\0", "../../etc/passwd", [], {}, [[]], "x" * 70_000, True)


def digests(folders: list[Path]) -> Counter[str]:
    """SHA-256 of every file below some folders."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def said_by(*arguments: str, codes: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    """Run a command that may find something wrong, and must say what it found; not end in a fault of its own."""
    done = command(*arguments, timeout=1200)
    assert done.returncode in codes, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.slow
@pytest.mark.timeout(60 + FILES)
def test_files_with_any_damage_beside_healthy_ones(tmp_path: Path) -> None:
    """R7, S2-44: check, repair, verify and rebuild come to their end; each file is where it was, or set aside."""
    chance, data = random.Random(7), tmp_path / "data"
    with Running(data, "--camera", "cam=synthetic:?size=160x120&fps=10", log=tmp_path / "log") as gatehouse:
        gatehouse.ready()
        wait_for("stored chunks", lambda: len(recordings(data)) > 4, 60)
        assert gatehouse.stop() == 0
    healthy = {path: path.read_bytes() for path in recordings(data)}
    films, bad = list(healthy.values()), list[str]()
    for number in range(FILES):
        folder = data / "recordings" / "cam" / f"2020-01-{1 + number % 28:02}"
        folder.mkdir(parents=True, exist_ok=True)
        changed = mutated(chance.choice(films), chance)
        name = f"recording_202001{1 + number % 28:02}_{number // 3600:02}{number // 60 % 60:02}{number % 60:02}.mp4"
        (folder / name).write_bytes(changed)
        bad.append(hashlib.sha256(changed).hexdigest())
    began = time.monotonic()
    verified = said_by("verify", "--json", *map(str, sorted({p.parent for p in recordings(data)})))
    checked = said_by("check", "--json", "--data", str(data))
    mended = said_by("check", "--json", "--repair", "--force", "--data", str(data))
    again = said_by("check", "--json", "--data", str(data))
    (data / "gatehouse.db").rename(tmp_path / "gatehouse.db")
    said_by("index", "rebuild", "--json", "--data", str(data))
    took = time.monotonic() - began
    assert {path: path.read_bytes() for path in healthy} == healthy
    kept = digests([data / "recordings", data / "quarantine"])
    assert [one for one, count in Counter(bad).items() if kept[one] < count] == []
    assert checked["problems"]
    assert len(again["problems"]) <= len(checked["problems"]) // 100, again["problems"][:5]
    what = f"{FILES} mutated MP4 among {len(healthy)} healthy ones: verify, check, check --repair, check, index rebuild"
    figure = (
        f"0 crashes, 0 hangs ({took:.0f} s), 0 bytes lost: every file is where it was or in quarantine, healthy "
        f"ones as they were; {len(verified['damages'])} damages told, {len(mended['problems'])} mended or set aside"
    )
    tell(Finding("R7", what, figure, WANTED, met=True))


@contextmanager
def broker(folder: Path) -> Iterator[RabbitMQ]:
    folder.mkdir()
    started = RabbitMQ(folder).start()
    try:
        yield started
    finally:
        started.stop()


def spoilt(data: bytes, chance: random.Random) -> bytes:
    """A message with some of its bytes changed, or one that is JSON and has a value that it must not have."""
    if chance.random() < 0.5:
        return mutated(data, chance)
    fields = json.loads(data)
    name = chance.choice([*fields, "unheard-of"])
    if chance.random() < 0.3:
        fields.pop(name, None)
    else:
        fields[name] = chance.choice(RUBBISH)
    return json.dumps(fields).encode()


@pytest.mark.slow
@pytest.mark.timeout(300 + MESSAGES)
def test_messages_with_any_damage_among_true_ones(tmp_path: Path) -> None:
    """R7, S0-37: they become dead letters, and what is recorded meanwhile is stored and indexed as ever."""
    chance, data = random.Random(7), tmp_path / "data"
    with (
        broker(tmp_path / "rabbitmq") as rabbit,
        Running(
            data,
            "--camera",
            "cam=synthetic:?size=160x120&fps=10",
            log=tmp_path / "log",
            GATEHOUSE_BROKER_URL=rabbit.url(),
        ) as gatehouse,
    ):
        gatehouse.ready().recording("cam")
        true, kinds = list[tuple[str, bytes]](), set[str]()
        connection = pika.BlockingConnection(pika.URLParameters(rabbit.url()))
        channel = connection.channel()
        tap = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(tap, "gatehouse", "#")
        deadline = time.monotonic() + 30
        while len(true) < 40 and time.monotonic() < deadline:
            method, _, body = channel.basic_get(tap, auto_ack=True)
            if method is None:
                connection.sleep(0.1)
                continue
            true.append((method.routing_key, body))
            kinds.add(method.routing_key.rpartition(".")[0])
        assert len(kinds) >= 3, kinds
        channel.queue_unbind(tap, "gatehouse", "#")
        for number in range(MESSAGES):
            key, body = chance.choice(true)
            channel.basic_publish("gatehouse", key, spoilt(body, chance))
            if number % 100 == 0:
                connection.sleep(0.05)
        connection.close()
        told_us = time.time_ns() // 1000
        wait_for("footage of after", lambda: gatehouse.ledger("cam", told_us + 3_000_000)[0], 60 + MESSAGES / 5)
        assert gatehouse.process.poll() is None
        wait_for("good health", lambda: gatehouse.get("/readyz").status == 200, 30)
        gatehouse.recording("cam")
        text = gatehouse.get("/metrics").body.decode()
        dead = sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line.startswith("gatehouse_dead_lettered_total")
        )
        assert gatehouse.stop(30) == 0
    assert dead > MESSAGES // 4
    assert "service failed" not in (tmp_path / "log").read_text()
    assert all(decode(path) > 0 for path in recordings(data))
    said_by("check", "--json", "--data", str(data))
    what = f"{MESSAGES} mutated messages ({', '.join(sorted(kinds))}) among those of a recorder on RabbitMQ"
    figure = f"{dead:.0f} dead letters, 0 crashes, 0 hangs; recorded on; {len(recordings(data))} of as many files play"
    tell(Finding("R7", what, figure, WANTED, met=True))


class BadCamera(ThreadingHTTPServer):
    """An HTTP camera whose pictures are damaged, nine of ten; ``sent`` of them so far."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pictures)
        self.sent, self.ended = 0, threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # who reads may well go away


class _Pictures(BaseHTTPRequestHandler):
    server: BadCamera

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass

    def do_GET(self) -> None:
        chance = random.Random(self.server.sent)
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        while not self.server.ended.wait(1 / PICTURES_A_SECOND):
            jpeg = picture(self.server.sent)
            if self.server.sent < PICTURES and chance.random() < 0.9:
                jpeg = mutated(jpeg, chance)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
            self.server.sent += 1


@contextmanager
def bad_camera() -> Iterator[BadCamera]:
    camera = BadCamera()
    thread = threading.Thread(target=camera.serve_forever, daemon=True)
    thread.start()
    try:
        yield camera
    finally:
        camera.ended.set()
        camera.shutdown()
        thread.join()
        camera.server_close()


@pytest.mark.slow
@pytest.mark.timeout(200 + PICTURES // 5)
@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_pictures_with_any_damage_beside_a_good_camera(tmp_path: Path, codec: str) -> None:
    """R7: a camera that sends rubbish costs itself alone, and is recorded when it sends pictures again."""
    data = tmp_path / "data"
    with bad_camera() as camera:
        url = f"http://127.0.0.1:{camera.server_port}/?codec={codec}"
        cameras = ("--camera", f"bad={url}", "--camera", "good=synthetic:?size=160x120&fps=10")
        with Running(data, *cameras, log=tmp_path / "log") as gatehouse:
            gatehouse.ready().recording("good")
            began_us = time.time_ns() // 1000
            wait_for("all pictures", lambda: camera.sent > PICTURES, 60 + PICTURES)
            later_us = time.time_ns() // 1000
            wait_for("good pictures recorded", lambda: gatehouse.ledger("bad", later_us + 1_000_000)[0], 60)
            gatehouse.recording("bad", "good")
            assert gatehouse.get("/readyz").status == 200
            _, gaps = gatehouse.ledger("good", began_us)
            assert gaps == []
            assert gatehouse.stop() == 0
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said, said[said.index("Traceback") - 500 :][:3000]
    shown = [path for path in recordings(data) if "/good/" in path.as_posix()]
    assert shown
    assert all(decode(path) > 0 for path in shown)
    assert said_by("check", "--json", "--data", str(data), codes=(0,))["problems"] == []
    what = f"{PICTURES} pictures of an HTTP camera, nine of ten mutated, stored as {codec}, beside a good camera"
    figure = (
        f"0 crashes, 0 hangs, the other camera without a gap; {camera.sent} sent, recorded again when they are good"
    )
    tell(Finding("R7", what, figure, WANTED, met=True))
