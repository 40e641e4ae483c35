"""A connection and the one thread that may touch it; made anew whenever it is lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pika
import structlog

from gatehouse_common.errors import Unavailable
from gatehouse_common.observability.metrics import BUS_CONNECTED

from .address import TROUBLES, Address

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_TURN_S = 1.0


class Link:
    """A thread with a connection. What it does with it is for subclasses to say; all of that happens in this thread.

    Args:
        address: which broker.
        role: what the broker shows for the connection.
    """

    def __init__(self, address: Address, role: str) -> None:
        self._address, self._role = address, role
        self._stop = threading.Event()
        self._up = threading.Event()
        self._lock = threading.Lock()
        self._connection: pika.BlockingConnection | None = None
        self._trouble = "the broker has not been reached yet"
        BUS_CONNECTED.labels(role).set_function(lambda: float(self.works))
        self._thread = threading.Thread(target=self._keep, name=f"bus-{role}", daemon=True)

    @property
    def is_up(self) -> bool:
        """Whether there is a connection that works."""
        return self._up.is_set()

    @property
    def works(self) -> bool:
        """Whether what is to go over it goes, as far as is known."""
        return self.is_up

    def start(self) -> None:
        """Begin; the broker need not be there."""
        self._thread.start()

    def check(self) -> None:
        """Return if there is a connection that works.

        Raises:
            Unavailable: there is none; the sentence says why.
        """
        if not self._up.is_set():
            raise Unavailable(self._trouble)

    def call(self, do: Callable[[], None]) -> bool:
        """Let the thread do something soon; return False if there is no connection now, and so nothing is done.

        It may not be done either if the connection is lost before.
        """
        with self._lock:
            connection = self._connection
            if connection is None:
                return False
            try:
                connection.add_callback_threadsafe(do)
            except TROUBLES:
                return False
            return True

    def stop(self, timeout_s: float = 5.0) -> None:
        """Close the connection and end the thread."""
        self._stop.set()
        self.call(lambda: None)  # so that it looks up
        if self._thread.ident is not None and threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _begin(self, connection: pika.BlockingConnection) -> None:
        """Make channels, and what they need."""

    def _turn(self, connection: pika.BlockingConnection) -> None:
        """Do what there is to do, or wait for at most a second or so."""
        connection.process_data_events(time_limit=_TURN_S)

    def _lost(self) -> None:
        """Forget the channels: there is no connection any more."""

    def _keep(self) -> None:
        pause = _FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                connection = self._address.connect(self._role)
                try:
                    self._begin(connection)
                    self._found(connection)
                    pause = _FIRST_PAUSE_S
                    while not self._stop.is_set():
                        self._turn(connection)
                finally:
                    self._forget()
                    if connection.is_open:
                        connection.close()
            except TROUBLES as error:
                self._tell(self._address.explained(error).message)
            except Exception:  # the bus must outlive a fault in one of its turns
                log.exception("the connection to the broker failed of a fault", role=self._role)
                self._tell("a fault, see the log")
            # Jitter, so that not all processes come back in the same moment.
            self._stop.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter needs no secrecy
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _found(self, connection: pika.BlockingConnection) -> None:
        with self._lock:
            self._connection = connection
        if self._trouble:
            log.info("connected to the broker", role=self._role, broker=self._address.shown)
        self._trouble = ""
        self._up.set()

    def _forget(self) -> None:
        self._up.clear()
        with self._lock:
            self._connection = None
        self._lost()

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble and not self._stop.is_set():
            log.warning("no connection to the broker", role=self._role, reason=trouble)
        self._trouble = trouble
