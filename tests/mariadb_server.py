"""A MariaDB server of the tests' own: a folder, a random port of loopback, no service of the system's."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from ports import free_port

_READY_S = 60.0


class MariaDB:
    """A server below ``folder``; may be killed and started again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        # A socket's path is limited to 107 bytes, which a folder of pytest's may exceed.
        self.socket = f"/tmp/gatehouse-mariadb-{os.getpid()}-{self.port}.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"mysql://gatehouse:test-only@127.0.0.1:{self.port}/{database}"

    def start(self) -> MariaDB:
        data, user = self.folder / "data", getpass.getuser()
        if not data.exists():
            install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-test-db"]
            subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
        options = {
            "datadir": data,
            "user": user,
            "socket": self.socket,
            "port": self.port,
            "bind-address": "127.0.0.1",
            "pid-file": self.folder / "pid",
            "tmpdir": self.folder,
            "log-error": self.folder / "log",
            "innodb-buffer-pool-size": "64M",
            "innodb-log-file-size": "32M",
            "max-connections": 200,
        }
        command = ["mariadbd", "--no-defaults", "--skip-log-bin", *(f"--{k}={v}" for k, v in options.items())]
        found = shutil.which(command[0]) or f"/usr/sbin/{command[0]}"
        self.process = subprocess.Popen([found, *command[1:]], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _READY_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text()[-3000:])
            time.sleep(0.05)
        self.sql("CREATE USER IF NOT EXISTS gatehouse@'127.0.0.1' IDENTIFIED BY 'test-only'")
        self.sql("CREATE USER IF NOT EXISTS gatehouse@'localhost' IDENTIFIED BY 'test-only'")
        for host in ("127.0.0.1", "localhost"):
            self.sql(f"GRANT ALL ON *.* TO gatehouse@'{host}'")
        return self

    def sql(self, text: str) -> str:
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "-NB", "-e", text]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def kill(self) -> None:
        """``kill -9``."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def _answers(self) -> bool:
        command = ["mariadb-admin", "--no-defaults", f"--socket={self.socket}", "-uroot", "ping"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
