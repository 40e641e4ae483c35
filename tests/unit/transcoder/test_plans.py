"""What is made of which film, decided without one."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse_common.db import Job
from gatehouse_common.errors import InvalidInput
from gatehouse_common.media.file_kinds import extension_of
from gatehouse_common.media.inspection import Film
from gatehouse_common.media.stills import choose
from gatehouse_transcoder.dispatch import in_turn
from gatehouse_transcoder.films import FilmPlan, plan_film
from gatehouse_transcoder.playing import Plan, Remux, plan_playing
from gatehouse_transcoder.sounds import plan_sound

MP4, WEBM = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"


def film(form: str, video: str, audio: str, *, seekable: bool = True, pixels: str = "yuv420p") -> Film:
    return Film(form, 9.0, seekable, video, audio, 640 if video else 0, 360 if video else 0, 30.0, pixels, 2, 2)


@pytest.mark.parametrize(
    ("one", "plan"),
    [
        (film(MP4, "h264", "aac"), Plan()),
        (film(MP4, "h264", "aac", seekable=False), Plan(Remux("mp4", "video/mp4"))),
        (film(MP4, "h264", "opus"), Plan()),
        (film(MP4, "vp9", "opus", seekable=False), Plan(Remux("mp4", "video/mp4"))),
        (film(MP4, "av1", "aac"), Plan()),
        (film(WEBM, "vp8", "opus", seekable=False), Plan(Remux("webm", "video/webm"))),
        (film(WEBM, "vp9", "opus"), Plan()),
        (film(WEBM, "vp9", "aac"), Plan(Remux("webm", "video/webm", "libopus"))),
        (film(WEBM, "h264", "opus", seekable=False), Plan(Remux("mp4", "video/mp4"))),
        (film(WEBM, "h264", "pcm_s16le"), Plan(Remux("mp4", "video/mp4", "aac"))),
        (film("mpegts", "h264", "aac"), Plan(Remux("mp4", "video/mp4"))),
        (film("avi", "mpeg4", "mp3"), Plan(encode=True)),
        (film(MP4, "hevc", "aac"), Plan(encode=True)),
        (film(MP4, "h264", "aac", pixels="yuv444p"), Plan(encode=True)),
        (film("mp3", "", "mp3"), Plan()),
        (film("wav", "", "pcm_s24le"), Plan(encode=True)),
        (film(WEBM, "", "opus", seekable=False), Plan(Remux("webm", "audio/webm"))),
        (film("aac", "", "aac"), Plan(Remux("mp4", "audio/mp4"))),
    ],
    ids=lambda value: (
        f"{value.format[:4]}-{value.video}-{value.audio}-{value.seekable}-{value.pixels}"
        if isinstance(value, Film)
        else ""
    ),
)
def test_what_browsers_need(one: Film, plan: Plan) -> None:
    """S4-14, C-7: another container where that is enough, another codec where it must be."""
    assert plan_playing(one) == plan


@pytest.mark.parametrize(
    ("asked", "codec", "variant", "extension", "options"),
    [
        ({"codec": "copy"}, "aac", "copy", "aac", {"c:a": "copy", "f": "adts"}),
        ({"codec": "copy"}, "opus", "copy", "aac", {"c:a": "aac", "b:a": "128k", "f": "adts"}),
        (
            {"codec": "aac"},
            "opus",
            "aac-48k",
            "m4a",
            {"c:a": "aac", "b:a": "48k", "f": "mp4", "movflags": "+faststart"},
        ),
        ({"codec": "mp3"}, "opus", "mp3-q2", "mp3", {"c:a": "libmp3lame", "q:a": 2, "f": "mp3"}),
        ({"codec": "mp3", "quality": 9}, "aac", "mp3-q9", "mp3", {"c:a": "libmp3lame", "q:a": 9, "f": "mp3"}),
        ({"codec": "mp3", "bitrate": "64k"}, "aac", "mp3-64k", "mp3", {"c:a": "libmp3lame", "b:a": "64k", "f": "mp3"}),
        ({"codec": "flac"}, "opus", "flac", "flac", {"c:a": "flac", "f": "flac"}),
    ],
)
def test_forms_of_sound(
    asked: dict[str, Any], codec: str, variant: str, extension: str, options: dict[str, Any]
) -> None:
    """S4-20: what does not fit is encoded."""
    plan = plan_sound(asked, codec)
    assert (plan.variant, plan.extension, plan.options) == (variant, extension, options)


@pytest.mark.parametrize(
    "asked",
    [
        {"codec": "ogg"},
        {"codec": "mp3", "quality": 10},
        {"codec": "mp3", "quality": True},
        {"codec": "mp3", "bitrate": "9000k"},
        {"codec": "aac", "bitrate": "48k -f null"},
        {"codec": "aac", "bitrate": 48},
    ],
)
def test_forms_of_sound_that_there_are_not(asked: dict[str, Any]) -> None:
    """S4-20: nothing of a request becomes an argument that is not one of these."""
    with pytest.raises(InvalidInput):
        plan_sound(asked, "aac")


@pytest.mark.parametrize(
    ("asked", "plan", "variant"),
    [
        ({"format": "mp4"}, FilmPlan("mp4"), "mp4"),
        ({"format": "mp4", "height": 720}, FilmPlan("mp4", 720), "mp4-720p"),
        ({"format": "webm", "start_seconds": 1.5, "seconds": 4}, FilmPlan("webm", 0, (1.5, 4)), "webm-1.5-4"),
        ({"format": "mp4", "start_seconds": 5}, FilmPlan("mp4", 0, (5, 1e6)), "mp4-5-1000000"),
        (
            {"format": "mp4", "start_seconds": 100000.25, "seconds": 0.0625},
            FilmPlan("mp4", 0, (100000.25, 0.062)),
            "mp4-100000.25-0.062",
        ),
        ({"format": "hls"}, FilmPlan("hls"), "hls"),
        ({"format": "gif"}, FilmPlan("gif", 270, (0.0, 10.0)), "gif"),
        ({"format": "gif", "height": 90, "seconds": 2}, FilmPlan("gif", 90, (0.0, 2)), "gif-90p-0-2"),
    ],
)
def test_forms_of_films(asked: dict[str, Any], plan: FilmPlan, variant: str) -> None:
    """S0-19."""
    assert plan_film(asked) == plan
    assert plan.variant == variant


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"format": "exe"},
        {"format": "mp4", "height": "720"},
        {"format": "gif", "seconds": 3600},
        {"format": "mp4", "seconds": 0},
        {"format": "mp4", "start_seconds": -1},
        {"format": "mp4", "height": 1e9},
    ],
)
def test_forms_of_films_that_there_are_not(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        plan_film(asked)


def test_the_picture_that_stands_for_a_film_shows_something_and_comes_early() -> None:
    """S4-10."""
    assert choose([0.0, 1.0, 50.0, 55.0, 60.0]) == 2
    assert choose([0.0, 0.0]) == 0


def test_nobody_waits_for_all_that_another_has_uploaded_at_once() -> None:
    """S4-19: each user has a turn."""

    def job(name: str, user: int) -> Job:
        return Job(name, "media-process", "queued", {}, 0, 0, "", None, 0, "", None, None, None, 0, user, None)

    waiting = [job("a1", 1), job("a2", 1), job("a3", 1), job("b1", 2)]
    assert [one.id for one in in_turn(waiting, [])] == ["a1", "b1", "a2", "a3"]
    assert [one.id for one in in_turn(waiting, [job("a0", 1)])] == ["b1", "a1", "a2", "a3"]


def test_names_of_objects_have_no_extension_that_a_client_chose() -> None:
    assert extension_of("video/webm;codecs=vp8") == "webm"
    assert [extension_of(one) for one in ("video/x-ms-asf", "Video/OGG", "image/gif")] == ["wmv", "ogv", "gif"]
    assert extension_of("text/x-sh") == "bin"
