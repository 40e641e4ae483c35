"""Child processes and their limits: each is a real one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import Cancelled, DataLoss
from gatehouse_common.settings.transcoder import TranscoderSettings
from gatehouse_transcoder import children
from gatehouse_transcoder.children import ChildDied, Limits, run

LIMITS = Limits(seconds=20, stall_seconds=20, memory=1 << 30, file=1 << 20, threads=1)


def python(code: str, limits: Limits = LIMITS, ending: Cancelled | None = None, after_s: float = 0.0) -> str:
    began = time.monotonic()
    return run(
        [sys.executable, "-I", "-S", "-c", code],
        limits,
        SystemClock(),
        lambda: ending if time.monotonic() - began > after_s else None,
        lambda line: line == "on",
    )


def test_what_it_says_is_returned_and_what_it_fails_of() -> None:
    assert python("print('hello')") == "hello\n"
    with pytest.raises(DataLoss, match=r"^the file: no such film$"):  # and nobody is told where things are
        python("import sys; sys.exit('one line\\nfile:/data/uploads/x.webm: no such film')")


def test_it_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-18: of a program that a film has got the better of, too."""
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", "mysql://user:canary@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    assert "canary" not in python("import os; print(dict(os.environ))")


@pytest.mark.parametrize(
    ("code", "limits", "words"),
    [
        ("import time; time.sleep(60)", Limits(0.3, 9, 1 << 30, 1, 1), "took longer than 0.3 s"),
        (
            "import time\nwhile True: time.sleep(.05); print('same')",
            Limits(9, 0.3, 1 << 30, 1, 1),
            "no further for 0.3 s",
        ),
        ("b = bytearray(2 << 30)", LIMITS, "memory"),
        ("open('big', 'wb').write(bytes(2 << 20))", LIMITS, "max_output_gb"),
    ],
    ids=["time", "stall", "memory", "file"],
)
def test_what_takes_too_much_is_ended_with_a_sentence(
    code: str, limits: Limits, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-18: a film on which ffmpeg hangs, and one that would fill the machine."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataLoss, match=words):
        python(code, limits)


def test_one_that_gets_on_may_take_longer_than_one_that_does_not() -> None:
    python("import time\nfor _ in range(8): time.sleep(.1); print('on', flush=True)", Limits(9, 0.5, 1 << 30, 1, 1))


def test_one_that_writes_in_silence_gets_on(tmp_path: Path) -> None:
    """The index of a film of gigabytes is moved to its front without a word."""
    code = "import time\nfor n in range(12): time.sleep(.1); open('film', 'a').write('x')"
    limits = Limits(9, 0.4, 1 << 30, 1 << 20, 1)
    run([sys.executable, "-I", "-S", "-c", code], limits, SystemClock(), lambda: None, folder=tmp_path)


def test_one_that_is_not_wanted_any_more_goes_with_all_that_it_started(tmp_path: Path) -> None:
    """S4-18: cancelled, the whole group is gone."""
    told = tmp_path / "pid"
    code = "import subprocess; child = subprocess.Popen(['sleep', '60'])\n"
    code += f"open({str(told)!r}, 'w').write(str(child.pid)); child.wait()"
    with pytest.raises(Cancelled, match="called off"):
        python(code, ending=Cancelled("it was called off"), after_s=1.0)
    child = int(told.read_text())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            break
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        raise AssertionError("what the child had started is there still")


def test_one_that_somebody_killed_may_be_tried_again() -> None:
    with pytest.raises(ChildDied, match=f"signal {int(signal.SIGKILL)}"):
        python("import os; os.kill(os.getpid(), 9)")


def test_what_a_machine_lets_wait_is_not_given_up_and_what_reckons_too_long_is() -> None:
    """S4-18: a look at a file is limited by the processor's time first."""
    limits = Limits(20, 20, 1 << 30, 1 << 20, 1, processor_seconds=0.4)
    assert python("import time; time.sleep(1.5); print('seen')", limits) == "seen\n"
    with pytest.raises(DataLoss, match="more time of the processor"):
        python("while True: pass", limits)
    looks = Limits.of_probe(TranscoderSettings(probe_seconds=3))
    assert (looks.seconds, looks.stall_seconds, looks.processor_seconds) == (30, 30, 3)


def test_where_nobody_may_be_made_nicer_films_are_made_all_the_same() -> None:
    """S4-18: in a container that forbids it, and without /proc."""
    confined = Path(children.__file__).with_name("confined.py")
    limits = {"seconds": 9, "memory": 1 << 30, "file": 1 << 20}
    code = f"""
import builtins, json, os, sys
def refuse(*_words):
    raise PermissionError(1, "not allowed")
os.nice = builtins.open = refuse
limits = {limits!r} | {{"parent": os.getppid()}}
sys.argv = ["confined.py", json.dumps(limits), "/bin/echo", "made"]
exec({confined.read_text()!r}, {{"__name__": "__main__"}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("made\n", "")
