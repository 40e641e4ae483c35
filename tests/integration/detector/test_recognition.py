"""The visits of a detector, and what the index says of them: it hears of everything a little later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_common.messages import FrameSampled
from gatehouse_common.runtime import Core
from gatehouse_detector.answers import Answer, Found
from gatehouse_detector.intake import Picture
from gatehouse_detector.reading.port import Reading
from gatehouse_detector.recognition import Recognition
from gatehouse_detector.visit import Visit
from gatehouse_detector.watched import WatchedCameras
from pipeline_kit import core_at
from plate_engine import HEIGHT, WIDTH
from sighting_kit import RUN, START_US

QUAD = ((100.0, 100.0), (200.0, 100.0), (200.0, 125.0), (100.0, 125.0))


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path) as core:
        yield core


def take(recognition: Recognition, at_s: float, *texts: str) -> None:
    message = FrameSampled(
        camera="cam",
        time_us=START_US + round(at_s * 1e6),
        run=RUN,
        pts=round(at_s * 90_000),
        x=0,
        y=0,
        width=WIDTH,
        height=HEIGHT,
        picture_width=WIDTH,
        picture_height=HEIGHT,
    )
    found = tuple(Found(Reading(text, 0.9, (0.9,) * len(text), QUAD, ""), 0.5, b"a crop") for text in texts)
    recognition.take(Picture(b"\xff\xd8\xff\xd9", "", lambda *_: None, message), Answer("analysed", found=found))


def test_what_has_just_ended_here_is_not_gone_on_with(core: Core) -> None:
    """Until the index hears of the end it says that the visit is open; a second one of the same id would begin."""
    recognition = Recognition(core, WatchedCameras(core), lambda _: True, lambda _: None)
    try:
        take(recognition, 0, "ABC1234")
        visits = recognition._camera("cam").visits
        (visit,) = visits._visits.values()
        assert isinstance(visit, Visit)
        assert recognition.knows("cam", visit.event)
        for at_s in (1, 60, 61, 62, 63):
            take(recognition, at_s)
        assert visits.open == []
        assert recognition.knows("cam", visit.event), "it is none that was lost"
        recognition.resume("cam", visit, None)
        assert visits.open == []
        assert not recognition.knows("cam", "another")
    finally:
        recognition.close()
