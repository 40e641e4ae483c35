"""A photograph that is sent in, read by a real detector: the whole way, over the bus and back."""

from __future__ import annotations

import csv
import os
import threading
from pathlib import Path

import pytest

from gatehouse_api.app import close_app, create_app
from gatehouse_detector.service import build as build_detector
from pipeline_kit import core_at

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PHOTOGRAPHS = 3


def photographs() -> list[tuple[Path, str]]:
    folder = Path(os.environ.get("GATEHOUSE_TEST_DATA", "")) / "plates"
    if not (folder / "index.csv").is_file():
        pytest.skip("no photographs: name their folder with GATEHOUSE_TEST_DATA")
    with (folder / "index.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["region"] == "br"]
    return [(folder / row["file"], row["plate"]) for row in rows[:PHOTOGRAPHS]]


def test_photographs_are_read(tmp_path: Path) -> None:
    """S2-20: `detect-from-image` gives what the plate says, and where it is."""
    wanted = photographs()
    with core_at(tmp_path / "data") as core:
        detector, stop = build_detector(core), threading.Event()
        thread = threading.Thread(target=detector.run, args=(stop,))
        thread.start()
        app = create_app(core)
        try:
            found = [ask(app.test_client(), path) for path, _ in wanted]
        finally:
            stop.set()
            thread.join(30)
            close_app(app)
    assert sum(text == plate for text, (_, plate) in zip(found, wanted, strict=True)) >= PHOTOGRAPHS - 1, (
        found,
        wanted,
    )


def ask(client, path: Path) -> str:  # type: ignore[no-untyped-def]
    for _ in range(10):  # a detector that has just begun has its networks to load first
        # By hand: the test client would leave a temporary file open.
        form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="car.jpg"\r\n\r\n%b\r\n--b--\r\n'
        answer = client.post(
            "/v2/detection/detect-from-image",
            data=form % path.read_bytes(),
            content_type="multipart/form-data; boundary=b",
        )
        if answer.status_code != 503:
            break
    body = answer.get_json()
    assert answer.status_code == 200, body
    left, upper, right, lower = body["box"]
    assert left < right
    assert upper < lower
    return str(body["plate_text"])
