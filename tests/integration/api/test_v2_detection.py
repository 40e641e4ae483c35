"""The older plate recorder's ``/v2/detection``, ``/v2/results`` and ``/v2/stream``, key by key as documented."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg

from gatehouse_api.context import Context, context
from gatehouse_api.service import build
from gatehouse_common.bus import Subscription
from gatehouse_common.clock import SECOND
from gatehouse_common.runtime import Core
from gatehouse_detector.reading.port import Reading
from gatehouse_detector.requests import Requests
from pipeline_kit import START_US
from plates_kit import PlateSite, indexing, settle, tell, visit
from running import wait_for
from server_kit import serving

DETECTION = {
    "detection_id": str,
    "plate_text": str,
    "confidence": float,
    "timestamp": float,
    "box": list,
    "state": str,
    "status": str,
    "image_path": str,
    "video_path": str,
}


def look(jpeg: bytes, region: str) -> list[Reading]:
    """An engine that reads the size of a picture off it, and nothing in one that is black."""
    pixels = simplejpeg.decode_jpeg(jpeg, "GRAY")
    height, width = pixels.shape[:2]
    if pixels.mean() < 8:
        return []
    quad = ((10.4, 20.0), (110.0, 20.0), (110.0, 49.6), (10.4, 49.6))
    sizes = Reading(f"W{width}H{height}", 0.93, (0.9,) * 4, quad, region or "eu")
    return [sizes, Reading("SECOND2", 0.4, (0.4,) * 7, quad)]


@pytest.fixture
def detector(plate_site: PlateSite) -> Iterator[Subscription]:
    """What answers questions; as one of many detectors it would have some slots, here all."""
    subscription = Requests(plate_site.core, look).subscribe()
    yield subscription
    subscription.close()


def get(site: PlateSite, path: str) -> Any:
    answer = site.client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.headers["Deprecation"]
    assert 'rel="successor-version"' in answer.headers["Link"]
    return answer.get_json()


def context_of(site: PlateSite) -> Context:
    with site.client.application.app_context():
        return context()


def upload(site: PlateSite, data: bytes, name: str = "car.jpg", field: str = "file") -> Any:
    return site.client.post("/v2/detection/detect-from-image", data={field: (io.BytesIO(data), name)})


def jpeg(width: int = 320, height: int = 200, value: int = 100) -> bytes:
    return simplejpeg.encode_jpeg(np.full((height, width, 3), value, np.uint8), 90, "RGB", "420")


def png(width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="image2pipe") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 99, np.uint8), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def test_the_latest_detections(plate_site: PlateSite) -> None:
    """S2-20, S2-21: each key, the box in whole pixels, paths of picture and video."""
    site = plate_site
    body = get(site, "/v2/detection/latest")
    assert set(body) == {"detections"}
    assert [one["detection_id"] for one in body["detections"]] == [
        site.again.event,
        site.yard.event,
        site.other.event,
        site.first.event,
    ]
    first = body["detections"][-1]
    assert {name: type(value) for name, value in first.items()} == DETECTION
    assert (first["plate_text"], first["confidence"], first["state"], first["status"]) == (
        "BAB1234",
        0.9,
        "EU",
        "active",
    )
    assert first["timestamp"] == pytest.approx(site.first.start_us / SECOND + 0.2)
    assert all(type(edge) is int for edge in first["box"])
    assert first["box"][:2] == [200, 180]
    assert site.core.store.stat(first["image_path"]).size > 1000
    assert first["video_path"] == site.clips[0].key
    yard = body["detections"][1]
    assert (yard["state"], yard["image_path"], yard["video_path"]) == ("", None, None)


def test_results_are_paginated_and_filtered(plate_site: PlateSite) -> None:
    """S2-20: defaults limit 10, skip 0, min_confidence 0; total is that of all pages."""
    site = plate_site
    body = get(site, "/v2/results/detections")
    assert {k: body[k] for k in ("total", "limit", "skip")} == {"total": 4, "limit": 10, "skip": 0}
    assert body["detections"] == get(site, "/v2/detection/latest")["detections"]
    page = get(site, "/v2/results/detections?limit=1&skip=1")
    assert (page["total"], page["limit"], page["skip"]) == (4, 1, 1)
    assert page["detections"] == body["detections"][1:2]
    sure = get(site, "/v2/results/detections?min_confidence=0.95")
    assert [one["plate_text"] for one in sure["detections"]] == ["BAB1234", "MXY987"]
    assert sure["total"] == 2


def test_enhanced_results(plate_site: PlateSite) -> None:
    """S2-20: what became of detections by vote, or by a person."""
    site = plate_site
    body = get(site, "/v2/results/enhanced-results?limit=4")
    assert {k: body[k] for k in ("total", "limit", "skip")} == {"total": 4, "limit": 4, "skip": 0}
    first = body["enhanced_results"][-1]
    assert first == {
        "enhanced_id": site.first.event,
        "original_detection_id": site.first.event,
        "plate_text": "BAB1234",
        "confidence": 0.9,
        "timestamp": pytest.approx(site.first.start_us / SECOND + 0.4),
        "match_type": "consensus",
        "confidence_category": "HIGH",
    }
    single = body["enhanced_results"][2]
    assert (single["plate_text"], single["match_type"]) == ("MXY987", "single_best")


@pytest.mark.usefixtures("detector")
def test_a_picture_is_looked_at_by_a_detector(plate_site: PlateSite) -> None:
    """S2-20: form field ``file``; the surest plate, and all of them beside it."""
    answer = upload(plate_site, jpeg(321, 200))
    body = answer.get_json()
    assert answer.status_code == 200, body
    assert set(body) == {"detection_id", "plate_text", "confidence", "timestamp", "box", "state", "detections"}
    assert (body["plate_text"], body["confidence"], body["box"]) == ("W321H200", 0.93, [10, 20, 110, 50])
    assert [one["plate_text"] for one in body["detections"]] == ["W321H200", "SECOND2"]
    assert len(body["detection_id"]) == 36
    assert upload(plate_site, png(), "car.png").get_json()["plate_text"] == "W64H48"
    assert get(plate_site, "/v2/results/detections")["total"] == 4, "nothing of it is kept"


@pytest.mark.usefixtures("detector")
def test_no_plate_in_a_picture_is_404(plate_site: PlateSite) -> None:
    answer = upload(plate_site, jpeg(value=0))
    assert answer.status_code == 404
    assert answer.get_json() == {"detail": "No license plate detected in image"}


@pytest.mark.usefixtures("detector")
def test_the_present_frame_is_looked_at(plate_site: PlateSite) -> None:
    """S2-20: that of the default camera, at its own size; its own time."""
    answer = plate_site.client.post("/v2/detection/detect-from-camera")
    body = answer.get_json()
    assert answer.status_code == 200, body
    assert body["plate_text"] == "W160H96"
    assert body["timestamp"] == pytest.approx(START_US / SECOND + 60, abs=0.04)
    other = plate_site.client.post("/v2/detection/detect-from-camera?camera=yard")
    assert other.status_code == 404
    assert other.get_json() == {"detail": "nothing is recorded yet"}
    assert plate_site.client.post("/v2/detection/detect-from-camera?camera=none").status_code == 404


def test_without_a_detector_it_says_so(plate_site: PlateSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_of(plate_site).detectors, "_patience_s", 0.5)
    answer = upload(plate_site, jpeg())
    assert answer.status_code == 503
    assert answer.get_json() == {"detail": "no detector answered within 0.5 s: is one running?"}
    assert answer.headers["Retry-After"]


def test_a_detector_that_cannot_look_says_why(plate_site: PlateSite) -> None:
    subscription = Requests(plate_site.core, None).subscribe()
    try:
        answer = upload(plate_site, jpeg())
    finally:
        subscription.close()
    assert answer.status_code == 503
    assert "detection.reader is 'none'" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "Empty file uploaded"),
        (b"GIF89a", "no JPEG or PNG"),
        (b"\xff\xd8\xff", "no JPEG or PNG"),
        (b"\xff\xd8" + b"\0" * 5000, "no JPEG or PNG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "PNG is damaged"),
        (png()[:80], "PNG is damaged"),
        (jpeg(8, 8), "shows nothing"),
        (b"<script>alert(1)</script>", "no JPEG or PNG"),
    ],
)
def test_what_is_no_picture_is_400(plate_site: PlateSite, data: bytes, says: str) -> None:
    answer = upload(plate_site, data)
    assert answer.status_code == 400
    assert says in answer.get_json()["detail"]


def test_what_is_too_large_is_413(plate_site: PlateSite) -> None:
    wide = jpeg(8200, 16)
    assert upload(plate_site, wide).status_code == 413
    kind = "multipart/form-data; boundary=b"
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n--b--\r\n' % (
        b"x" * (18 << 20)
    )
    told = plate_site.client.post("/v2/detection/detect-from-image", data=form, content_type=kind)
    assert (told.status_code, set(told.get_json())) == (413, {"detail"})
    header = bytearray(png())
    header[16:24] = (200_000).to_bytes(4, "big") * 2
    assert upload(plate_site, bytes(header)).status_code == 413


def test_a_form_without_the_file_is_422_as_clients_know_it(plate_site: PlateSite) -> None:
    for answer in (
        upload(plate_site, jpeg(), field="image"),
        plate_site.client.post("/v2/detection/detect-from-image"),
        plate_site.client.post("/v2/detection/detect-from-image", json={"file": "x"}),
        plate_site.client.post("/v2/detection/detect-from-image", data={"file": "text"}),
    ):
        assert answer.status_code == 422
        assert answer.get_json()["detail"][0]["loc"] == ["body", "file"]


@pytest.mark.usefixtures("detector")
def test_snapshots(plate_site: PlateSite) -> None:
    """S2-20: the plain one, and the one with its plates, how many there are, and when it was."""
    plain = plate_site.client.get("/v2/stream/snapshot")
    drawn = plate_site.client.get("/v2/stream/annotated-snapshot")
    for answer in (plain, drawn):
        assert answer.status_code == 200
        assert answer.content_type == "image/jpeg"
        assert float(answer.headers["X-Timestamp"]) == pytest.approx(START_US / SECOND + 60, abs=0.04)
    assert drawn.headers["X-Detections-Count"] == "2"
    before, after = (simplejpeg.decode_jpeg(a.data, "RGB").astype(int) for a in (plain, drawn))
    assert before.shape == after.shape == (96, 160, 3)
    changed = np.abs(before - after).max(axis=2) > 60
    assert changed[22:48, 8:10].mean() > 0.5, "the left edge of the box"
    assert changed[25:45, 20:100].mean() < 0.1, "nothing is drawn on the plate itself"


def test_the_video_feed_shows_what_was_read_lately(plate_site: PlateSite) -> None:
    """S2-20: MJPEG, with boxes around the plates that are before the camera."""
    core: Core = plate_site.core
    service = build(core)
    with serving(service), indexing(core):
        url = f"http://127.0.0.1:{service.port}/v2/stream/video-feed"
        plain = simplejpeg.decode_jpeg(_first_part(url), "RGB").astype(int)

        def drawn() -> bool:
            """A car is here now; what is drawn is what was read in the last two seconds, however long telling took."""
            here = visit("gate", "HERE123", core.clock.now_us() + SECOND, (0.9,))
            tell(core, here, close=False, left=40, size=(160, 96), pictures=False)
            settle(core)
            now = simplejpeg.decode_jpeg(_first_part(url), "RGB").astype(int)
            return now.shape == plain.shape and int((np.abs(now - plain).max(axis=2) > 60).sum()) > 100

        wait_for("the box", drawn, 60)


def _first_part(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as stream:
        assert stream.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        while not (line := stream.readline()).lower().startswith(b"content-length"):
            assert line
        size = int(line.split(b":")[1])
        stream.readline()
        data: bytes = stream.read(size)
        return data


@pytest.mark.parametrize(
    "path",
    [
        "results/detections?limit=x",
        "results/detections?skip=-1",
        "results/detections?min_confidence=2",
        "results/detections?min_confidence=nan",
        "results/enhanced-results?limit=0",
        "stream/snapshot?camera=" + "a" * 70,
    ],
)
def test_wrong_values_are_422(plate_site: PlateSite, path: str) -> None:
    answer = plate_site.client.get(f"/v2/{path}")
    assert answer.status_code == 422
    assert answer.get_json()["detail"][0]["loc"][0] == "query"
