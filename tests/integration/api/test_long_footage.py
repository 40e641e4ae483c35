"""Eleven minutes over HTTP as users have them: stored chunks, a reconnect, the chunk being written; every end exact."""

from __future__ import annotations

import bisect
import http.client
import io
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import av
import pytest

from gatehouse_api.service import ApiService
from gatehouse_api.service import build as build_api
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.db import FootageReader
from gatehouse_common.messages import ChunkOpened
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import FilmSpec, luma
from gatehouse_common.timefmt import rfc3339
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import START_US, Recorded, add_camera, core_at, record
from running import decode
from server_kit import cutting, serving

SECOND = 1_000_000
FPS = 15
BEFORE = FilmSpec(frames=440 * FPS, fps=FPS, gop=30, bframes=3, width=160, height=96)
AFTER = FilmSpec(frames=240 * FPS, fps=FPS, gop=30, bframes=3, width=160, height=96, first=100_000)
GAP_US = 17 * SECOND + 17
AFTER_US = START_US + BEFORE.frames // FPS * SECOND + GAP_US
CHUNK_US = 150 * SECOND
RANGES = 200


@dataclass(frozen=True)
class Answer:
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """A server, and what must be on the screen when: by the numbers that were burned in, not by any index."""

    service: ApiService
    numbers: list[int]
    starts: list[int]
    ends: list[int]

    def path(self, start_us: int, end_us: int) -> str:
        return "/api/v1/footage?" + urlencode({"camera": "cam", "from": rfc3339(start_us), "to": rfc3339(end_us)})

    def get(self, start_us: int, end_us: int, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        try:
            connection.request("GET", self.path(start_us, end_us), headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body[:500]
            return Answer(dict(answer.getheaders()), body)
        finally:
            connection.close()

    def expected(self, start_us: int, end_us: int) -> list[int]:
        """The numbers on the screen in a range: of the frame at its start, and of all that begin in it."""
        first = bisect.bisect_right(self.ends, start_us)
        return self.numbers[first : bisect.bisect_left(self.starts, end_us)]

    def ranges(self, count: int, seed: int) -> Iterator[tuple[int, int]]:
        """Ranges of a fifth of a second to two minutes; of every third, the ends are within 1 us of a frame's."""
        rng = random.Random(seed)
        while count:
            start = rng.randrange(self.starts[0] - SECOND, self.ends[-1] - SECOND)
            end = start + rng.choice((200_000, 1_000_000, 9_000_000, 40_000_000, 120_000_000)) + rng.randrange(200_000)
            if count % 3 == 0:
                start = rng.choice(self.starts) + rng.choice((-1, 0, 1))
                end = self.starts[min(bisect.bisect(self.starts, end), len(self.starts) - 1)] + rng.choice((-1, 0, 1))
            end = min(end, self.ends[-1])
            if end > start and self.expected(start, end):
                count -= 1
                yield start, end


def ends_of(film: bytes) -> tuple[int, int]:
    """Decode the first frame that a film shows, and the last; nothing between that is not needed for them."""
    with av.open(io.BytesIO(film)) as container:
        stream = container.streams.video[0]
        first = barcode.read(luma(next(container.decode(stream))))
        container.seek(stream.duration or 0, stream=stream)
        *_, last = container.decode(stream)
        return first, barcode.read(luma(last))


def tell(core: Core, recorded: Recorded) -> None:
    """Publish what capture would have: the closed chunks, and the one that is being written."""
    for closed in recorded.closed:
        core.bus.publish(closed)
    last = recorded.closed[-1]
    core.bus.publish(
        ChunkOpened(
            camera="cam",
            time_us=last.end_us,
            run=recorded.run,
            chunk="0" * 36,
            key=recorded.keys[-1],
            start_us=last.end_us,
            origin_us=AFTER_US,
        )
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("long")
    data = home / "data"
    with core_at(data, **{"api.port": 0}) as core:
        add_camera(core)
        record(data, home, spec=BEFORE, chunk_us=CHUNK_US)
        # Building the spool's keeper adopts what is there; what comes later is being written.
        supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], core.clock)
        supervisor.start()
        tell(core, record(data, home, spec=AFTER, start_us=AFTER_US, chunk_us=CHUNK_US, leave_open=True))
        assert core.bus.join(30)
        assert supervisor.stop()
        states = [c.state for c in FootageReader(core.db).all_chunks()]
        assert (states.count("stored") >= 5, states.count("open")) == (True, 1)
        service = build_api(core)
        with serving(service):
            yield truth(service)


def truth(service: ApiService) -> Site:
    """Work out what must be shown; how far the chunk being written reaches is the server's to say, within a second."""
    numbers: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    for spec, begin in ((BEFORE, START_US), (AFTER, AFTER_US)):
        edges = [begin + round(k * SECOND / FPS) for k in range(spec.frames + 1)]
        numbers += range(spec.first, spec.first + spec.frames)
        starts += edges[:-1]
        ends += edges[1:]
    whole = Site(service, numbers, starts, ends)
    told = whole.get(ends[-1] - 5 * SECOND, ends[-1] + SECOND).headers["X-Footage-End"]
    shown = next(k for k, end in enumerate(ends) if rfc3339(end) == told) + 1
    assert len(numbers) - shown <= FPS
    return Site(service, numbers[:shown], starts[:shown], ends[:shown])


def test_two_hundred_ranges_begin_and_end_with_the_right_frame(site: Site) -> None:
    """S1-10, S1-11, S1-13."""
    wrong = []
    for start, end in site.ranges(RANGES, seed=1):
        answer = site.get(start, end)
        expected = site.expected(start, end)
        told = int(answer.headers["X-Footage-Frames"])
        if (*ends_of(answer.body), told) != (expected[0], expected[-1], len(expected)):
            wrong.append((start, end))
    assert not wrong


def test_ten_ranges_decode_without_a_complaint_and_come_the_same_again(site: Site) -> None:
    for start, end in [*site.ranges(9, seed=2), (START_US, site.ends[-1])]:
        answer, again = site.get(start, end), site.get(start, end)
        assert again.body == answer.body
        assert again.headers["ETag"] == answer.headers["ETag"]
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert decode(answer.body) == len(site.expected(start, end))
        player = subprocess.run(
            ["ffmpeg", "-v", "error", "-xerror", "-i", "pipe:", "-f", "null", "-"],
            input=answer.body,
            capture_output=True,
            check=False,
        )
        assert (player.returncode, player.stderr) == (0, b"")


def test_curl_goes_on_with_a_download_that_was_cut(site: Site, tmp_path: Path) -> None:
    """A real `curl` whose connection breaks; `curl -C -` then brings the rest, and every byte is the same."""
    start, end = START_US + 1_234_567, site.ends[-1]
    whole = site.get(start, end).body
    target = tmp_path / "film.mp4"
    with cutting(site.service, len(whole) // 2) as port:
        command = ["curl", "-sS", "-f", "-H", "Connection: close", "-o", str(target)]
        command.append(f"http://127.0.0.1:{port}{site.path(start, end)}")
        cut = subprocess.run(command, capture_output=True, check=False, timeout=30)
        assert cut.returncode == 18  # the transfer ended before all was there
        assert len(whole) // 3 < target.stat().st_size < len(whole)
        done = subprocess.run([*command, "-C", "-"], capture_output=True, check=False, timeout=30)
        assert (done.returncode, done.stderr) == (0, b"")
    assert target.read_bytes() == whole
