"""What the guides tell people to type does what they say: it is typed, in order, against a running Gatehouse."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from running import Running, decode, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DOCS = Path(__file__).resolve().parents[2] / "docs"
STRICT = "set -euo pipefail\n"
# Less to paint and to read than `--demo` has, which a machine that is busy does not keep up with. Cars come
# so seldom that the clip of one ends before the next.
DEMO = "demo=synthetic:?size=1280x720&fps=10&plate=GATE123,BRA2E19&pause=22"


def blocks(page: str, language: str) -> str:
    """Return all that a page has people type."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return "\n".join(found)


def typed(script: str, work: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Type it in a folder, as somebody does who has set Gatehouse up there."""
    if not (work / ".venv").exists():
        (work / ".venv").symlink_to(Path(sys.executable).parents[1])
    here = {**environment(**more), "HOME": str(work)}
    return subprocess.run(
        ["bash", "-c", STRICT + script], cwd=work, capture_output=True, text=True, timeout=800, env=here, check=False
    )


def test_every_job_of_the_api_guide_is_done(tmp_path: Path) -> None:
    with Running(
        tmp_path / "data",
        "--camera",
        DEMO,
        log=tmp_path / "log",
        GATEHOUSE_AUTH__MODE="local",
        GATEHOUSE_DETECTION__FRAMES="activity",
    ) as gatehouse:
        gatehouse.ready(60)
        done = typed(blocks("api-guide.md", "bash").replace("http://localhost:5000", gatehouse.url), tmp_path)
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert gatehouse.stop(timeout=30) == 0
    for name in ("visit.mp4", "shared.mp4", "clip.mp4", "session.mp4", "visit.mkv"):
        assert decode(tmp_path / name) > 0, name
    for name in ("now.jpg", "plate.jpg", "picture.jpg"):
        assert (tmp_path / name).read_bytes()[:2] == b"\xff\xd8", name
    assert (tmp_path / "visit.zip").read_bytes()[:2] == b"PK"
    assert "unchanged since it was signed" in done.stdout
    assert '"detail": "\'to\' (' in done.stdout


def test_the_quick_start_gives_back_the_last_seconds_as_a_file(tmp_path: Path) -> None:
    found = re.search(r"```sh\ncd gatehouse\n(NOW=.*?)```", (DOCS / "quick-start.md").read_text(), re.DOTALL)
    assert found
    with Running(tmp_path / "data", "--camera", DEMO, log=tmp_path / "log") as gatehouse:
        gatehouse.ready(60).recording("demo")
        said = gatehouse.said()
        time.sleep(20)
        done = typed(found[1].replace("http://localhost:5000", gatehouse.url), tmp_path)
        assert done.returncode == 0, done.stderr[-2000:]
        assert gatehouse.stop(timeout=30) == 0
    assert (
        abs(decode(tmp_path / "visit.mp4") - decode(tmp_path / "the-same.mp4")) <= 30
    )  # the second is asked for later
    assert re.search(r"^the-same.mp4: \d+ frames from ", done.stderr, re.MULTILINE)
    assert re.search(r"^demo: .* recorded of ", done.stdout, re.MULTILINE)
    assert "Gatehouse records 1 camera into" in said
    assert "There are no users (auth.mode is open), so it listens on 127.0.0.1 only. Ctrl-C stops it." in said


def test_a_file_comes_in_by_each_door_of_the_page_on_uploads(tmp_path: Path) -> None:
    film = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:d=3", "-f", "lavfi", "-i", "sine=d=3"]
    subprocess.run([*film, str(tmp_path / "film.webm")], check=True, timeout=120)
    with Running(tmp_path / "data", log=tmp_path / "log", GATEHOUSE_AUTH__MODE="local") as gatehouse:
        gatehouse.ready(60)
        token = typed(
            ".venv/bin/gatehouse user add ann --role admin --password-stdin <<< 'winter copper lantern 9' >&2\n"
            ".venv/bin/gatehouse token create --user ann --name t --scope uploads:write --scope records:own",
            tmp_path,
        )
        assert token.returncode == 0, token.stderr
        script = blocks("uploads.md", "sh").replace("http://localhost:5000", gatehouse.url)
        script = script.replace("gatehouse_pat_...", token.stdout.strip()).replace("/tmp/blob", str(tmp_path / "blob"))
        done = typed(script, tmp_path)
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        listed = typed(f"curl -sS -H 'X-API-Key: {token.stdout.strip()}' {gatehouse.url}/api/v1/media", tmp_path)
        whole = [medium["name"] for medium in json.loads(listed.stdout)["items"] if medium["kind"] == "upload"]
    assert sorted(whole)[-4:] == ["film.webm", "film.webm", "projectdemo", "upload"]
    assert (tmp_path / "back.webm").read_bytes() == (tmp_path / "film.webm").read_bytes()
