"""What people and programs ask of a site, answered with an index of N cameras and their weeks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatehouse_api.app import close_app, create_app, recording_of
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import FootageReader
from gatehouse_common.runtime import Core

from .cameras import Sent
from .history import CHUNK_US
from .scale import Scale

_DAY_US = 24 * HOUR
_GRID = 16
_LEAST, _LONGEST_S = 5, 4.0
"""What takes long is asked less often, but so often at least."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How long answers took, milliseconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and how it grows with the cameras of a site: ``flat`` or ``linear``."""

    what: str
    grows: str
    ask: Callable[[], None]


def ask_all(
    core: Core, cameras: Sequence[str], sent: Sent, scale: Scale, start_us: int, end_us: int
) -> dict[Question, Answered]:
    """Ask each question again and again; the index reaches from ``start_us`` to ``end_us``, and has what was sent."""
    app = create_app(core)
    try:
        client = app.test_client()
        watch = recording_of(app)
        made = Questions(core, client, cameras, sent, start_us, end_us)
        questions = [
            *made.all(),
            Question("a look of the api's own at all cameras, once a second", "linear", watch.look),
        ]
        return {question: _taken(question, scale.asks) for question in questions}
    finally:
        close_app(app)


def _taken(question: Question, times: int) -> Answered:
    question.ask()
    taken, first = [], time.perf_counter()
    while len(taken) < _LEAST or (len(taken) < times and time.perf_counter() - first < _LONGEST_S):
        began = time.perf_counter()
        question.ask()
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return Answered(taken[len(taken) // 2], taken[int(len(taken) * 0.95)])


class Questions:
    """The questions, each of something else every time that it is asked."""

    def __init__(
        self, core: Core, client: object, cameras: Sequence[str], sent: Sent, start_us: int, end_us: int
    ) -> None:
        self._client, self._cameras, self._sent = client, cameras, sent
        self._start_us, self._end_us = start_us, end_us
        self._reader = FootageReader(core.db)
        self._chance = random.Random(9)
        with core.db.read() as c:
            self._plates = [text for (text,) in c.exec_driver_sql("SELECT text FROM plate_texts LIMIT 5000")]

    def all(self) -> list[Question]:
        """Return all of them."""
        return [
            Question("look-up of 10 minutes of a camera", "flat", self._look_up),
            Question("2 s of footage of a camera, as MP4", "flat", self._footage),
            Question("timeline of a camera, a day", "flat", lambda: self._timeline(1)),
            Question("timeline of 16 cameras, a day", "flat", lambda: self._timeline(_GRID)),
            Question("a camera and its state", "flat", lambda: self._get(f"/api/v1/cameras/{self._camera()}")),
            Question("all cameras and their states", "linear", lambda: self._get("/api/v1/cameras")),
            Question("the page with all cameras", "linear", lambda: self._get("/live")),
            Question("plate search, as somebody remembers it", "flat", self._plate),
            Question("the newest plates", "flat", lambda: self._get("/api/v1/plates?limit=50")),
            Question("what retention will do", "linear", lambda: self._get("/api/v1/retention/plan")),
        ]

    def _camera(self) -> str:
        return self._chance.choice(self._cameras)

    def _get(self, url: str) -> None:
        answer = self._client.get(url)  # type: ignore[attr-defined]
        if answer.status_code != 200:
            raise RuntimeError(f"{url} answered {answer.status_code}: {answer.get_data(as_text=True)[:300]}")
        answer.get_data()

    def _look_up(self) -> None:
        at = self._chance.randrange(self._start_us, self._end_us - CHUNK_US)
        if not self._reader.find_chunks(self._camera(), at, at + 10 * MINUTE):
            raise RuntimeError("a look-up found nothing")

    def _footage(self) -> None:
        camera = self._camera()
        begin, end = self._sent.footage[camera]
        at = self._chance.randrange(begin, end - 3 * SECOND)
        query = f"camera={camera}&from={at / SECOND:.6f}&to={(at + 2 * SECOND) / SECOND:.6f}"
        self._get(f"/api/v1/footage?{query}")

    def _timeline(self, count: int) -> None:
        cameras = self._chance.sample(list(self._cameras), min(count, len(self._cameras)))
        first = self._chance.randrange(self._start_us, max(self._start_us + 1, self._end_us - _DAY_US))
        query = f"cameras={','.join(cameras)}&from={first / SECOND:.6f}&to={(first + _DAY_US) / SECOND:.6f}"
        self._get(f"/api/v1/timeline?{query}&resolution=60")

    def _plate(self) -> None:
        text = list(self._chance.choice(self._plates))
        text[self._chance.randrange(len(text))] = self._chance.choice("ABCDEFGHJKLMNPRSTUVWXYZ23456789")
        self._get(f"/api/v1/plates?q={''.join(text)}&match=fuzzy")
