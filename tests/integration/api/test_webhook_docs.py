"""What ``docs/webhooks.md`` says of verifying: each of its pieces of code takes what is ours, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

from gatehouse_api.webhooks.signing import headers, new_secret

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "webhooks.md").read_text()
BODY = b'{"type":"clip.ready","data":{"name":"Stra\xc3\x9fe"}}'


def block(language: str, holding: str) -> str:
    (found,) = [b for b in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if holding in b]
    return str(found)


def test_the_code_for_node_takes_ours_alone(tmp_path: Path) -> None:
    secret, sent = new_secret(), headers("an-id", int(time.time()), BODY, [new_secret()])
    ours = headers("an-id", int(time.time()), BODY, [new_secret(), secret])
    old = headers("an-id", int(time.time()) - 1000, BODY, [secret])
    (tmp_path / "verify.mjs").write_text(block("js", "verify"))
    (tmp_path / "try.mjs").write_text(
        'import { verify } from "./verify.mjs";\n'
        f"const [secret, body] = [{json.dumps(secret)}, Buffer.from({json.dumps(BODY.decode())})];\n"
        "const told = (headers, text) => {\n"
        "  try { return verify(secret, headers, text).type; } catch { return null; }\n"
        "};\n"
        f"console.log(JSON.stringify([told({json.dumps(ours)}, body), told({json.dumps(sent)}, body),\n"
        f"  told({json.dumps(old)}, body), told({json.dumps(ours)}, Buffer.from('{{}}'))]));\n"
    )
    node = str(compute_driver_executable()[0])
    run = subprocess.run([node, str(tmp_path / "try.mjs")], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(run.stdout) == ["clip.ready", None, None, None]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_the_code_for_a_shell_makes_the_same_signature(tmp_path: Path) -> None:
    secret = new_secret()
    ours = headers("an-id", 1779056261, BODY, [secret])
    (tmp_path / "body.json").write_bytes(BODY)
    known = {"SECRET": secret, "WEBHOOK_ID": "an-id", "WEBHOOK_TIMESTAMP": "1779056261"}
    run = subprocess.run(
        ["sh", "-ec", block("sh", "openssl")],
        cwd=tmp_path,
        env={**os.environ, **known},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"v1,{run.stdout.strip()}" == ours["webhook-signature"]
