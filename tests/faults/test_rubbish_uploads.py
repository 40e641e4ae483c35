"""R7: uploads with any damage, whole and in blobs: each is refused or kept to the byte, and costs no other anything."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from fault_rig import FULL, Finding, mutated, tell
from mjpeg_camera import picture
from running import Answer, Running, wait_for

FILES = 1000 if FULL else 40
BLOBS = 2000 if FULL else 150
WANTED = "0 answers 5xx, 0 crashes, 0 hangs, 0 stored bytes lost"
RUBBISH: tuple[Any, ...] = (
    None,
    -1,
    0,
    10**30,
    2**31,
    "",
    "\0",
    "../../etc/passwd",
    "-1",
    "1e9",
    [],
    {},
    True,
    "=" * 999,
)
ENDED = {"ready", "failed"}


def made(folder: Path, name: str, *options: str) -> bytes:
    """A film of a second, with sound."""
    source = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1", "-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *options, str(folder / name)], check=True)
    return (folder / name).read_bytes()


def whole(gatehouse: Running, name: str, data: bytes) -> Answer:
    """Upload a file at once, as a form does."""
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    return gatehouse.ask("POST", "/api/v1/media", body, Content_Type=f"multipart/form-data; boundary={mark}")


def state_of(gatehouse: Running, number: int) -> str:
    state: str = gatehouse.json(f"/api/v1/media/{number}")["state"]
    return state


@pytest.mark.slow
@pytest.mark.timeout(300 + 4 * FILES)
def test_files_with_any_damage_are_kept_or_refused(tmp_path: Path) -> None:
    """R7: what is taken is there to the byte, whatever the machine thinks of it; nothing waits for ever."""
    chance = random.Random(7)
    films = {
        "a.webm": made(tmp_path, "a.webm", "-c:v", "libvpx", "-c:a", "libopus"),
        "b.mp4": made(tmp_path, "b.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"),
        "c.mkv": made(tmp_path, "c.mkv", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"),
        "d.jpg": picture(1),
    }
    taken: dict[int, bytes] = {}
    refused = 0
    with Running(tmp_path / "data", log=tmp_path / "log", GATEHOUSE_TRANSCODER__WORKERS="2") as gatehouse:
        gatehouse.ready()
        for _ in range(FILES):
            name, film = chance.choice(list(films.items()))
            data = mutated(film, chance)
            answer = whole(gatehouse, name, data)
            assert answer.status < 500, (answer.status, answer.body[:300])
            if answer.status == 201:
                taken[json.loads(answer.body)["number"]] = data
            else:
                refused += 1
        good = json.loads(whole(gatehouse, "good.webm", films["a.webm"]).body)["number"]
        wait_for("the good one", lambda: state_of(gatehouse, good) in ENDED, 60 + 3 * FILES)
        assert state_of(gatehouse, good) == "ready"
        wait_for("an end of all", lambda: all(state_of(gatehouse, one) in ENDED for one in taken), 60 + FILES)
        states = [state_of(gatehouse, number) for number in taken]
        for number, data in taken.items():
            assert gatehouse.get(f"/api/v1/media/{number}/download", kind="original").body == data, number
        assert gatehouse.get("/readyz").status == 200
        assert gatehouse.stop(30) == 0
    assert taken
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said, said[said.index("Traceback") - 500 :][:3000]
    what = f"{FILES} mutated WebM, MP4, Matroska and JPEG files uploaded, then a good one"
    figure = (
        f"0 answers 5xx, 0 crashes, 0 hangs; {refused} refused, {len(taken)} kept to the byte "
        f"({states.count('failed')} of them said to be no film), the good one ready"
    )
    tell(Finding("R7", what, figure, WANTED, met=True))


@pytest.mark.slow
@pytest.mark.timeout(300 + BLOBS)
def test_blobs_with_any_damage_among_those_of_a_film(tmp_path: Path) -> None:
    """R7, S3-18: while a film is being uploaded in blobs; it arrives to the byte."""
    chance = random.Random(11)
    film = made(tmp_path, "a.webm", "-c:v", "libvpx", "-c:a", "libopus")
    step = -(-len(film) // 8)
    parts = [film[at : at + step] for at in range(0, len(film), step)]

    def blob(number: int, name: str) -> dict[str, Any]:
        data = base64.b64encode(parts[number]).decode()
        last = str(number == len(parts) - 1)
        return {"blobId": str(number + 1), "username": "ann", "filename": name, "blobObject": data, "is_last": last}

    with Running(tmp_path / "data", log=tmp_path / "log") as gatehouse:
        gatehouse.ready()
        answers = []
        for number in range(BLOBS):
            if number % (BLOBS // len(parts)) == 0 and number // (BLOBS // len(parts)) < len(parts):
                sent = blob(number // (BLOBS // len(parts)), "good")
                answer = gatehouse.ask(
                    "POST", "/upload_blob/", json.dumps(sent).encode(), Content_Type="application/json"
                )
                assert answer.status < 300, answer.body
            bad = blob(chance.randrange(len(parts)), f"bad{number % 5}")
            for field in chance.sample(list(bad), chance.randint(1, 2)):
                bad[field] = chance.choice(RUBBISH)
            body = json.dumps(bad).encode()
            if chance.random() < 0.3:
                body = mutated(body, chance)
            answers.append(gatehouse.ask("POST", "/upload_blob/", body, Content_Type="application/json").status)
        assert max(answers) < 500, answers
        found = wait_for(
            "the film",
            lambda: [one for one in gatehouse.json("/api/v1/media")["items"] if one["name"].startswith("good")],
        )
        number = found[0]["number"]
        wait_for("its end", lambda: state_of(gatehouse, number) in ENDED, 60)
        assert gatehouse.get(f"/api/v1/media/{number}/download", kind="original").body == film
        assert gatehouse.stop(30) == 0
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said, said[said.index("Traceback") - 500 :][:3000]
    what = f"{BLOBS} mutated blobs, while a film of {len(parts)} is uploaded between them"
    figure = f"0 answers 5xx, 0 crashes, 0 hangs; {sum(status >= 400 for status in answers)} refused; the film is whole"
    tell(Finding("R7", what, figure, WANTED, met=True))
