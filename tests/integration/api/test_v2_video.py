"""The older plate recorder's ``/v2/video`` routes, key by key as they were documented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.db import ClipRepository
from gatehouse_common.ids import new_id
from gatehouse_common.testing.film import frame_numbers
from plates_kit import PlateSite

SEGMENT = {
    "id": str,
    "file_path": str,
    "start_time": float,
    "end_time": float,
    "duration_seconds": float,
    "file_size_bytes": int,
    "resolution": str,
    "archived": bool,
    "detection_ids": list,
}


def get(site: PlateSite, path: str, status: int = 200) -> Any:
    answer = site.client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert status >= 400 or answer.headers["Deprecation"]
    return answer.get_json()


def test_segments_are_paginated(plate_site: PlateSite) -> None:
    """S2-14: count is that of the page; the newest come first."""
    site = plate_site
    body = get(site, "/v2/video/segments")
    assert set(body) == {"count", "segments"}
    assert body["count"] == len(body["segments"]) == 2
    for segment in body["segments"]:
        assert {name: type(value) for name, value in segment.items()} == SEGMENT
    newest, oldest = body["segments"]
    assert oldest["detection_ids"] == [site.first.event, site.other.event]
    assert oldest["start_time"] == pytest.approx(site.first.start_us / SECOND - 5, abs=1 / 30)
    assert oldest["resolution"] == "160x96"
    assert oldest["archived"] is False
    day = datetime.fromtimestamp(oldest["start_time"], UTC) + timedelta(hours=2)
    assert oldest["file_path"].startswith(f"videos/{day:%Y-%m-%d}/{site.first.event}_")
    assert oldest["file_path"].endswith(".mp4")
    assert get(site, "/v2/video/segments?limit=1")["segments"] == [newest]
    assert get(site, "/v2/video/segments?limit=1&offset=1")["segments"] == [oldest]
    assert get(site, "/v2/video/segments?offset=5") == {"count": 0, "segments": []}


def test_a_segment_and_its_file(plate_site: PlateSite) -> None:
    """S2-15, S2-16."""
    site = plate_site
    clip = site.clips[0]
    segment = get(site, f"/v2/video/segments/{clip.id}")
    assert segment["id"] == clip.id
    assert segment in get(site, "/v2/video/segments")["segments"]
    file = site.client.get(f"/v2/video/segments/{clip.id}/download")
    assert file.status_code == 200
    assert file.content_type == "video/mp4"
    assert len(file.data) == segment["file_size_bytes"]
    assert next(n for n, _ in frame_numbers(file.data)) == 150
    part = site.client.get(f"/v2/video/segments/{clip.id}/download", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, file.data[:10])


UNKNOWN = "01a222fc-6fbf-775c-88ea-0ddb12de7a16"


@pytest.mark.parametrize("name", [UNKNOWN, "test-123", "..", "%00", "x" * 1000, "' OR 1=1 --", "<script>"])
def test_an_unknown_segment_is_404_with_a_detail(plate_site: PlateSite, name: str) -> None:
    for path in (f"/v2/video/segments/{name}", f"/v2/video/segments/{name}/download"):
        answer = plate_site.client.get(path)
        assert answer.status_code == 404
        assert set(answer.get_json()) == {"detail"}


def test_all_videos_of_a_detection(plate_site: PlateSite) -> None:
    """S2-17: upstream returns only one, and none for an unknown detection is no error."""
    site = plate_site
    body = get(site, f"/v2/video/by-detection/{site.other.event}")
    assert set(body) == {"count", "videos"}
    assert [one["id"] for one in body["videos"]] == [site.clips[0].id]
    assert body["count"] == 1
    for unknown in (new_id(), "test-123", "' OR 1=1 --"):
        assert get(site, f"/v2/video/by-detection/{unknown}") == {"count": 0, "videos": []}


def test_statistics(plate_site: PlateSite) -> None:
    """S2-19."""
    site = plate_site
    body = get(site, "/v2/video/stats")
    size = sum(clip.bytes for clip in site.clips)
    seconds = sum(clip.end_us - clip.start_us for clip in site.clips) / SECOND
    assert body == {
        "total_count": 2,
        "total_size_mb": round(size / 1024**2, 2),
        "total_duration_minutes": round(seconds / 60, 2),
        "average_duration_seconds": round(seconds / 2, 2),
        "average_size_mb": round(size / 2 / 1024**2, 2),
        "videos_by_date": {"2024-05-17": 2},
    }


def test_cleaning_up_archives_and_keeps_the_rows(plate_site: PlateSite) -> None:
    """S2-18, S2-30, C-14: archived first; the file is 410 once it is gone, the row stays for ever."""
    site = plate_site
    nothing = site.client.post("/v2/video/cleanup?retention_days=36500")
    assert nothing.get_json() == {"status": "success", "message": "Archived 0 old videos", "archived_count": 0}
    done = site.client.post("/v2/video/cleanup").get_json()
    assert done == {"status": "success", "message": "Archived 2 old videos", "archived_count": 2}
    assert site.client.post("/v2/video/cleanup?retention_days=30").get_json()["archived_count"] == 0
    segments = get(site, "/v2/video/segments")["segments"]
    assert [one["archived"] for one in segments] == [True, True]
    clip = site.clips[0]
    assert site.client.get(f"/v2/video/segments/{clip.id}/download").status_code == 200, "its file is still there"
    site.core.store.delete(clip.key)
    gone = site.client.get(f"/v2/video/segments/{clip.id}/download")
    assert gone.status_code == 410
    assert set(gone.get_json()) == {"detail"}
    assert get(site, f"/v2/video/segments/{clip.id}")["archived"] is True
    assert get(site, "/v2/video/stats")["total_count"] == 2
    assert site.client.get("/v2/video/cleanup").status_code == 405, "GET never mutates (C-17)"


def test_what_is_planned_is_no_segment(plate_site: PlateSite) -> None:
    site = plate_site
    clips = ClipRepository(site.core.db)
    event = new_id()
    (planned,) = clips.plan("yard", event, site.first.start_us, SECOND, SECOND, 300 * SECOND, site.first.start_us)
    assert planned not in {one["id"] for one in get(site, "/v2/video/segments")["segments"]}
    assert get(site, f"/v2/video/by-detection/{event}") == {"count": 0, "videos": []}
    assert set(get(site, f"/v2/video/segments/{planned}", 404)) == {"detail"}


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("segments?limit=x", "limit", "int_parsing"),
        ("segments?limit=0", "limit", "greater_than_equal"),
        ("segments?limit=99999999999999999999", "limit", "less_than_equal"),
        ("segments?offset=-1", "offset", "greater_than_equal"),
        ("segments?offset=1.5", "offset", "int_parsing"),
    ],
)
def test_wrong_values_are_422_as_clients_know_it(plate_site: PlateSite, path: str, name: str, kind: str) -> None:
    answer = plate_site.client.get(f"/v2/video/{path}")
    assert answer.status_code == 422
    (detail,) = answer.get_json()["detail"]
    assert detail["loc"] == ["query", name]
    assert detail["type"] == kind
    assert detail["msg"]


@pytest.mark.parametrize("days", ["x", "-1", "1e9", "9" * 40, "", "30;drop table clips"])
def test_wrong_days_are_422(plate_site: PlateSite, days: str) -> None:
    answer = plate_site.client.post("/v2/video/cleanup", query_string={"retention_days": days})
    assert answer.status_code == 422
    assert answer.get_json()["detail"][0]["loc"] == ["query", "retention_days"]


def test_routes_that_there_are_none_of_say_so(plate_site: PlateSite) -> None:
    answer = plate_site.client.get("/v2/video/nothing")
    assert answer.status_code == 404
    assert set(answer.get_json()) == {"detail"}
