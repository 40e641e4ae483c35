"""A Mosquitto of the tests' own, with a password, and its programs as those who listen to it and tell it things."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ports import free_port
from running import wait_for

_HELLO = "tests/hello"
USER, PASSWORD = "gatehouse", "a-word-of-the-tests"


@dataclass(frozen=True)
class Told:
    """A message, as a listener gets it."""

    topic: str
    payload: bytes
    is_retained: bool

    def json(self) -> Any:
        return json.loads(self.payload)


@dataclass
class Mosquitto:
    """A broker that runs, or does not for a while."""

    folder: Path
    port: int
    secure_port: int
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def secure_url(self) -> str:
        return f"mqtts://127.0.0.1:{self.secure_port}"

    @property
    def certificate(self) -> Path:
        """What the secure port shows, if ``certify`` was called before the start."""
        return self.folder / "broker.pem"

    def certify(self, name: str) -> None:
        """Make a certificate for a name or an address, signed by itself: who believes it has to be told so."""
        key = ec.generate_private_key(ec.SECP256R1())
        told = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a broker of the tests")])
        address = x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
        now, day = datetime.now(UTC), timedelta(days=1)
        made = x509.CertificateBuilder(told, told, key.public_key(), x509.random_serial_number(), now - day, now + day)
        made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.certificate.with_suffix(".key").write_bytes(secret)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin")
        assert program, "no mosquitto: `make tools` installs it"
        passwords, config = self.folder / "passwords", self.folder / "mosquitto.conf"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True)
        passwords.chmod(0o644)
        lines = ["allow_anonymous false", f"password_file {passwords}", f"listener {self.port} 127.0.0.1"]
        if self.certificate.exists():
            files = [f"certfile {self.certificate}", f"keyfile {self.certificate.with_suffix('.key')}"]
            lines += [f"listener {self.secure_port} 127.0.0.1", *files]
        if os.getuid() == 0:  # it would become a user who cannot look into folders of tests
            lines.append("user root")
        config.write_text("\n".join(lines))
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", config], stdout=log, stderr=subprocess.STDOUT)
        wait_for("Mosquitto", self._listens)

    def stop(self) -> None:
        """End it: what it kept is forgotten."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        self._process = None

    def tell(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Say something."""
        command = ["mosquitto_pub", *self._door(), "-q", "1", "-t", topic, "-m", payload]
        subprocess.run([*command, *(["-r"] if retain else [])], check=True, timeout=10)

    @contextmanager
    def listener(self) -> Iterator[Listener]:
        """Yield somebody who hears everything that is said from now on, and what is kept."""
        command = ["mosquitto_sub", *self._door(), "-t", "#", "-q", "1", "-F", "%r %t %x"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        listener = Listener(process)
        try:
            wait_for("listener", lambda: self._is_heard_by(listener))
            yield listener
        finally:
            process.terminate()
            process.wait(10)
            listener.end()

    def _is_heard_by(self, listener: Listener) -> bool:
        self.tell(_HELLO, "listens?")
        return bool(listener.told(_HELLO))

    def _door(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-u", USER, "-P", PASSWORD]

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


class Listener:
    """What a ``mosquitto_sub`` has heard."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._told: list[Told] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let go of what it said."""
        self._thread.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def told(self, topic: str) -> list[Told]:
        """Return what was said of a topic, oldest first."""
        return [one for one in list(self._told) if one.topic == topic]

    def all(self) -> list[Told]:
        """Return all that was said, oldest first."""
        return list(self._told)

    def wait(self, topic: str, payload: str | None = None, timeout: float = 30, since: int = 0) -> Told:
        """Return the first message of a topic, or the first with a payload; ``since``: not of the first so many."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for one in self.told(topic)[since:]:
                if payload is None or one.payload == payload.encode():
                    return one
            time.sleep(0.05)
        raise AssertionError(
            f"nothing like {payload!r} of {topic}; heard {[(t.topic, t.payload[:60]) for t in self._told][-20:]}"
        )

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            kept, topic, payload = line.rstrip("\n").split(" ", 2)
            self._told.append(Told(topic, bytes.fromhex(payload), kept == "1"))


@contextmanager
def mosquitto(folder: Path, certified: str = "") -> Iterator[Mosquitto]:
    """Yield a broker that runs; ``certified``: the name on the certificate of its secure port."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = Mosquitto(folder, free_port(), free_port())
    if certified:
        broker.certify(certified)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
