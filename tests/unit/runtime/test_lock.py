"""One process per data directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_common.errors import Conflict, GatehouseError
from gatehouse_common.runtime import DataLock

HOLDER = """
import sys, time
from pathlib import Path
from gatehouse_common.runtime import DataLock
lock = DataLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    lock = DataLock(tmp_path / "data")
    with pytest.raises(Conflict, match=f"in use by process {os.getpid()}:"):
        DataLock(tmp_path / "data")
    lock.release()
    DataLock(tmp_path / "data").release()


def test_the_lock_of_a_killed_process_is_gone_with_it(tmp_path: Path) -> None:
    """S2-43: kill -9 leaves nothing behind that a person would have to remove."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            with pytest.raises(Conflict, match=f"in use by process {holder.pid}:"):
                DataLock(tmp_path)
        finally:
            holder.kill()
            holder.wait()
    DataLock(tmp_path).release()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GatehouseError, match="opening the data directory"):
        DataLock(tmp_path / "file" / "data")
