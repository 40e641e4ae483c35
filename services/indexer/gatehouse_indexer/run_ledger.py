"""Runs and the gaps before them, kept right when origins are refined and when messages were lost."""

from __future__ import annotations

import base64

from gatehouse_common.db import CameraRepository, FootageReader, FootageWriter, Gap, Run
from gatehouse_common.errors import NotFound
from gatehouse_common.media.init_segment import parse_init
from gatehouse_common.media.stored import read_head
from gatehouse_common.messages import ChunkStored, GapCause, Interruption, RunStarted
from gatehouse_common.observability.metrics import RECORDING_GAP_SECONDS
from gatehouse_common.runtime import Core

from .gap_rules import derive_gaps, move_end


class RunLedger:
    """Writes runs and gaps."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reader = FootageReader(core.db)
        self._writer = FootageWriter(core.db)
        self._cameras = CameraRepository(core.db)
        self._origins: dict[str, int] = {}

    def start(self, run: RunStarted) -> None:
        """Keep a run and the gaps before it.

        The gaps are written first: a run that is known has its gaps, whenever the process was killed.
        """
        if self._known(run.run) is not None:
            return
        until = self._recorded_until(run.camera, run.start_us)
        if until is not None:
            self._put(run.run, derive_gaps(run.camera, run.run, until, run.start_us, run.interruptions))
        self._writer.start_run(run)

    def refine(self, run: str, origin_us: int) -> None:
        """Move a run, its chunks and the end of the gap before it by what its origin moved."""
        if self._origins.get(run) == origin_us:
            return
        known = self._known(run)
        if known is not None and known.origin_us != origin_us:
            start_us = known.started_us + origin_us - known.origin_us
            low, high = sorted((known.started_us, start_us))
            before = [g for g in self._reader.gaps(known.camera, low - 1, high + 1) if g.run == run]
            others = [g for g in self._reader.gaps(known.camera, 0, low) if g.run == run and g not in before]
            if before:
                self._put(run, [*others, *move_end(before, known.started_us, start_us)])
        self._writer.refine_origin(run, origin_us)
        self._origins[run] = origin_us

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
        """Keep a gap that a service reported."""
        self._put(None, [gap])

    def _known(self, run: str) -> Run | None:
        try:
            return self._reader.run(run)
        except NotFound:
            return None

    def _recorded_until(self, camera: str, start_us: int) -> int | None:
        until = self._reader.last_end_us(camera, start_us)
        if until is not None:
            return until
        try:
            return self._cameras.get(camera).created_us
        except NotFound:
            return None

    def _put(self, run: str | None, gaps: list[Gap]) -> None:
        for gap in self._writer.put_gaps(run, gaps):
            RECORDING_GAP_SECONDS.labels(gap.camera, gap.cause).inc((gap.end_us - gap.start_us) / 1_000_000)
