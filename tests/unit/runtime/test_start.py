"""A start loads what it uses: what only some commands or some requests need is loaded by them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_START = """
import sys
from pathlib import Path
from gatehouse_common.db import Database
db = Database("sqlite:///" + sys.argv[1])
if "new" in sys.argv:
    db.upgrade()
else:
    db.check()
print("alembic" in sys.modules)
db.close()
import gatehouse.composition, gatehouse_api.app
from gatehouse_api.routes import cameras
print("boto3" in sys.modules, "pika" in sys.modules, "onnxruntime" in sys.modules, len(cameras.api.paths))
"""


def test_a_start_loads_no_migrations_no_cloud_and_makes_no_document(tmp_path: Path) -> None:
    def start(*words: str) -> list[str]:
        command = [sys.executable, "-c", _START, str(tmp_path / "index.db"), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert start("new")[0] == "True"
    assert start() == ["False", "False", "False", "False", "0"]
