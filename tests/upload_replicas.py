"""Web servers that share an index and a store, any of which may be killed, and a client that sends blobs to all."""

from __future__ import annotations

import base64
import http.client
import json
import os
import queue
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ports import free_ports
from running import COMMAND, wait_for

_PATIENCE_S = 120.0
_BOUNDARY = "c4b2a7f05d9e4f8e9a61d03b7c5e2f18"
"""As long as clients make it (RFC 2046 has 70 characters at most): the longer it is, the faster it is looked for."""
_PART = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name={{name}}\r\n\r\n"


@dataclass
class Replicas:
    """Processes of the api.

    Attributes:
        ports: of each.
        start: starts the one of a number.
        running: the processes.
    """

    ports: list[int]
    start: Callable[[int], subprocess.Popen[bytes]]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill(self, number: int) -> None:
        """Kill one, and start it again."""
        self.end(number)
        self.running[number] = self.start(number)

    def end(self, number: int) -> None:
        """Kill one for good."""
        self.running[number].kill()
        self.running[number].wait()

    def answers(self, port: int) -> bool:
        """Whether one answers."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def replicas(folder: Path, settings: Mapping[str, object], count: int = 2) -> Iterator[Replicas]:
    """Start web servers with these settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GATEHOUSE_")}
    told = {f"GATEHOUSE_{k.replace('.', '__').upper()}": str(v) for k, v in settings.items()}
    ports = free_ports(count)

    def start(number: int) -> subprocess.Popen[bytes]:
        environment = {
            **clean,
            "GATEHOUSE_AUTH__MODE": "open",
            "GATEHOUSE_UPLOADS__LEAST_FREE_GIB": "0",
            "GATEHOUSE_SERVICE__LISTEN": "127.0.0.1:0",
            "GATEHOUSE_SERVICE__TOKEN": "canary-token",
            "GATEHOUSE_API__PORT": str(ports[number]),
            **told,
        }
        command = [COMMAND, "run", "api", "--data", str(folder / f"api-{number}")]
        with (folder / f"api-{number}.log").open("ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)

    made = Replicas(ports, start)
    with ExitStack() as held:
        for number in range(count):
            made.running.append(start(number))
            held.callback(made.end, number)
        for port in ports:
            wait_for(f"api at {port}", partial(made.answers, port), _PATIENCE_S)
        yield made


@dataclass
class Sender:
    """Sends the blobs of a file to web servers in turn, again and again until each was taken.

    Attributes:
        ports: of the servers.
        name: of the file.
        json: whether blobs go in Base64 in JSON; else in forms.
        videos: what came with the last.
        taken: how many requests were answered well.
    """

    ports: list[int]
    name: str
    json: bool = True
    videos: list[dict[str, Any]] = field(default_factory=list)
    taken: int = 0
    wrong: list[str] = field(default_factory=list)

    def send(self, blobs: list[bytes], twice: float = 0.3, at_once: int = 8, seed: int = 1) -> float:
        """Send all in any order, some of them twice, several at once; return how long it took, seconds."""
        chance, waiting = random.Random(seed), queue.Queue[int]()
        order = [*range(len(blobs)), *chance.sample(range(len(blobs)), int(len(blobs) * twice))]
        chance.shuffle(order)
        for number in order:
            waiting.put(number)
        began = time.perf_counter()
        threads = [threading.Thread(target=self._work, args=(waiting, blobs)) for _ in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    def _work(self, waiting: queue.Queue[int], blobs: list[bytes]) -> None:
        connections: dict[int, http.client.HTTPConnection] = {}
        try:
            self._send_waiting(connections, waiting, blobs)
        finally:
            for connection in connections.values():
                connection.close()

    def _send_waiting(
        self, connections: dict[int, http.client.HTTPConnection], waiting: queue.Queue[int], blobs: list[bytes]
    ) -> None:
        while not self.wrong:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            body, kind = self._body(index, blobs)
            began = time.monotonic()
            for turn in range(index, index + 10_000):
                if self._post(connections, self.ports[turn % len(self.ports)], body, kind):
                    break
                if time.monotonic() - began > _PATIENCE_S:
                    self.wrong.append(f"blob {index + 1} is not taken")
                    return

    def _post(self, connections: dict[int, http.client.HTTPConnection], port: int, body: bytes, kind: str) -> bool:
        connection = connections.pop(port, None) or http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("POST", "/upload_blob/", body, {"Content-Type": kind})
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException):  # it was killed: another may be there
            connection.close()
            time.sleep(0.05)
            return False
        if answer.status >= 500:
            time.sleep(0.05)
            return False
        connections[port] = connection
        if answer.status != 200:
            self.wrong.append(f"{answer.status} {told[:200]!r}")
            return True
        self.taken += 1
        video = json.loads(told).get("video_data")
        if video:
            self.videos.append(video)
        return True

    def _body(self, index: int, blobs: list[bytes]) -> tuple[bytes, str]:
        last = index == len(blobs) - 1
        if self.json:
            told = {
                "blobId": str(index + 1),
                "username": "ann",
                "filename": self.name,
                "blobObject": base64.b64encode(blobs[index]).decode(),
                "is_last": str(last),
            }
            return json.dumps(told).encode(), "application/json"
        fields = {"blobId": index + 1, "username": "ann", "filename": self.name, "is_last": last}
        head = "".join(_PART.format(name=f'"{name}"') + f"{value}\r\n" for name, value in fields.items())
        head += _PART.format(name='"blobObject"; filename="blob"')
        end = f"\r\n--{_BOUNDARY}--\r\n"
        return b"".join((head.encode(), blobs[index], end.encode())), f"multipart/form-data; boundary={_BOUNDARY}"
