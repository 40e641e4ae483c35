"""``/api/v1/clips`` and ``/api/v1/storage/plan``: lists, files by range, and what becomes of files that are gone."""

from __future__ import annotations

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.db import ClipRepository
from gatehouse_common.ids import new_id
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.timefmt import rfc3339
from pipeline_kit import START_US
from plates_kit import PlateSite

FPS = 30


def test_clips_are_listed_newest_first_with_their_events(plate_site: PlateSite) -> None:
    """S2-4: two cars within one window are one clip, and it names both."""
    site = plate_site
    body = site.client.get("/api/v1/clips").get_json()
    assert [one["id"] for one in body["items"]] == [clip.id for clip in reversed(site.clips)]
    assert [set(one["events"]) for one in body["items"]] == [
        {site.again.event},
        {site.first.event, site.other.event},
    ]
    first = body["items"][-1]
    assert first["from"] == rfc3339(site.first.start_us - 5 * SECOND)
    assert first["duration_seconds"] == pytest.approx(22, abs=0.04)
    page = site.client.get("/api/v1/clips?limit=1").get_json()
    rest = site.client.get(f"/api/v1/clips?limit=1&cursor={page['next_cursor']}").get_json()
    assert [page["items"][0]["id"], rest["items"][0]["id"]] == [one["id"] for one in body["items"]]
    assert rest["next_cursor"] is None
    of_event = site.client.get(f"/api/v1/clips?event={site.other.event}").get_json()["items"]
    assert [one["id"] for one in of_event] == [first["id"]]
    assert site.client.get("/api/v1/clips?cameras=yard").get_json()["items"] == []
    assert site.client.get(f"/api/v1/clips/{first['id']}").get_json() == first


def test_a_clip_comes_whole_and_in_ranges(plate_site: PlateSite) -> None:
    """S2-2, S2-3, S2-16: the first frame is the one 5 s before the first read; ranges, HEAD, tag and name."""
    site = plate_site
    url = f"/api/v1/clips/{site.clips[0].id}/media"
    whole = site.client.get(url)
    assert whole.status_code == 200
    assert whole.content_type == "video/mp4"
    assert [n for n, _ in frame_numbers(whole.data)][:2] == [5 * FPS, 5 * FPS + 1]
    assert whole.headers["Content-Disposition"].startswith('attachment; filename="')
    assert "immutable" in whole.headers["Cache-Control"]
    part = site.client.get(url, headers={"Range": "bytes=100-299"})
    assert part.status_code == 206
    assert part.data == whole.data[100:300]
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(whole.data)}"
    head = site.client.head(url)
    assert (head.status_code, head.content_length, head.data) == (200, len(whole.data), b"")
    assert site.client.get(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert site.client.get(url, headers={"Range": "bytes=999999999-"}).status_code == 416


def test_a_planned_clip_plays_before_it_is_made(plate_site: PlateSite) -> None:
    site = plate_site
    clips = ClipRepository(site.core.db)
    event = new_id()
    (clip,) = clips.plan("gate", event, START_US + 2 * SECOND, SECOND, 2 * SECOND, 300 * SECOND, START_US)
    try:
        answer = site.client.get(f"/api/v1/clips/{clip}/media")
        assert answer.status_code == 200
        assert [n for n, _ in frame_numbers(answer.data)] == list(range(FPS, 4 * FPS))
        assert "immutable" not in answer.headers["Cache-Control"]
        planned = site.client.get("/api/v1/clips?state=planned").get_json()["items"]
        assert [one["id"] for one in planned] == [clip]
    finally:
        clips.failed(clip, "the disk was full", START_US)
    refused = site.client.get(f"/api/v1/clips/{clip}/media")
    assert refused.status_code == 404
    assert "the disk was full" in refused.get_json()["detail"]


def test_a_clip_whose_file_was_deleted_is_gone(plate_site: PlateSite) -> None:
    """C-14, S2-16: the row stays, and the file is 410, never 404 or 500."""
    site = plate_site
    clip = site.clips[0]
    data = site.core.store.read(clip.key)
    site.core.store.delete(clip.key)
    try:
        for method in ("GET", "HEAD"):
            answer = site.client.open(f"/api/v1/clips/{clip.id}/media", method=method)
            assert answer.status_code == 410
        assert site.client.get(f"/api/v1/clips/{clip.id}").status_code == 200
    finally:
        site.core.store.put_bytes(clip.key, data)
    assert site.client.get(f"/api/v1/clips/{clip.id}/media").data == data


def test_the_planner_reproduces_the_figure(plate_site: PlateSite) -> None:
    """S2-25: 100 events a day of 20 s at 3 Mbit/s are 750 MB a day, some 22 GB in 30 days."""
    body = plate_site.client.get("/api/v1/storage/plan").get_json()
    assert body["bytes_per_day"] == 750_000_000
    assert body["bytes_total"] == 22_500_000_000
    assert body["sentence"].endswith("take 750 MB a day, 22.5 GB in 30 days.")
    other = plate_site.client.get(
        "/api/v1/storage/plan?events_per_day=10&seconds=8&mbit_per_second=4&days=2"
    ).get_json()
    assert (other["bytes_per_event"], other["bytes_total"]) == (4_000_000, 80_000_000)
    for wrong in ("seconds=0", "days=-1", "events_per_day=nan", "mbit_per_second=x", "seconds=inf"):
        assert plate_site.client.get(f"/api/v1/storage/plan?{wrong}").status_code == 422
