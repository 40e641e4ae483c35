"""The page of statistics, with what is known of footage and plates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import media_rows
from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.db import FootageWriter, Gap
from gatehouse_common.runtime import Core
from gatehouse_common.testing.chunk_rows import seed_chunks
from pipeline_kit import add_camera, core_at
from plates_kit import indexing, settle, tell, visit


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", timezone="UTC") as opened:
        yield opened


def rows(html: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without their tags."""
    part = html.split(f">{heading}<", 1)[1].split("</section>", maxsplit=1)[0]
    found = re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in found]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells]


def test_without_a_camera_each_part_says_so(client: FlaskClient) -> None:
    """S0-17."""
    html = client.get("/stats").get_data(as_text=True)
    nothing = ("There is no camera", "Nothing is missing", "Nothing is stored", "No plate was read", "Nobody recorded")
    for sentence in nothing:
        assert sentence in html


def test_what_is_recorded_missing_and_stored(core: Core, client: FlaskClient) -> None:
    """S0-17: a whole day of two days ago but for its last hour, whose cause is told."""
    now = core.clock.now_us()
    day = (now // (24 * HOUR) - 2) * 24 * HOUR
    add_camera(core, "gate", created_us=day)
    seed_chunks(core.db, ["gate"], 23 * 6, start_us=day)
    FootageWriter(core.db).put_gaps(None, [Gap("gate", day + 23 * HOUR, day + 24 * HOUR, "camera_offline", "no route")])
    html = client.get("/stats?days=7").get_data(as_text=True)
    (heat,) = [row for row in rows(html, "How much of each day is recorded") if row[0] == "gate"]
    assert heat[-3] == "95.8"
    assert heat[2:-3] == ["–"] * 4, "before it was added nothing is missed"
    gaps = rows(html, "Longest gaps")[1:]
    assert ["gate", "camera offline"] in [[row[0], row[4]] for row in gaps]
    lengths = {row[3] for row in gaps if row[4] == "camera offline"}
    assert "1 h 0 min" in lengths
    stored = rows(html, "Stored by day")
    assert len(stored) == 2
    assert "<dt>Recorded</dt><dd>23 h 0 min</dd>" in html


def test_plates_by_hour_and_the_most_frequent(core: Core, client: FlaskClient) -> None:
    """S0-17: hours are the site's; a plate that came twice is first."""
    add_camera(core)
    hour = core.clock.now_us() // HOUR * HOUR - 3 * HOUR
    came = [("AB123", hour + MINUTE), ("CD456", hour + 5 * MINUTE), ("AB123", hour + HOUR + MINUTE)]
    with indexing(core):
        for text, at in came:
            tell(core, visit("cam", text, at))
        settle(core)
    html = client.get("/stats?days=7").get_data(as_text=True)
    counted = {row[0]: row[2] for row in rows(html, "Plates by hour of the day") if len(row) == 3}
    first = hour // HOUR % 24
    assert counted[f"{first:02}:00"] == "2"
    assert counted[f"{(first + 1) % 24:02}:00"] == "1"
    most = re.findall(r"<li><a[^>]*>(\w+)</a> (\d+)×", html)
    assert most == [("AB123", "2"), ("CD456", "1")]


def test_what_each_user_brought(core: Core, client: FlaskClient) -> None:
    """S0-17: of today; what was uploaded before these days is not counted."""
    now = core.clock.now_us()
    media_rows.put_many(
        core.db,
        [
            {"number": 1, "owner": 7, "owner_name": "ada", "created_us": now, "bytes": 3_000_000},
            {"number": 2, "owner": 7, "owner_name": "ada", "created_us": now, "bytes": 1_000_000},
            {"number": 3, "owner": 8, "owner_name": "<b>bob", "created_us": now, "bytes": 1_000_000},
            {"number": 4, "owner": 8, "owner_name": "<b>bob", "created_us": now - 48 * HOUR, "bytes": 1_000_000},
        ],
    )
    html = client.get("/stats?days=1").get_data(as_text=True)
    assert rows(html, "By user")[1:] == [
        ["ada", "0", "–", "–", "2", "4 MB"],
        ["&lt;b&gt;bob", "0", "–", "–", "1", "1 MB"],
    ]


@pytest.mark.parametrize("days", ["0", "8", "-1", "x", "30'; DROP TABLE chunks", "1" * 400])
def test_another_range_is_the_usual_one(client: FlaskClient, days: str) -> None:
    """S0-39."""
    answer = client.get("/stats", query_string={"days": days})
    assert answer.status_code == 200
    assert 'href="?days=7" aria-current="true"' in answer.get_data(as_text=True)
