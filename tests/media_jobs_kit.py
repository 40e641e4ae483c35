"""Uploads that are whole, and films as browsers and others make them, for tests of what is made of uploads."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Job, JobRepository, Media, MediaFile, MediaWork, Piece, Upload, take_in
from gatehouse_common.db.upkeep_models import JobRow
from gatehouse_common.db.upload_models import UploadPieceRow, UploadRow
from gatehouse_common.ids import new_id
from gatehouse_common.messages import JobChanged
from gatehouse_common.messages.jobs import SITE
from gatehouse_common.runtime import Core
from gatehouse_common.settings.transcoder import TranscoderSettings
from gatehouse_common.storage import keys
from gatehouse_transcoder.program import find_program
from gatehouse_transcoder.service import Transcoder
from running import wait_for

ENDED = ("done", "failed", "cancelled")


def ffmpeg(*arguments: str, data: bytes | None = None) -> bytes:
    """Run the very program that the transcoder finds; return what it writes to standard output."""
    program = find_program(TranscoderSettings(hardware=False), SystemClock(), lambda: None)
    command = [program.path, "-v", "error", "-y", *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def browser_film(seconds: float = 4, size: str = "320x180", *options: str) -> bytes:
    """A film as MediaRecorder sends it: VP8 and Opus in WebM without duration, index, or sizes of its parts."""
    film = f"testsrc2=size={size}:rate=30:duration={seconds}"
    sound = f"sine=frequency=440:sample_rate=48000:duration={seconds}"
    video = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-g", "30"]
    inputs = ["-f", "lavfi", "-i", film, "-f", "lavfi", "-i", sound]
    return ffmpeg(*inputs, *video, "-c:a", "libopus", *options, "-f", "webm", "-live", "1", "pipe:1")


def upload(
    core: Core,
    data: bytes,
    media_type: str = "video/webm",
    *,
    piece_bytes: int = 100_000,
    owner: int = 1,
    announced: str = "",
    session: int | None = None,
) -> tuple[Media, Job]:
    """Let a file be uploaded in pieces and be whole; return its medium, and its job, which is queued."""
    now = core.clock.now_us()
    one = Upload(
        id=new_id(),
        owner=owner,
        owner_name=f"user{owner}",
        door="tus",
        role="whole",
        state="receiving",
        name="film.webm",
        name_digest="",
        open_name=None,
        claimed_type="",
        length=len(data),
        received=len(data),
        digest=announced,
        facts={},
        last_position=None,
        media=None,
        detail="",
        created_us=now,
        changed_us=now,
        expires_us=now,
    )
    pieces = []
    for at in range(0, len(data), piece_bytes):
        part = data[at : at + piece_bytes]
        key = keys.incoming(one.id, at, new_id())
        core.store.put_bytes(key, part)
        pieces.append(Piece(one.id, at, len(part), hashlib.sha256(part).hexdigest(), key))
    with core.db.begin() as c:
        c.execute(insert(UploadRow).values({f.name: getattr(one, f.name) for f in fields(Upload)}))
        if pieces:
            c.execute(insert(UploadPieceRow), [{f.name: getattr(p, f.name) for f in fields(Piece)} for p in pieces])
        media, job = take_in(
            c, one, media_type, now, lambda n: keys.media_folder(owner, one.owner_name, n), session=session
        )
    announce(core, job)
    return media, job


def ask(core: Core, kind: str, media: int, **parameters: Any) -> Job:
    """Ask for a job of a medium."""
    now = core.clock.now_us()
    told = {"media": media, **parameters}
    job = Job(new_id(), kind, "queued", told, 0, 0, "", None, now, "", None, None, None, 0, 1, media)
    with core.db.begin() as c:
        c.execute(insert(JobRow).values({f.name: getattr(job, f.name) for f in fields(Job)}))
    announce(core, job)
    return job


def announce(core: Core, job: Job) -> None:
    """Tell workers that there is a job."""
    message = JobChanged(
        camera=SITE, time_us=core.clock.now_us(), job=job.id, kind=job.kind, state="queued", media=job.media
    )
    core.bus.publish(message)


@contextmanager
def transcoding(core: Core) -> Iterator[Transcoder]:
    """A transcoder at work in this process."""
    service, stop = Transcoder(core), threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        yield service
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def ended(core: Core, *jobs: Job, seconds: float = 60) -> list[Job]:
    """Wait until jobs have ended; return them as they are then."""
    repository = JobRepository(core.db)

    def all_ended() -> list[Job] | None:
        now = [repository.get(job.id) for job in jobs]
        return now if all(job.state in ENDED for job in now) else None

    return wait_for("the end of jobs", all_ended, seconds)


def files(core: Core, media: int) -> dict[tuple[str, str], MediaFile]:
    """The files of a medium, by kind and variant."""
    return {(one.kind, one.variant): one for one in MediaWork(core.db).files(media)}


def stored(core: Core, file: MediaFile, folder: Path) -> Path:
    """A copy of a stored file, where programs find it."""
    path = folder / file.key.rpartition("/")[2]
    path.write_bytes(core.store.read(file.key))
    return path


def media(core: Core, number: int) -> Media:
    """A medium as it is now."""
    return MediaWork(core.db).media(number)


def shown(path: Path, entries: str, streams: Sequence[str] = ()) -> dict[str, str]:
    """What an independent reader says of a file: ``format=duration`` and the like, by name."""
    chosen = ["-select_streams", *streams] if streams else []
    command = ["ffprobe", "-v", "error", *chosen, "-show_entries", entries, "-of", "default=nw=1", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
