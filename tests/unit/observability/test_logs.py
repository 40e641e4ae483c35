"""S0-40: logs of one shape, rotated where asked, and a planted password in none of them."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

PLAIN = "canary-in-a-url"
ODD = "cänary\"with'quotes\\and@more"

PROGRAM = """
import gc, logging, sys, threading, warnings
from pathlib import Path
from urllib.parse import quote
import structlog
from gatehouse_common.observability import logs
from gatehouse_common.observability.secrets import register_url

form, file, plain, odd = sys.argv[1:]
logs.set_up("debug", form, Path(file) if file else None)
register_url(f"rtsp://viewer:{quote(odd, safe='')}@odd.example/x")
url = f"rtsp://viewer:{plain}@plain.example/x?token={plain}"
log = structlog.get_logger("ours")
theirs = logging.getLogger("theirs")

def fail(password):
    local = {"secret": password}
    try:
        raise ValueError(f"cannot open {url}: {local!r}")
    except ValueError as error:
        raise RuntimeError(password) from error

log.info("marker-event " + url, url=url, odd=odd, deep={"odd": [odd]})
structlog.contextvars.bind_contextvars(where=url)
log.warning("marker-bound")
structlog.contextvars.clear_contextvars()
theirs.info("marker-stdlib %s %r", url, odd)
theirs.warning("marker-dict %(odd)s", {"odd": odd})
for logger, word in ((log, "ours"), (theirs, "theirs")):
    try:
        fail(odd)
    except RuntimeError:
        logger.exception(f"marker-exception-{word}")
theirs.info("marker-misformatted %d", url)
warnings.warn(f"marker-warning {url} {odd}")

class Bad:
    def __del__(self):
        raise ValueError(f"marker-finalizer {url} {odd}")

bad = Bad(); del bad; gc.collect()
thread = threading.Thread(target=fail, args=(odd,), name="marker-thread")
thread.start(); thread.join()
raise SystemError(f"marker-program {url} {odd}")
"""
MARKERS = [
    "marker-event",
    "marker-bound",
    "marker-stdlib",
    "marker-dict",
    "marker-exception-ours",
    "marker-exception-theirs",
    "marker-warning",
    "marker-finalizer",
    "marker-thread",
    "marker-program",
]


def run(program: str, *args: str, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *args],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONWARNINGS": "default", "PYTHONUTF8": "1", **environment},
        check=False,
    )
    assert not ended.stdout
    return ended.stderr


def forms(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_planted_password_is_in_no_log(form: str, tmp_path: Path) -> None:
    """Of ours, of libraries, in arguments, chained tracebacks, warnings, threads, finalizers and the last crash."""
    file = tmp_path / "logs" / "app.log"
    shown = run(PROGRAM, form, str(file), PLAIN, ODD)
    kept = file.read_text(encoding="utf-8")
    for text in (shown, re.sub(r"\x1b\[[0-9;]*m", "", shown), kept):
        assert not [marker for marker in MARKERS if marker not in text]
        for secret in (PLAIN, ODD):
            assert not [form for form in forms(secret) if form in text]
    assert "could not be written: TypeError" in shown, (
        "a record that cannot be formatted is told, without its arguments"
    )
    assert "plain.example" in kept, "what is needed to find the camera stays"
    assert "Traceback" in shown
    assert "Traceback" in kept


def test_every_line_of_json_has_the_same_shape(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    shown = events(run(PROGRAM, "json", str(file), PLAIN, ODD))
    kept = events(file.read_text(encoding="utf-8"))
    assert len(kept) == len(file.read_text(encoding="utf-8").splitlines())
    assert shown == kept
    for event in kept:
        assert {"event", "level", "logger", "timestamp"} <= set(event)
        assert event["timestamp"].endswith("Z")
    assert {"ours", "theirs", "py.warnings", "gatehouse"} <= {event["logger"] for event in kept}


def test_auto_is_json_where_nobody_sits_at_a_terminal() -> None:
    program = """
    import structlog
    from gatehouse_common.observability import logs
    logs.set_up("warning", "auto", None)
    structlog.get_logger("ours").info("too quiet")
    structlog.get_logger("ours").warning("heard", camera="gate")
    """
    (event,) = events(run(program))
    assert (event["event"], event["camera"], event["level"]) == ("heard", "gate", "warning")


def test_the_file_is_rotated_and_private(tmp_path: Path) -> None:
    program = """
    import logging, sys
    from pathlib import Path
    from gatehouse_common.observability import logs
    logs._FILE_BYTES = 2000
    logs.set_up("info", "json", Path(sys.argv[1]))
    for number in range(100):
        logging.getLogger("theirs").info("line %d of many that fill the file", number)
    """
    file = tmp_path / "app.log"
    run(program, str(file))
    written = sorted(p.name for p in tmp_path.iterdir())
    assert written == ["app.log", *(f"app.log.{n}" for n in range(1, 6))]
    assert "line 99 of" in file.read_text()
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_file_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    program = """
    import sys
    from pathlib import Path
    from gatehouse_common.errors import GatehouseError
    from gatehouse_common.observability import logs
    try:
        logs.set_up("info", "json", Path(sys.argv[1]))
    except GatehouseError as error:
        sys.stderr.write(error.message)
    """
    said = run(program, str(tmp_path / "file" / "app.log"))
    assert said.startswith("opening the log ")
    assert "\n" not in said


def test_before_logs_are_set_up_a_crash_is_masked_too() -> None:
    program = """
    from gatehouse_common.observability.crashes import catch_crashes
    catch_crashes()
    raise OSError("cannot open rtsp://viewer:canary-early@h/x")
    """
    said = run(program)
    assert "rtsp://viewer:***@h/x" in said
    assert "Traceback" in said
    assert "canary-early" not in said.replace('raise OSError("cannot open rtsp://viewer:canary-early@h/x")', "")
