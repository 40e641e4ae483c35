"""Runs and the gaps before them, kept right when origins are refined and when messages were lost."""

from __future__ import annotations

import base64

from gatehouse_common.db import CameraRepository, FootageReader, FootageWriter, Gap, Run
from gatehouse_common.errors import NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.media.init_segment import parse_init
from gatehouse_common.media.stored import read_head
from gatehouse_common.messages import ChunkStored, GapCause, GopWritten, Interruption, RunStarted
from gatehouse_common.observability.metrics import RECORDING_GAP_SECONDS
from gatehouse_common.runtime import Core

from .gap_rules import derive_gaps, without_stored


class RunLedger:
    """Writes runs and gaps."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reader = FootageReader(core.db)
        self._writer = FootageWriter(core.db)
        self._cameras = CameraRepository(core.db)
        self._origins: dict[str, int] = {}

    def start(self, run: RunStarted) -> None:
        """Keep a run and the gaps before it."""
        self._writer.start_run(run)
        self.settle(run.run)

    def follow(self, gop: GopWritten) -> None:
        """Keep how far an open chunk reaches; when the run's origin moved, the gap before it moves too."""
        self._writer.extend_chunk(gop)
        if self._origins.get(gop.run) != gop.origin_us:
            self.settle(gop.run)
            self._origins[gop.run] = gop.origin_us

    def settle(self, run_id: str) -> None:
        """Write the gaps before a run as they follow from what is known now; changes nothing if they stand."""
        run = self._known(run_id)
        if run is None:
            return
        until = self._recorded_until(run.camera, run.started_us)
        if until is None:
            return
        interruptions = [Interruption.model_validate(fields) for fields in run.interruptions]
        self._put(run_id, derive_gaps(run.camera, run_id, until, run.started_us, interruptions))

    def forget(self, run: str) -> None:
        """Drop what is remembered of a run that ended."""
        self._origins.pop(run, None)

    def ensure(self, stored: ChunkStored) -> None:
        """Keep the run of a stored chunk if its ``run.started`` was lost: the file says the same."""
        if self._known(stored.run) is not None:
            return
        info, init = read_head(self._core.store, stored.key)
        if info is None or not init:
            return
        formats = parse_init(init)
        self.start(
            RunStarted(
                camera=stored.camera,
                time_us=stored.start_us,
                run=stored.run,
                origin_us=stored.origin_us,
                start_us=stored.start_us,
                init=base64.b64encode(init),
                width=formats[0].width,
                height=formats[0].height,
                fps=0.0,
                video_codec=formats[0].codec_string,
                audio_codec=formats[1].codec_string if len(formats) > 1 else None,
                interruptions=[
                    Interruption(cause=GapCause(cause), since_us=since) for cause, since in info.interruptions
                ],
            )
        )

    def note(self, gap: Gap) -> None:
        """Keep a gap that a service reported.

        Damage is told of by who found two files and nothing between them; what is stored of it was not there any more.
        """
        kept = [gap]
        if gap.cause == GapCause.CORRUPT:
            chunks = self._reader.find_chunks(gap.camera, gap.start_us, gap.end_us)
            kept = without_stored(gap, [Interval(c.start_us, c.end_us) for c in chunks if c.state == "stored"])
        self._put(None, kept)

    def _known(self, run: str) -> Run | None:
        try:
            return self._reader.run(run)
        except NotFound:
            return None

    def _recorded_until(self, camera: str, start_us: int) -> int | None:
        ends = [self._reader.last_end_us(camera, start_us), self._reader.purged_until_us(camera, start_us)]
        known = [end for end in ends if end is not None]
        if known:
            return max(known)
        try:
            return self._cameras.get(camera).created_us
        except NotFound:
            return None

    def _put(self, run: str | None, gaps: list[Gap]) -> None:
        for gap in self._writer.put_gaps(run, gaps):
            RECORDING_GAP_SECONDS.labels(gap.camera, gap.cause).inc((gap.end_us - gap.start_us) / 1_000_000)
