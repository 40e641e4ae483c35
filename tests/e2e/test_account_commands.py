"""Accounts from the command line, as somebody at a terminal has them: passwords are asked for and not shown."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import time
from pathlib import Path

from running import COMMAND, command, environment

GOOD, OTHER = "seven purple lamps hum", "nine yellow drums sing"
CTRL_C = "\x03"
ONE_LINE = re.compile(r"gatehouse: [^\n]+\n")


def at_a_terminal(args: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run the command at a terminal of its own, and answer what it asks.

    Returns:
        Its exit code, and all that was to be seen.
    """
    around = environment()  # before the fork: other threads of this process may hold locks, which the child never gets
    child, terminal = pty.fork()
    if child == 0:
        os.execve(COMMAND, [COMMAND, *args], around)
    seen, deadline, waiting = "", time.monotonic() + 120, list(answers)
    asked_from, pressed = 0, time.monotonic()
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            # A signal that comes between the prompt and the reading interrupts nothing: people press the key again.
            if not waiting and answers[-1][1] == CTRL_C and time.monotonic() - pressed > 2:
                os.write(terminal, CTRL_C.encode())
                pressed = time.monotonic()
            continue
        try:
            seen += os.read(terminal, 4096).decode()
        except OSError:  # the other end is closed
            break
        if waiting and waiting[0][0] in seen[asked_from:]:
            asked_from = len(seen)
            os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
            pressed = time.monotonic()
    else:
        os.kill(child, signal.SIGKILL)  # and what was to be seen until then tells why
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen


def test_a_password_is_asked_for_twice_and_never_shown(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    add = ["user", "add", "ann", "--role", "admin", *data]
    code, seen = at_a_terminal(
        add, [("New password of ann", GOOD), ("Once more", OTHER), ("New password of ann", GOOD), ("Once more", GOOD)]
    )
    assert code == 0, seen
    assert "User ann is added as admin." in seen
    assert GOOD not in seen
    assert OTHER not in seen
    code, seen = at_a_terminal(
        ["user", "reset-password", "ann", *data], [("New password", "qwertyuiop[]"), ("Once more", "qwertyuiop[]")]
    )
    assert (code, "choose another password" in seen) == (2, True)
    assert "qwertyuiop" not in seen
    code, seen = at_a_terminal(["user", "reset-password", "ann", *data], [("New password", CTRL_C)])
    assert (code, "stopped" in seen) == (130, True)
    logged = command("audit", "list", "--json", *data, GATEHOUSE_LOG__LEVEL="debug")
    assert [one["action"] for one in json.loads(logged.stdout)] == ["user.added"]
    assert logged.stderr == ""


def test_mistakes_are_one_line_and_exit_2(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    file = tmp_path / "password"
    file.write_text(GOOD)
    assert command("user", "add", "ann", "--role", "admin", "--password-file", str(file), *data).returncode == 0
    for wrong in (
        ["user", "add", "ann", "--role", "viewer", "--password-file", str(file)],
        ["user", "add", "ben", "--role", "king", "--password-file", str(file)],
        ["user", "add", "ben", "--role", "viewer", "--password", GOOD],
        ["user", "set", "ann", "--disable"],
        ["user", "remove", "ann"],
        ["token", "create", "--user", "ann", "--name", "x", "--scope", "fly"],
        ["audit", "list", "--limit", "0"],
    ):
        told = command(*wrong, *data)
        assert (told.returncode, told.stdout) == (2, ""), wrong
        assert ONE_LINE.fullmatch(told.stderr)
        assert GOOD not in told.stderr
    made = command("token", "create", "--user", "ann", "--name", "x", "--scope", "live:view", *data)
    assert re.fullmatch(r"gatehouse_pat_[a-z2-7]{12}_[a-z2-7]{52}\n", made.stdout)
    assert made.stdout.strip() not in command("token", "list", *data).stdout
    assert command("audit", "verify", *data).returncode == 0
