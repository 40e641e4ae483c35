"""The reading processes of a detector: started with the first picture, replaced when they hang or die."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from gatehouse_common.errors import GatehouseError, InvalidInput, Unavailable
from gatehouse_common.observability.metrics import DETECTOR_WORKERS_REPLACED

from .answers import Answer
from .channel import MOST_BODY
from .intake import Intake, Picture
from .process import ReadingProcess
from .reading.port import Reading

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_DEATHS_TOLD = 3
_QUEUED_S = 30.0
_ASKED_LOOK_S = 0.1
_BUSY = "the detector has too much to do: ask again later"


@dataclass(slots=True)
class _Reader:
    """What a thread knows: its process, how long it waits before it starts another, and how many died in a row."""

    number: int
    process: ReadingProcess | None = None
    pause_s: float = _FIRST_PAUSE_S
    deaths: int = 0


class Pool:
    """Looks at the pictures of an intake, each in one of several processes.

    Args:
        intake: the pictures.
        command: the program of a process.
        opening: what it makes its engine of.
        count: how many processes.
        timeout_s: a picture that takes longer is given up, and its process ended.
    """

    def __init__(
        self, intake: Intake, command: Sequence[str], opening: Mapping[str, Any], count: int, timeout_s: float
    ) -> None:
        self._intake, self._command, self._opening, self._timeout_s = intake, command, opening, timeout_s
        self._stop = threading.Event()
        self._troubles: dict[int, str] = {}
        self._told: set[str] = set()
        self._running: dict[int, ReadingProcess] = {}
        self._threads = [
            threading.Thread(target=self._work, args=(k,), name=f"reader-{k}", daemon=True) for k in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def trouble(self) -> str:
        """Why pictures are not looked at, empty if they are."""
        return next(iter(self._troubles.copy().values()), "")

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run."""
        return [process.pid for process in self._running.copy().values()]

    def look(self, jpeg: bytes, region: str) -> list[Reading]:
        """Return the plates in a picture that somebody asks about; it is next, before those of cameras.

        Raises:
            InvalidInput: it is no picture.
            Unavailable: it could not be looked at; the sentence says why.
        """
        if self._is_troubled():
            raise Unavailable(self.trouble)
        answered = threading.Event()
        answers: list[Answer] = []

        def done(_picture: Picture, answer: Answer) -> None:
            answers.append(answer)
            answered.set()

        if not self._intake.ask(Picture(jpeg, region, done)):
            raise Unavailable(_BUSY)
        for _ in range(round((self._timeout_s + _QUEUED_S) / _ASKED_LOOK_S)):
            if answered.wait(_ASKED_LOOK_S) or self._is_troubled() or self._stop.is_set():
                break
        if not answers:
            raise Unavailable(self.trouble or _BUSY)
        answer = answers[0]
        if answer.outcome == "rejected":
            raise InvalidInput(answer.reason)
        if answer.outcome == "failed":
            raise Unavailable(answer.reason)
        return [found.reading for found in answer.found]

    def _is_troubled(self) -> bool:
        """Return whether nobody looks at pictures now; one of several that cannot leaves them to the others."""
        return len(self._troubles) >= len(self._threads)

    def close(self) -> None:
        """End: what is being looked at is given up."""
        self._stop.set()
        self._intake.close()
        for process in self._running.copy().values():
            process.kill()  # what it is about would take too long
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        reader = _Reader(number)
        try:
            while not self._stop.is_set():
                try:
                    self._step(reader)
                except Exception as error:  # a fault of ours must not end the reading of all that comes after
                    log.exception("no plates are read")
                    self._troubles[number] = f"pictures cannot be read: {error!r}"[:300]
                    self._end(reader)
                    self._wait(reader)
        finally:
            self._end(reader)

    def _step(self, reader: _Reader) -> None:
        """Look at the next picture, if there is one before long."""
        if not self._intake.wait(_LOOK_S):
            return
        if reader.process is None:
            reader.process = self._start(reader.number)
            if reader.process is None:
                self._wait(reader)
                return
        picture = self._intake.take()
        if picture is None:
            return
        answer, usable = self._look(reader.process, picture)
        if not usable:
            self._end(reader)
        reader.pause_s = _FIRST_PAUSE_S
        reader.deaths = 0 if usable else reader.deaths + 1
        self._judge(reader.number, reader.deaths, answer)
        self._finish(picture, answer)
        if reader.deaths >= _DEATHS_TOLD:  # whatever is wrong, a process a second would make it worse
            self._stop.wait(min(2.0 ** (reader.deaths - _DEATHS_TOLD), _LONGEST_PAUSE_S))
            self._troubles.pop(reader.number, None)  # the next picture tells, whoever it is from

    def _wait(self, reader: _Reader) -> None:
        """Wait before another try, longer each time."""
        self._stop.wait(reader.pause_s)
        reader.pause_s = min(2 * reader.pause_s, _LONGEST_PAUSE_S)

    def _end(self, reader: _Reader) -> None:
        """End the process of a thread, if it has one."""
        process, reader.process = reader.process, None
        self._running.pop(reader.number, None)
        if process is not None:
            process.end()

    def _start(self, number: int) -> ReadingProcess | None:
        try:
            process = ReadingProcess(self._command, self._opening)
        except GatehouseError as error:
            if self._troubles.get(number) != error.message and not self._stop.is_set():
                log.error("no plates are read", reason=error.message)  # noqa: TRY400
            self._troubles[number] = error.message
            return None
        self._troubles.pop(number, None)
        self._running[number] = process
        log.info("a reading process has started", pid=process.pid)
        return process

    def _look(self, process: ReadingProcess, picture: Picture) -> tuple[Answer, bool]:
        """Return what became of a picture, and whether the process is of further use."""
        if len(picture.jpeg) > MOST_BODY:
            return Answer("rejected", f"the picture has {len(picture.jpeg)} bytes, more than {MOST_BODY}"), True
        asked: dict[str, Any] = {"region": picture.region}
        if picture.message is not None:
            asked |= {"width": picture.message.width, "height": picture.message.height}
        try:
            answer = process.look(picture.jpeg, asked, self._timeout_s)
        except (Unavailable, InvalidInput) as error:
            if self._stop.is_set():
                return Answer("failed", "the detector has ended"), False
            DETECTOR_WORKERS_REPLACED.labels("died").inc()
            return Answer("failed", error.message), False
        except Exception as error:  # whoever waits for the picture, and for those after it, is told all the same
            log.exception("a picture could not be read")
            DETECTOR_WORKERS_REPLACED.labels("died").inc()
            return Answer("failed", f"the detector is at fault: {error!r}"[:300]), False
        if answer is None:
            DETECTOR_WORKERS_REPLACED.labels("timeout").inc()
            return Answer("failed", f"the picture took longer than {self._timeout_s:g} s to read"), False
        return answer, True

    def _judge(self, number: int, deaths: int, answer: Answer) -> None:
        """Say what is wrong: once of each kind, and for as long as it is."""
        if answer.outcome != "analysed" and not self._stop.is_set():
            kind = f"{answer.outcome} {''.join(c for c in answer.reason if not c.isdigit())}"
            if kind not in self._told and len(self._told) < 100:
                self._told.add(kind)
                log.warning("a picture could not be read", outcome=answer.outcome, reason=answer.reason)
            else:
                log.debug("a picture could not be read", outcome=answer.outcome, reason=answer.reason)
        if deaths >= _DEATHS_TOLD:
            self._troubles[number] = f"reading processes end again and again: {answer.reason}"
        elif not deaths:
            self._troubles.pop(number, None)

    def _finish(self, picture: Picture, answer: Answer) -> None:
        try:
            self._intake.finish(picture, answer)
        except Exception:  # what follows on one picture must not end the reading of all others
            log.exception("what was read could not be worked off", camera=picture.camera)
