"""Footage over HTTP, on real recordings: exact, resumable, cacheable, and clear about what is not there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from gatehouse_common.media.hls import TARGET_US
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import FilmSpec, frame_numbers
from gatehouse_common.testing.recording import record_film
from gatehouse_common.timefmt import rfc3339
from media_kit import FILMS, START_US, film, truth
from pipeline_kit import add_camera, core_at, record, work_off

SECOND = 1_000_000
GAP_US = 20 * SECOND


@dataclass
class Site:
    core: Core
    client: FlaskClient

    def get(self, start_us: int, end_us: int, more: str = "", **headers: str):
        url = f"/api/v1/footage?camera=cam&from={rfc3339(start_us)}&to={rfc3339(end_us)}{more}"
        return self.client.get(url, headers=headers)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A camera with ten seconds of footage in chunks of four, a gap of ten, and ten seconds more."""
    data = tmp_path_factory.mktemp("api")
    with core_at(data) as core:
        add_camera(core)
        add_camera(core, "empty")
        for offset in (0, GAP_US):
            heard = record_film(
                film(FILMS["b-frames"]), data, start_us=START_US + offset, chunk_us=4 * SECOND, camera="cam"
            )
            del heard
        work_off(core)
        app = create_app(core)
        yield Site(core, app.test_client())


def numbers(data: bytes) -> list[int]:
    return [n for n, _ in frame_numbers(data)]


def test_a_range_is_exact_and_says_what_it_is(site: Site) -> None:
    """S1-10, S1-13."""
    answer = site.get(START_US + 2_500_000, START_US + 7_100_000)
    assert answer.status_code == 200
    assert answer.content_type == "video/mp4"
    frames = [n for n, at in truth(FILMS["b-frames"]) if 2_500_000 <= at * SECOND < 7_100_000]
    assert numbers(answer.data) == frames
    assert answer.headers["X-Footage-Start"] == rfc3339(START_US + 2_500_000)
    assert answer.headers["X-Footage-Gaps"] == "[]"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert "immutable" in answer.headers["Cache-Control"]
    assert 'filename="cam_20240517T102302.500000Z.mp4"' in answer.headers["Content-Disposition"]


def test_the_same_url_gives_the_same_bytes_and_tag(site: Site) -> None:
    one, two = (site.get(START_US + 1_234_567, START_US + 9 * SECOND) for _ in range(2))
    assert one.data == two.data
    assert one.headers["ETag"] == two.headers["ETag"]
    again = site.get(START_US + 1_234_567, START_US + 9 * SECOND, **{"If-None-Match": one.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


def test_any_range_of_bytes_is_that_of_the_whole(site: Site) -> None:
    """What `curl -C -` and players ask for."""
    span = START_US + SECOND, START_US + 6 * SECOND
    whole = site.get(*span)
    size, tag = len(whole.data), whole.headers["ETag"]
    for text, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=100-", 100, size),
        (f"bytes={size - 5}-{size + 100}", size - 5, size),
        ("bytes=-7", size - 7, size),
        ("bytes=4000-90000", 4000, 90001),
    ):
        part = site.get(*span, Range=text)
        assert part.status_code == 206
        assert part.data == whole.data[start:end]
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    assert site.get(*span, Range=f"bytes={size}-").status_code == 416
    assert site.get(*span, Range="bytes=5-2").status_code == 200
    assert site.get(*span, Range="lines=1-2").status_code == 200
    assert site.get(*span, **{"Range": "bytes=1-2", "If-Range": tag}).status_code == 206
    assert site.get(*span, **{"Range": "bytes=1-2", "If-Range": '"other"'}).status_code == 200
    head = site.client.head(whole.request.url)
    assert head.headers["Content-Length"] == str(size)
    assert head.data == b""


def test_a_range_over_a_gap_is_one_file_that_tells_of_it(site: Site) -> None:
    answer = site.get(START_US + 8 * SECOND, START_US + GAP_US + 2 * SECOND)
    ((start, end),) = json.loads(answer.headers["X-Footage-Gaps"])
    assert start == rfc3339(START_US + 10 * SECOND)
    assert end == rfc3339(START_US + GAP_US)
    shown = frame_numbers(answer.data)
    assert [n for n, _ in shown] == [*range(240, 300), *range(60)]
    assert shown[60][1] - shown[0][1] == pytest.approx(12.0, abs=0.001)


def test_what_cannot_be_answered_says_why(site: Site) -> None:
    """Unknown camera, bad and reversed times, never recorded, the future, too long: problem documents."""
    client, now = site.client, int(time.time())
    base = "/api/v1/footage?camera=cam"
    for url, status, text in (
        ("/api/v1/footage?camera=nope&from=1715941380&to=1715941390", 404, "no camera 'nope'"),
        (f"{base}&from=yesterday&to=1715941390", 400, "is not a time"),
        (f"{base}&from=1715941390&to=1715941380", 400, "must be after"),
        (f"{base}&from=1715941380&to=1715941380", 400, "must be after"),
        (f"{base}&from=1500000000&to=1500000010", 404, "footage after it begins at 2024-05-17T10:23:00"),
        (f"{base}&from={now + 600}&to={now + 700}", 404, "in the future"),
        (f"{base}&from=1715941380&to=1716941380", 413, "at most 6 h"),
        (f"{base}&from=1715941380", 422, "to"),
        (f"{base}&from=1715941380&to=1715941390&cut=sideways", 422, "cut"),
        (f"{base}&from=1715941380&to=1715941390&tz=Mars/Olympus", 400, "time zone"),
        ("/api/v1/footage?camera=../../etc/passwd&from=1715941380&to=1715941390", 404, "no camera"),
        (f"/api/v1/footage?camera={'x' * 5000}&from=1715941380&to=1715941390", 422, "camera"),
        ("/api/v1/footage?camera=empty&from=1715941380&to=1715941390", 404, "no footage"),
        ("/api/v1/nothing", 404, ""),
    ):
        answer = client.get(url)
        assert answer.status_code == status, url
        assert answer.content_type == "application/problem+json"
        body = answer.get_json()
        assert text in body["detail"], body
        assert body["status"] == status
        assert body["request_id"]
    assert client.get(base + "&from=%00&to=%ff").status_code in {400, 422}


def test_an_end_in_the_future_means_up_to_now_and_is_not_cached(site: Site) -> None:
    """S1-13: upstream cached partial clips for ever."""
    end = int(time.time() * 1e6) + 3600 * SECOND
    answer = site.client.get(f"/api/v1/footage?camera=cam&from={rfc3339(START_US + 25 * SECOND)}&to={rfc3339(end)}")
    assert answer.status_code == 413
    near = site.core.settings.values.api.max_range_seconds
    assert near == 21600


def test_the_older_recorders_route_answers_in_plain_text(site: Site) -> None:
    """S1-10, S1-12: `/footage` as its clients know it."""
    client = site.client
    good = client.get("/footage?from=20240517_102302&to=20240517_102306&camera=cam")
    assert good.status_code == 200
    assert numbers(good.data) == list(range(60, 180))
    assert "successor-version" in good.headers["Link"]
    for url, status, text in (
        ("/footage", 400, "Usage"),
        ("/footage?from=20240517_102302", 400, "Usage"),
        ("/footage?from=x&to=y", 400, "Invalid timestamp format"),
        ("/footage?from=20240517_102306&to=20240517_102302", 400, "Invalid time range"),
        ("/footage?camera=cam&from=20200517_102302&to=20200517_102306", 404, "No footage available"),
        ("/footage?camera=nope&from=20240517_102302&to=20240517_102306", 404, "No such camera"),
    ):
        answer = client.get(url)
        assert answer.status_code == status, url
        assert answer.content_type.startswith("text/plain")
        assert text in answer.get_data(as_text=True)


def test_recordings_are_listed_newest_first_and_only_those_that_exist(site: Site, tmp_path: Path) -> None:
    """S1-9, S1-16, C-2."""
    items = site.client.get("/recordings").get_json()
    assert [set(i) for i in items] == [{"file", "start_time", "end_time", "size", "duration"}] * 6
    starts = [i["start_time"] for i in items]
    assert starts == sorted(starts, reverse=True)
    assert starts[-1] == "20240517_102300"
    assert items[-1]["file"] == "cam/2024-05-17/recording_20240517_102300.mp4"
    assert sum(i["duration"] for i in items) == pytest.approx(20.0, abs=0.01)
    index = site.client.get("/recordings/recording_index.json").get_json()
    assert index["cam/2024-05-17/recording_20240517_102300.mp4"]["start_time"] == "20240517_102300"
    page = site.client.get("/recordings", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Location"]) == (302, "/library")


def test_the_timeline_tells_spans_and_gaps(site: Site) -> None:
    url = f"/api/v1/timeline?cameras=cam&from={rfc3339(START_US - SECOND)}&to={rfc3339(START_US + 40 * SECOND)}"
    body = site.client.get(url).get_json()
    (item,) = body["items"]
    assert item["recorded"] == [
        [rfc3339(START_US), rfc3339(START_US + 10 * SECOND)],
        [rfc3339(START_US + GAP_US), rfc3339(START_US + GAP_US + 10 * SECOND)],
    ]
    assert item["gaps"][-1]["open"] is True
    days = site.client.get("/api/v1/days?camera=cam&month=2024-05").get_json()
    recorded = {d["date"]: d["recorded_seconds"] for d in days["items"] if d["recorded_seconds"]}
    assert recorded == {"2024-05-17": pytest.approx(20.0, abs=0.001)}
    assert len(days["items"]) == 31


def test_hls_plays_the_stored_bytes(site: Site, tmp_path: Path) -> None:
    """A playlist over the gap: byte ranges into chunk files, wall times, one discontinuity; ffmpeg plays all of it."""
    url = f"/api/v1/hls/cam/vod.m3u8?from={rfc3339(START_US)}&to={rfc3339(START_US + 40 * SECOND)}"
    text = site.client.get(url).get_data(as_text=True)
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert f"#EXT-X-PROGRAM-DATE-TIME:{rfc3339(START_US)}" in text
    assert text.rstrip().endswith("#EXT-X-ENDLIST")
    lines = text.splitlines()
    lengths = [float(line.split(":")[1].rstrip(",")) for line in lines if line.startswith("#EXTINF")]
    assert sum(lengths) == pytest.approx(20.0, abs=0.01)
    assert max(lengths) <= TARGET_US / SECOND + 2.1
    shown: list[int] = []
    init = b""
    for k, line in enumerate(lines):
        if line.startswith("#EXT-X-MAP"):
            uri, span = line.split('"')[1], line.split('"')[3]
            init = fetch(site, uri, span)
        if line.startswith("#EXT-X-BYTERANGE"):
            piece = init + fetch(site, lines[k + 1], line.split(":")[1])
            shown += numbers(piece)
    assert shown == [*range(300), *range(300)]


def fetch(site: Site, uri: str, span: str) -> bytes:
    length, _, offset = span.partition("@")
    answer = site.client.get(uri, headers={"Range": f"bytes={offset}-{int(offset) + int(length) - 1}"})
    assert answer.status_code == 206
    return answer.data


def test_pictures_show_the_frame_that_was_asked_for(site: Site, tmp_path: Path) -> None:
    import av

    from gatehouse_common.testing import barcode
    from gatehouse_common.testing.film import luma

    def number(answer) -> int:
        assert answer.status_code == 200
        assert answer.content_type == "image/jpeg"
        path = tmp_path / "x.jpg"
        path.write_bytes(answer.data)
        with av.open(str(path)) as picture:
            return barcode.read(luma(next(picture.decode(video=0))))

    at = rfc3339(START_US + 5_500_000)
    exact = site.client.get(f"/api/v1/cameras/cam/thumbnail.jpg?at={at}&exact=true&width=640")
    assert number(exact) == 165
    assert number(site.client.get(f"/api/v1/cameras/cam/thumbnail.jpg?at={at}&width=640")) == 120
    assert number(site.client.get("/api/v1/cameras/cam/snapshot.jpg?width=640")) == 299
    nothing = site.client.get(f"/api/v1/cameras/cam/thumbnail.jpg?at={rfc3339(START_US + 15 * SECOND)}")
    assert nothing.status_code == 404
    assert site.client.get("/api/v1/cameras/empty/snapshot.jpg").status_code == 404


def test_the_open_chunk_is_served_up_to_its_last_whole_part(tmp_path: Path) -> None:
    """S1-11: the chunk being written, and across it and the stored one before."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        open_run = record(tmp_path / "data", tmp_path, frames=200, leave_open=True)
        from gatehouse_common.db import FootageWriter
        from gatehouse_common.messages import ChunkOpened

        key = open_run.keys[0]
        chunk = ChunkOpened(
            camera="cam",
            time_us=START_US,
            run=open_run.run,
            chunk=key.rsplit("/", 1)[1].removesuffix(".mp4").rjust(36, "0"),
            key=key,
            start_us=START_US,
            origin_us=START_US,
        )
        FootageWriter(core.db).open_chunk(chunk)
        app = create_app(core)
        client = app.test_client()
        answer = client.get(
            f"/api/v1/footage?camera=cam&from={rfc3339(START_US + 4 * SECOND)}&to={rfc3339(START_US + 60 * SECOND)}"
        )
        assert answer.status_code == 200
        shown = numbers(answer.data)
        assert shown[0] == 120
        assert shown[-1] in range(180, 200)
        assert answer.headers["Cache-Control"] == "private, no-cache"
        close_app(app)


def test_strangers_are_kept_out(site: Site) -> None:
    """Loopback names only, and no writes by pages of other sites."""
    client = site.client
    assert client.get("/livez", headers={"Host": "evil.example"}).status_code == 421
    assert client.get("/livez", headers={"Host": "127.0.0.1:5000"}).status_code == 200
    body = {"id": "x1", "url": "synthetic:"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert client.post("/api/v1/cameras", json=body, headers=headers).status_code == 403
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_cameras_are_added_shown_masked_changed_and_forgotten(site: Site) -> None:
    """S0-39, S0-40."""
    client = site.client
    made = client.post("/api/v1/cameras", json={"id": "gate", "url": "rtsp://u:verysecret@10.0.0.9/1", "name": "Gate"})
    assert made.status_code == 201
    assert "verysecret" not in made.get_data(as_text=True)
    assert made.get_json()["url"] == "rtsp://u:***@10.0.0.9/1"
    assert client.post("/api/v1/cameras", json={"id": "gate", "url": "synthetic:"}).status_code == 409
    assert client.patch("/api/v1/cameras/gate", json={"enabled": False}).get_json()["state"] == "disabled"
    assert client.delete("/api/v1/cameras/gate").status_code == 204
    assert client.get("/api/v1/cameras/gate").status_code == 404
    for body, status in (
        ({"id": "../x", "url": "synthetic:"}, 400),
        ({"id": "x", "url": "gopher://x"}, 400),
        ({"id": "x", "url": "rtsp://"}, 400),
        ({"id": "x", "url": "synthetic:?size=1x1"}, 400),
        ({"id": "x", "url": "file://relative"}, 400),
        ({"id": "x"}, 422),
        ({"id": "x", "url": "synthetic:", "owner": "me"}, 422),
        ("text", 422),
    ):
        answer = client.post("/api/v1/cameras", json=body)
        assert answer.status_code == status, (body, answer.data)
    assert client.post("/api/v1/cameras", data=b"\xff{", content_type="application/json").status_code in {400, 422}
    assert client.post("/api/v1/cameras", data=b"x" * (2 << 20), content_type="application/json").status_code == 413


def test_the_api_describes_itself(site: Site) -> None:
    from openapi_spec_validator import validate

    document = site.client.get("/api/v1/openapi.json").get_json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/footage", "/api/v1/timeline", "/api/v1/cameras"} <= set(document["paths"])
    assert document["paths"]["/footage"]["get"]["deprecated"] is True
    docs = site.client.get("/api/docs", follow_redirects=True)
    assert docs.status_code == 200
    assert "https://cdn" not in docs.get_data(as_text=True)


def test_a_request_is_counted_and_the_metrics_hold_no_secret(site: Site) -> None:
    text = site.client.get("/metrics").get_data(as_text=True)
    assert 'gatehouse_http_requests_total{code="200",method="GET",route="/api/v1/footage"}' in text
    assert "verysecret" not in text


def test_a_damaged_chunk_costs_its_own_range_only(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        record_film(film(FilmSpec()), tmp_path / "data", start_us=START_US, chunk_us=4 * SECOND, camera="cam")
        work_off(core)
        victim = min((tmp_path / "data" / "recordings").rglob("*102304.mp4"))
        victim.write_bytes(b"")
        client = create_app(core).test_client()
        base = "/api/v1/footage?camera=cam"
        good = client.get(f"{base}&from={rfc3339(START_US)}&to={rfc3339(START_US + 3 * SECOND)}")
        assert numbers(good.data) == list(range(90))
        for damage in (lambda: None, victim.unlink):
            damage()
            answer = client.get(f"{base}&from={rfc3339(START_US + 5 * SECOND)}&to={rfc3339(START_US + 6 * SECOND)}")
            assert answer.status_code == 500
            assert answer.get_json()["type"].endswith("data-loss")
            assert "recording_20240517_102304.mp4" in answer.get_json()["detail"]
