"""``/api/v1/plates``: what is typed is found, told whole, and corrected without losing what was read."""

from __future__ import annotations

from typing import Any

import pytest
import simplejpeg

from gatehouse_common.clock import SECOND
from gatehouse_common.db import PlateReader
from gatehouse_common.timefmt import rfc3339
from pipeline_kit import START_US
from plates_kit import PlateSite


def ids(site: PlateSite, **query: object) -> list[str]:
    return [one["id"] for one in listed(site, **query)["items"]]


def listed(site: PlateSite, **query: object) -> dict[str, Any]:
    answer = site.client.get("/api/v1/plates", query_string={k.rstrip("_"): v for k, v in query.items()})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_without_a_text_all_visits_come_newest_first(plate_site: PlateSite) -> None:
    site = plate_site
    assert ids(site) == [site.again.event, site.yard.event, site.other.event, site.first.event]


def test_a_visit_is_told_whole(plate_site: PlateSite) -> None:
    """S2-21, S2-23: text with the share of each character, where and when, its pictures, its clip with both ends."""
    site = plate_site
    item = next(one for one in listed(site)["items"] if one["id"] == site.first.event)
    start = site.first.start_us
    assert (item["text"], item["camera"], item["state"], item["region"]) == ("BAB1234", "gate", "closed", "eu")
    assert item["from"] == rfc3339(start)
    assert item["duration_seconds"] == pytest.approx(0.4)
    assert (item["reads"], item["direction"], item["confidence"]) == (3, "right", 0.9)
    assert len(item["characters"]) == 7
    assert item["box"][0] == 200
    assert item["best_at"] == rfc3339(start + SECOND // 5)
    assert item["seen"]["count"] == 2
    clip = next(one for one in item["clips"] if one["state"] == "stored")
    assert clip["from"] <= rfc3339(start - 5 * SECOND) < clip["to"]
    assert site.first.event in clip["events"]


@pytest.mark.parametrize("typed", ["BAB1234", "bab 1234", "BAB-12·34", " b.a.b.1.2.3.4 ", "BÄB1234"])
def test_separators_and_case_do_not_matter(plate_site: PlateSite, typed: str) -> None:
    assert ids(plate_site, q=typed, match="exact") == [plate_site.again.event, plate_site.first.event]


def test_ways_to_match(plate_site: PlateSite) -> None:
    site = plate_site
    bab = [site.again.event, site.yard.event, site.first.event]
    assert ids(site, q="BAB1", match="prefix") == bab
    assert ids(site, q="B?B123?") == bab
    assert ids(site, q="*987") == [site.other.event]
    assert ids(site, q="*") == ids(site)
    assert ids(site, q="BAB1234", match="fuzzy") == bab
    assert ids(site, q="BA81234", match="fuzzy") == bab, "8 and B are confused, 9 is one wrong"
    assert ids(site, q="AB1234", match="fuzzy") == [site.again.event, site.first.event], "a character is missing"
    assert ids(site, q="8AB1234", match="exact") == [site.first.event], "what a read said finds the visit too"
    assert ids(site, q="zzz") == []
    assert ids(site, q="--") == ids(site, q="!", match="wildcard") == ids(site, q="*", match="exact") == []
    assert listed(site, q="--")["nothing"]["reason"] == "no_match"
    assert ids(site, q=" ") == ids(site, q="-*") == ids(site)


def test_the_best_match_shows_what_is_exact_before_what_is_like_it(plate_site: PlateSite) -> None:
    site = plate_site
    found = listed(site, q="BAB1234")["items"]
    assert [(one["id"], one["match"]) for one in found] == [
        (site.again.event, "exact"),
        (site.first.event, "exact"),
        (site.yard.event, "fuzzy"),
    ]


@pytest.mark.parametrize("query", [{}, {"q": "BAB1234"}, {"q": "BAB1", "match": "prefix"}, {"q": "BAB123"}])
def test_pages_are_what_one_page_is(plate_site: PlateSite, query: dict[str, str]) -> None:
    """Each comes once, in the order of the whole, whatever the length of a page."""
    whole = ids(plate_site, **query)
    for limit in (1, 2, 3):
        paged, cursor = [], None
        for _ in range(10):
            page = listed(plate_site, **query, limit=limit, **({"cursor": cursor} if cursor else {}))
            paged += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert paged == whole


def test_filters(plate_site: PlateSite) -> None:
    site = plate_site
    assert ids(site, cameras="yard") == [site.yard.event]
    assert ids(site, cameras="gone-by-now") == []
    assert ids(site, min_confidence=0.95) == [site.again.event, site.other.event]
    assert ids(site, from_=rfc3339(START_US + 39 * SECOND)) == [site.again.event]
    assert ids(site, to=rfc3339(START_US + 11 * SECOND)) == [site.first.event]
    assert ids(site, from_="20240517_122310", to="20240517_122311", tz="Europe/Berlin") == [site.first.event]


def test_nothing_says_why(plate_site: PlateSite) -> None:
    """S2-40: what was not sure enough is told where there is nothing else, and it is another thing than nothing."""
    site = plate_site
    around = {"from_": rfc3339(START_US + 29 * SECOND), "to": rfc3339(START_US + 31 * SECOND)}
    nothing = listed(site, **around)["nothing"]
    assert nothing["reason"] == "below_threshold"
    assert nothing["below_threshold"] == 2
    assert nothing["sentence"] == "2 reads in this range were not surer than the threshold of 0.5."
    before = {"from_": rfc3339(START_US - 59 * SECOND), "to": rfc3339(START_US - 58 * SECOND)}
    assert listed(site, **before)["nothing"]["reason"] == "no_match"
    assert listed(site)["nothing"] is None


def test_the_histogram_counts_every_read(plate_site: PlateSite) -> None:
    """S2-40, C-19: equality at the threshold does not qualify, and is counted as what was not enough."""
    span = {"from": rfc3339(START_US), "to": rfc3339(START_US + 60 * SECOND)}
    body = plate_site.client.get("/api/v1/plates/confidences", query_string={**span, "bins": 10}).get_json()
    assert sum(body["counts"]) == 3 + 2 + 2 + 3 + 2
    assert body["edges"][0] == 0
    assert body["edges"][-1] == 1
    assert body["counts"][3] == 1
    assert body["below_threshold"] == 3, "0.4 of MXY987, 0.3, and 0.5 itself"
    assert body["thresholds"] == {"gate": 0.5, "yard": 0.5}
    only = plate_site.client.get("/api/v1/plates/confidences", query_string={**span, "cameras": "yard"}).get_json()
    assert sum(only["counts"]) == 3


def test_a_detail_has_reads_votes_and_history(plate_site: PlateSite) -> None:
    site = plate_site
    body = site.client.get(f"/api/v1/plates/{site.first.event}").get_json()
    assert [(one["text"], one["confidence"], one["qualifies"]) for one in body["read_list"]] == [
        ("8AB1234", 0.6, True),
        ("BAB1234", 0.9, True),
        ("BAB1234", 0.8, True),
    ]
    assert body["votes"][0] == {"text": "BAB1234", "reads": 2, "confidence": 0.9}
    assert body["character_votes"][0] == {
        "B": pytest.approx(1.7 / 2.3, abs=1e-3),
        "8": pytest.approx(0.6 / 2.3, abs=1e-3),
    }
    assert body["character_votes"][1] == {"A": 1.0}
    assert [one["id"] for one in body["history"]] == [site.again.event]
    assert body["alternatives"] == [["BAB123X", 0.05]]


def test_the_history_of_a_plate_has_no_visit_of_another_that_was_misread_once(plate_site: PlateSite) -> None:
    site = plate_site
    url = f"/api/v1/plates/{site.other.event}"
    body = site.client.patch(url, json={"text": "8AB1234"}).get_json()
    try:
        assert site.first.event in ids(site, q="8AB1234", match="exact"), "one of its reads said so"
        assert (body["history"], body["seen"]["count"]) == ([], 1)
    finally:
        site.client.patch(url, json={"text": None})


def test_pictures_are_found_by_id_alone_and_never_change(plate_site: PlateSite) -> None:
    site = plate_site
    links = site.client.get(f"/api/v1/plates/{site.first.event}").get_json()["links"]
    for kind, width in (("frame", 640), ("crop", None)):
        answer = site.client.get(links[kind])
        assert answer.status_code == 200
        assert answer.content_type == "image/jpeg"
        assert "immutable" in answer.headers["Cache-Control"]
        if width:
            assert simplejpeg.decode_jpeg_header(answer.data)[:2] == (360, width)
        tag = answer.headers["ETag"]
        assert not tag.startswith("W/")
        assert site.client.get(links[kind], headers={"If-None-Match": tag}).status_code == 304
        plain = site.client.get(links[kind].partition("?")[0])
        assert plain.data == answer.data
        assert "immutable" not in plain.headers["Cache-Control"], "the best read of a visit may be another tomorrow"
    small = site.client.get(links["frame"] + "&width=300")
    assert simplejpeg.decode_jpeg_header(small.data)[1] == 320
    assert "frame" not in site.client.get(f"/api/v1/plates/{site.yard.event}").get_json()["links"]
    assert site.client.get(f"/api/v1/plates/{site.yard.event}/frame.jpg").status_code == 404


def test_a_picture_that_was_deleted_is_gone(plate_site: PlateSite) -> None:
    site = plate_site
    key = PlateReader(site.core.db).event(site.other.event).crop_key
    data = site.core.store.read(key)
    site.core.store.delete(key)
    answer = site.client.get(f"/api/v1/plates/{site.other.event}/crop.jpg")
    site.core.store.put_bytes(key, data)
    assert answer.status_code == 410
    assert answer.get_json()["type"].endswith("/gone")


def test_a_correction_keeps_what_was_read(plate_site: PlateSite) -> None:
    site = plate_site
    url = f"/api/v1/plates/{site.other.event}"
    before = site.client.get(url)
    stale = before.headers["ETag"]
    changed = site.client.patch(url, json={"text": "mxy-988"}, headers={"If-Match": stale})
    try:
        body = changed.get_json()
        assert changed.status_code == 200
        assert (body["text"], body["voted_text"], body["corrected_by"]) == ("MXY988", "MXY987", "local")
        assert body["corrected_at"]
        assert ids(site, q="MXY988", match="exact") == [site.other.event]
        assert ids(site, q="MXY987", match="exact") == [site.other.event], "and what was read finds it still"
        refused = site.client.patch(url, json={"text": "XXX"}, headers={"If-Match": stale})
        assert refused.status_code == 412
        assert refused.get_json()["type"].endswith("precondition-failed")
    finally:
        back = site.client.patch(url, json={"text": None}).get_json()
    assert (back["text"], back["corrected_at"]) == ("MXY987", None)


def test_what_is_no_plate_is_left_out(plate_site: PlateSite) -> None:
    site = plate_site
    url = f"/api/v1/plates/{site.other.event}"
    assert site.client.patch(url, json={"rejected": True}).get_json()["rejected"] is True
    try:
        assert site.other.event not in ids(site)
        assert site.other.event in ids(site, include_rejected="true")
    finally:
        assert site.client.patch(url, json={"rejected": False}).get_json()["rejected"] is False
    assert site.other.event in ids(site)


@pytest.mark.parametrize(
    "body", [{}, {"text": ""}, {"text": "!!"}, {"text": "A" * 17}, {"text": 1}, {"rejected": "yes"}, {"other": 1}, []]
)
def test_a_change_that_makes_no_sense_is_refused(plate_site: PlateSite, body: object) -> None:
    answer = plate_site.client.patch(f"/api/v1/plates/{plate_site.first.event}", json=body)
    assert answer.status_code in {400, 422}
    assert answer.content_type.startswith("application/problem+json")
