"""What tests of plates share: visits told as a detector tells them, their pictures, and clips made of real footage."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from flask.testing import FlaskClient

from brokers import virtual_host
from databases import mysql_database, mysql_url
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, ClipRepository
from gatehouse_common.footage import Library
from gatehouse_common.ids import new_id
from gatehouse_common.media.lettering import render_text
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.messages import Direction, PlateClosed, PlateSeen, ReadFields, VisitFields
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_indexer.service import build as build_indexer
from running import wait_for
from s3_server import bucket

WIDTH, HEIGHT = 640, 360
THRESHOLD = 0.5


@contextmanager
def server_settings(folder: Path) -> Iterator[dict[str, object]]:
    """Settings of a broker, a database and a store that are real servers, each with room of its own for this test."""
    with ExitStack() as held:
        broker = held.enter_context(virtual_host(lambda: folder / "rabbitmq"))
        database = held.enter_context(mysql_database(mysql_url(lambda: folder / "mariadb")))
        store = held.enter_context(bucket(folder / "swift"))
        yield {
            "broker_url": broker,
            "database_url": database,
            "storage_url": store.url,
            "storage.access_key": store.access_key,
            "storage.secret_key": store.secret_key,
            "service.token": "canary-token",
        }


@contextmanager
def indexing(core: Core) -> Iterator[None]:
    """The indexer at work."""
    stop, indexer = threading.Event(), build_indexer(core)
    thread = threading.Thread(target=indexer.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@dataclass(frozen=True)
class Visit:
    """One car: its id, what was read when, and the text that its reads were voted to say."""

    event: str
    camera: str
    text: str
    reads: Sequence[tuple[int, str, float]]

    @property
    def start_us(self) -> int:
        return min(at for at, _, confidence in self.reads if confidence > THRESHOLD)


@dataclass(frozen=True)
class PlateSite:
    """One minute of two cameras; three visits at the gate, one in the yard, one that nobody was sure of."""

    core: Core
    client: FlaskClient
    first: Visit
    again: Visit
    other: Visit
    yard: Visit
    clips: list[Clip]


def picture(text: str, left: int, top: int, width: int = WIDTH, height: int = HEIGHT) -> tuple[bytes, bytes]:
    """A frame with a plate at a place, and the plate alone: JPEGs."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = np.linspace(60, 130, height, dtype=np.uint8)[:, None, None]
    letters = np.pad(render_text(text, 3), 6)
    rows, columns = letters.shape
    pixels[top - 40 : top + rows + 40, left - 60 : left + columns + 60] = (150, 40, 40)
    pixels[top : top + rows, left : left + columns] = np.where(letters[:, :, None], 20, 235)
    crop = np.ascontiguousarray(pixels[top : top + rows, left : left + columns])
    return simplejpeg.encode_jpeg(pixels, 85, "RGB", "420"), simplejpeg.encode_jpeg(crop, 90, "RGB", "420")


def visit(camera: str, text: str, start_us: int, confidences: Sequence[float] = (0.6, 0.9, 0.8), **texts: str) -> Visit:
    """A car that is read at 5 pictures a second; ``r1="..."`` is what its second read says."""
    reads = [
        (start_us + k * SECOND // 5, texts.get(f"r{k}", text), confidence) for k, confidence in enumerate(confidences)
    ]
    return Visit(new_id(), camera, text, reads)


def tell(
    core: Core,
    one: Visit,
    *,
    close: bool = True,
    left: int = 200,
    pictures: bool = True,
    region: str = "eu",
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> None:
    """Tell of a visit read by read, as a detector does, its pictures stored before."""
    frame, crop = picture(one.text, left, size[1] // 2, *size) if pictures else (b"", b"")
    letters = np.pad(render_text(one.text, 3), 6)
    right, bottom = left + letters.shape[1], size[1] // 2 + letters.shape[0]
    quad = ((left, size[1] // 2), (right, size[1] // 2), (right, bottom), (left, bottom))
    best, told = None, None
    qualifying = 0
    for at, text, confidence in one.reads:
        read = ReadFields(
            id=new_id(),
            time_us=at,
            run=new_id(),
            pts=at // 100,
            text=text,
            confidence=confidence,
            characters=[confidence] * len(text),
            region=region,
            pattern="AAA-9A99",
            quad=quad,
            picture_width=size[0],
            picture_height=size[1],
            area=(0, 0, *size),
        )
        qualifying += confidence > THRESHOLD
        if best is None or confidence > best.confidence:
            best = read
        if qualifying:
            told = _visit(core, one, best, at, qualifying, region)
            if pictures:
                for key, data in ((told.frame_key, frame), (told.crop_key, crop)):
                    core.store.put_bytes(key, data, overwrite=True)
            else:
                told = told.model_copy(update={"frame_key": "", "crop_key": ""})
        core.bus.publish(PlateSeen(camera=one.camera, time_us=at, read=read, threshold=THRESHOLD, visit=told))
    if close and told is not None:
        core.bus.publish(PlateClosed(camera=one.camera, time_us=one.reads[-1][0] + 10 * SECOND, visit=told))


def _visit(core: Core, one: Visit, best: ReadFields, at: int, reads: int, region: str) -> VisitFields:
    def key(what: str) -> str:
        return keys.plate_picture(one.camera, one.event, best.id, one.start_us, core.zone, what)  # type: ignore[arg-type]

    return VisitFields(
        event=one.event,
        start_us=one.start_us,
        end_us=at,
        text=one.text,
        confidence=best.confidence,
        characters=[0.95 if k % 3 else best.confidence for k in range(len(one.text))],
        region=region,
        pattern="AAA-9A99",
        alternatives=[(one.text[:-1] + "X", 0.05)],
        reads=reads,
        direction=Direction.RIGHT,
        best=best,
        frame_key=key("frame"),
        crop_key=key("crop"),
    )


def make_clips(
    core: Core, camera: str, events: Sequence[tuple[str, int]], pre_s: int = 5, post_s: int = 15
) -> list[Clip]:
    """Plan clips of events at their times and make each, of the footage that there is."""
    clips, library = ClipRepository(core.db), Library(core)
    now = core.clock.now_us()
    for event, at in events:
        clips.plan(camera, event, at, pre_s * SECOND, post_s * SECOND, 300 * SECOND, now)
    for clip in clips.planned(lambda name: name == camera):
        piece = slice_footage(library.find(camera, clip.start_us, clip.end_us).media, clip.start_us, clip.end_us)
        data = b"".join(piece.file.read(core.media))
        key = keys.video(clip.events[0], piece.start_us, core.zone)
        core.store.put_bytes(key, data)
        clips.stored(
            clip.id, key, piece.start_us, piece.end_us, len(data), 160, 96, piece.frames, "", core.clock.now_us()
        )
    library.close()
    return sorted(
        {c.id: c for _, found in clips.of_events([e for e, _ in events]).items() for c in found}.values(),
        key=lambda c: c.start_us,
    )


def settle(core: Core) -> None:
    """Wait until the indexer has done what it was told: what is on its way to it no look at its queue shows."""
    looks = 0

    def idle() -> bool:
        nonlocal looks
        looks = looks + 1 if core.bus.depth("indexer") == 0 else 0
        return looks > 4

    wait_for("the index", idle, 30)
