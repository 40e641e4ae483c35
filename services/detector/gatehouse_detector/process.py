"""One reading process, seen from the detector: started, asked, and ended when it does not answer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gatehouse_common.errors import DataLoss, InvalidInput, Unavailable

from .answers import Answer, answer_of
from .channel import Channel
from .reading.port import MOST_PIXELS

COMMAND = (sys.executable, "-P", "-m", "gatehouse_detector.worker")
"""-P: no module of the directory that the detector was started in."""
_LIMITS = {"OPENCV_IO_MAX_IMAGE_PIXELS": str(MOST_PIXELS)}
"""What a process is not to decode even if a picture's header deceives it; OpenCV asks for it when it is imported."""
_OPENING_S = 120.0
_END_S = 5.0


class ReadingProcess:
    """A process with an engine in it. Used by one thread at a time.

    It is in a session of its own: what a terminal or an init system sends to the group of the detector is the
    detector's to act on. When the detector is gone, it ends by itself.

    Args:
        command: the program; it is given the number of its end of a socket.
        opening: what the program makes its engine of.

    Raises:
        Unavailable: it cannot be started, or its engine cannot be opened; the sentence says why.
    """

    def __init__(self, command: Sequence[str], opening: Mapping[str, Any]) -> None:
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise Unavailable(f"no process can be started that reads plates: {error.strerror}") from error
        self._channel = Channel(ours)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ours, and its arguments
                [*command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={**os.environ, **_LIMITS},
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise Unavailable(f"no process can be started that reads plates: {error.strerror}") from error
        finally:
            theirs.close()
        try:
            self._open(opening)
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def _open(self, opening: Mapping[str, Any]) -> None:
        try:
            self._channel.send(opening, timeout_s=_OPENING_S)
            answer = self._channel.receive(_OPENING_S)
        except Unavailable as error:
            raise Unavailable(f"the reading process ended while it opened its engine ({self._ending()})") from error
        if answer is None:
            raise Unavailable(f"the engine was not open within {_OPENING_S:g} s")
        if not answer[0].get("ready"):
            raise Unavailable(str(answer[0].get("trouble", "the reading process does not say why it does not read")))

    def look(self, jpeg: bytes | memoryview, asked: Mapping[str, Any], timeout_s: float) -> Answer | None:
        """Return what is on a picture; None: it took too long, and the process has to be ended.

        Raises:
            Unavailable: the process has died of it, and has to be replaced.
            InvalidInput: it answered what cannot be understood; it has to be replaced.
        """
        try:
            self._channel.send({**asked, "seconds": timeout_s}, jpeg, timeout_s)
            told = self._channel.receive(timeout_s)
        except Unavailable as error:
            raise Unavailable(f"the reading process died ({self._ending()})") from error
        except DataLoss as error:
            raise InvalidInput(error.message) from error
        if told is None:
            return None
        try:
            return answer_of(*told)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise InvalidInput(f"the reading process answered what cannot be understood: {error!r}"[:300]) from error

    def kill(self) -> None:
        """Have it die, whoever is about to ask it something; whoever uses it still has to end it."""
        self._process.kill()

    def end(self) -> None:
        """End it at once."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _ending(self) -> str:
        """Say how it ended."""
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return "it does not speak any more"
        return f"signal {-code}" if code < 0 else f"exit status {code}"
