"""What the plate recorder's own description does with its server, against a Gatehouse that has read a plate."""

from __future__ import annotations

import io
import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import av
import numpy as np
import pytest
import simplejpeg

from backends import BACKENDS, backend, gatehouse_with
from burned_in import luma_number
from running import Answer, Running, us, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PLATE, FPS = "BRA2E19", 10
PRE_S, POST_S = 2.0, 5.0
SEGMENT = {
    "id",
    "file_path",
    "start_time",
    "end_time",
    "duration_seconds",
    "file_size_bytes",
    "resolution",
    "archived",
    "detection_ids",
}
UNKNOWN = "01a222fc-6fbf-775c-88ea-0ddb12de7a16"


@pytest.fixture(scope="module", params=BACKENDS)
def gatehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One car has passed the gate, which was read and has its video; others pass in the yard, which is not watched."""
    settings = {
        "GATEHOUSE_TIMEZONE": "UTC",
        "GATEHOUSE_DETECTION__FRAMES": "activity",
        "GATEHOUSE_DETECTION__FPS": "2",
        "GATEHOUSE_DETECTION__REGION": "br",
        "GATEHOUSE_DETECTION__VISIT_SECONDS": "10",
        "GATEHOUSE_CLIPS__PRE_SECONDS": str(PRE_S),
        "GATEHOUSE_CLIPS__POST_SECONDS": str(POST_S),
        "GATEHOUSE_API__DEFAULT_CAMERA": "gate",
    }
    size, one = "size=960x540&fps=10", f"plate={PLATE}"
    yard = {"id": "yard", "url": f"synthetic:?{size}&{one}", "settings": {"plates": {"enabled": False}}}
    gate = {"id": "gate", "url": f"synthetic:?{size}&{one}&pause=3000"}
    with (
        backend(request.param, lambda: tmp_path_factory.mktemp("server")) as where,
        gatehouse_with(None, tmp_path_factory.mktemp("s2"), **where, **settings) as running,
    ):
        # The car passes as soon as the camera is there, and only once: by then the reader has to read.
        nothing = simplejpeg.encode_jpeg(np.zeros((96, 160, 3), np.uint8))
        wait_for("a reader", lambda: upload(running, "nothing.jpg", nothing).status == 404, 90)
        for camera in (gate, yard):
            made = running.ask("POST", "/api/v1/cameras", json.dumps(camera).encode(), Content_Type="application/json")
            assert made.status == 201, made.body
        wait_for("the end of the visit", lambda: state_of_visit(running) == "closed", 90)
        wait_for("the video of the car", lambda: running.json("/v2/video/segments")["count"] == 1, 60)
        yield running


def state_of_visit(gatehouse: Running) -> str:
    found = gatehouse.json("/v2/detection/latest")["detections"]
    return str(gatehouse.json(f"/api/v1/plates/{found[0]['detection_id']}")["state"]) if found else "none yet"


def the_detection(gatehouse: Running) -> dict[str, Any]:
    (found,) = gatehouse.json("/v2/detection/latest")["detections"]
    return dict(found)


def the_segment(gatehouse: Running) -> dict[str, Any]:
    (found,) = gatehouse.json("/v2/video/segments", limit=20, offset=0)["segments"]
    return dict(found)


def upload(gatehouse: Running, name: str, data: bytes) -> Answer:
    """Post a form with one file, as `curl -F file=@name` does."""
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + b"\r\n--edge--\r\n"
    return gatehouse.ask(
        "POST", "/v2/detection/detect-from-image", body, Content_Type="multipart/form-data; boundary=edge"
    )


def test_a_plate_makes_a_video_and_each_knows_the_other(gatehouse: Running) -> None:
    """S2-2, S2-14, S2-15, S2-17, S2-20, S2-21, S2-23: latest detection, list of videos, one video, by detection."""
    detection, segment = the_detection(gatehouse), the_segment(gatehouse)
    assert set(detection) == {
        "detection_id",
        "plate_text",
        "confidence",
        "timestamp",
        "box",
        "state",
        "status",
        "image_path",
        "video_path",
    }
    assert (detection["plate_text"], detection["state"], detection["status"]) == (PLATE, "BR", "active")
    assert 0.5 < detection["confidence"] <= 1
    left, upper, right, lower = detection["box"]
    assert 0 <= left < right <= 960
    assert 0 <= upper < lower <= 540
    assert set(segment) == SEGMENT
    assert str(UUID(segment["id"])) == segment["id"]
    assert segment["detection_ids"] == [detection["detection_id"]]
    assert (segment["resolution"], segment["archived"]) == ("960x540", False)
    assert detection["video_path"] == segment["file_path"]
    assert segment["start_time"] < detection["timestamp"] < segment["end_time"]
    assert gatehouse.json(f"/v2/video/segments/{segment['id']}") == segment
    by_detection = gatehouse.json(f"/v2/video/by-detection/{detection['detection_id']}")
    assert by_detection == {"count": 1, "videos": [segment]}
    assert gatehouse.json("/v2/video/segments", offset=1) == {"count": 0, "segments": []}


def test_a_video_is_a_file_from_before_the_first_read_until_after_the_last(gatehouse: Running) -> None:
    """S2-1, S2-3, S2-4, S2-11, S2-16: downloaded, in part too, and on the disk where `file_path` says."""
    segment, detection = the_segment(gatehouse), the_detection(gatehouse)
    path = f"/v2/video/segments/{segment['id']}/download"
    answer = gatehouse.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "video/mp4")
    assert len(answer.body) == segment["file_size_bytes"]
    part = gatehouse.ask("GET", path, Range="bytes=10-99")
    assert (part.status, part.body) == (206, answer.body[10:100])
    day, name = segment["file_path"].removeprefix("videos/").split("/")
    assert day == datetime.fromtimestamp(segment["start_time"], UTC).date().isoformat()
    event, _, epoch = name.removesuffix(".mp4").partition("_")
    assert event == detection["detection_id"]
    assert int(epoch) == pytest.approx(segment["start_time"], abs=PRE_S + 1), "where it was planned to begin"
    assert (gatehouse.data / segment["file_path"]).read_bytes() == answer.body
    with av.open(io.BytesIO(answer.body)) as container:
        numbers = [luma_number(frame) for frame in container.decode(video=0)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no frame twice, none missing"
    assert segment["duration_seconds"] == pytest.approx(len(numbers) / FPS, abs=1 / FPS)
    visit = gatehouse.json(f"/api/v1/plates/{event}")
    first, last = us(visit["from"]) / 1e6, us(visit["to"]) / 1e6
    recorded = gatehouse.ledger("gate")[0][0][0] / 1e6
    assert segment["start_time"] == pytest.approx(max(recorded, first - PRE_S), abs=1 / FPS)
    assert segment["end_time"] == pytest.approx(last + POST_S, abs=1 / FPS)


def test_results_and_statistics(gatehouse: Running) -> None:
    """S2-19, S2-20: `/v2/results/...?limit=10&skip=0&min_confidence=0`, `/v2/video/stats`."""
    detection, segment = the_detection(gatehouse), the_segment(gatehouse)
    page = {"total": 1, "limit": 10, "skip": 0}
    asked = {"limit": 10, "skip": 0, "min_confidence": 0}
    assert gatehouse.json("/v2/results/detections", **asked) == {**page, "detections": [detection]}
    assert gatehouse.json("/v2/results/detections", min_confidence=1)["total"] == 0
    enhanced = gatehouse.json("/v2/results/enhanced-results", **asked)
    (result,) = enhanced.pop("enhanced_results")
    assert enhanced == page
    assert result["original_detection_id"] == detection["detection_id"]
    assert (result["plate_text"], result["match_type"]) == (PLATE, "consensus")
    assert result["confidence_category"] == ("HIGH" if result["confidence"] >= 0.7 else "MEDIUM")
    seconds, size = segment["duration_seconds"], segment["file_size_bytes"] / 1024**2
    assert gatehouse.json("/v2/video/stats") == {
        "total_count": 1,
        "total_size_mb": round(size, 2),
        "total_duration_minutes": round(seconds / 60, 2),
        "average_duration_seconds": round(seconds, 2),
        "average_size_mb": round(size, 2),
        "videos_by_date": {segment["file_path"].split("/")[1]: 1},
    }


def test_a_picture_is_looked_at(gatehouse: Running) -> None:
    """S2-20: `detect-from-image` with the very picture that was kept; `detect-from-camera` sees no car, and one."""
    detection = the_detection(gatehouse)
    kept = (gatehouse.data / detection["image_path"]).read_bytes()
    answer = upload(gatehouse, "car.jpg", kept)
    assert answer.status == 200, answer.body
    found = json.loads(answer.body)
    assert found["plate_text"] == PLATE
    assert found["box"] == pytest.approx(detection["box"], abs=8)
    assert upload(gatehouse, "car.jpg", b"no picture").status == 400
    empty = gatehouse.ask("POST", "/v2/detection/detect-from-camera")
    assert (empty.status, json.loads(empty.body)) == (404, {"detail": "No license plate detected in current frame"})

    def seen() -> bool:
        now = gatehouse.ask("POST", "/v2/detection/detect-from-camera?camera=yard")
        return now.status == 200 and json.loads(now.body)["plate_text"] == PLATE

    wait_for("the plate in the yard", seen, 40)


def test_the_live_picture(gatehouse: Running) -> None:
    """S2-20: `/v2/stream/video-feed`, `/snapshot`, and `/annotated-snapshot` with how many plates are in it."""
    with urllib.request.urlopen(f"{gatehouse.url}/v2/stream/video-feed", timeout=20) as feed:
        assert feed.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        wait_for("a picture", lambda: feed.readline().startswith(b"--frame"))
    snapshot = gatehouse.get("/v2/stream/snapshot")
    assert snapshot.headers["Content-Type"] == "image/jpeg"
    assert simplejpeg.decode_jpeg_header(snapshot.body)[:2] == (540, 960)
    empty = gatehouse.get("/v2/stream/annotated-snapshot")
    assert empty.headers["X-Detections-Count"] == "0"
    assert float(empty.headers["X-Timestamp"]) == pytest.approx(time.time(), abs=5)

    def drawn() -> bool:
        return gatehouse.get("/v2/stream/annotated-snapshot", camera="yard").headers["X-Detections-Count"] == "1"

    wait_for("a plate that is drawn", drawn, 40)


def test_its_pages_are_there(gatehouse: Running) -> None:
    """S2-20: `/video-browser`, `/detection-test`."""
    shown = gatehouse.ask("GET", "/video-browser", Accept="text/html").body.decode()
    assert PLATE in shown
    assert gatehouse.ask("GET", "/detection-test", Accept="text/html").status == 200


def test_what_is_not_there_is_said_with_a_detail(gatehouse: Running) -> None:
    """S2-15, S2-16, S2-17: and a wrong value is 422, as its clients know it."""
    for path in (f"/v2/video/segments/{UNKNOWN}", f"/v2/video/segments/{UNKNOWN}/download"):
        answer = gatehouse.get(path)
        assert answer.status == 404
        assert list(json.loads(answer.body)) == ["detail"]
    assert gatehouse.json(f"/v2/video/by-detection/{UNKNOWN}") == {"count": 0, "videos": []}
    wrong = gatehouse.get("/v2/video/segments", limit="many")
    assert wrong.status == 422
    assert json.loads(wrong.body)["detail"][0]["loc"] == ["query", "limit"]


def test_old_videos_are_archived_and_remembered(gatehouse: Running) -> None:
    """S2-18, S2-30, C-14: last, for what is archived stays so; the janitor deletes the file later."""
    segment, detection = the_segment(gatehouse), the_detection(gatehouse)
    kept = gatehouse.ask("POST", "/v2/video/cleanup?retention_days=30")
    assert json.loads(kept.body) == {"status": "success", "message": "Archived 0 old videos", "archived_count": 0}
    done = gatehouse.ask("POST", "/v2/video/cleanup?retention_days=0")
    assert json.loads(done.body) == {"status": "success", "message": "Archived 1 old videos", "archived_count": 1}
    assert the_segment(gatehouse) == {**segment, "archived": True}
    assert gatehouse.json(f"/v2/video/by-detection/{detection['detection_id']}")["count"] == 1
    assert gatehouse.get("/v2/video/cleanup").status == 405, "GET changes nothing (C-17)"
