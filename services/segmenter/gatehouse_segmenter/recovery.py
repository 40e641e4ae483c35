"""What a crash left in the spool is found, made whole, and told as closed."""

from __future__ import annotations

import structlog

from gatehouse_common.bus import Bus
from gatehouse_common.clock import Clock
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError
from gatehouse_common.messages import ChunkClosed
from gatehouse_common.observability.metrics import RECOVERED_FILES
from gatehouse_common.storage import LocalStore, keys

from .publishing import Publisher

log = structlog.get_logger(__name__)


class Recovery:
    """Goes through the spool before capture begins to write to it."""

    def __init__(self, spool: LocalStore, publisher: Publisher, bus: Bus, clock: Clock) -> None:
        self._spool, self._publisher, self._bus, self._clock = spool, publisher, bus, clock

    def run(self) -> int:
        """Adopt every leftover; return how many chunks were told as closed.

        A damaged file costs itself only: it goes to quarantine, with the reason in the log.
        """
        told = 0
        for found in list(self._spool.list(keys.SPOOL)):
            try:
                told += self._recover(found.key)
            except DataLoss as error:
                self._quarantine(found.key, error.message)
            except GatehouseError as error:
                log.error("a leftover of the spool cannot be recovered now", key=found.key, reason=error.message)  # noqa: TRY400
                RECOVERED_FILES.labels("failed").inc()
        return told

    def _recover(self, key: str) -> int:
        if keys.parse_spool(key) is None:
            raise DataLoss(f"{key} is not a file of ours")
        adopted = self._publisher.adopt(key)
        info, media = adopted.info, adopted.media
        # Times by the file itself: the run's origin may have been refined after the file was begun.
        message = ChunkClosed(
            camera=info.camera,
            time_us=media.end_us,
            run=info.run,
            chunk=info.chunk,
            key=key,
            start_us=media.start_us,
            end_us=media.end_us,
            origin_us=media.origin_us,
            bytes=adopted.size,
            recovered=not adopted.was_closed,
        )
        self._bus.publish(message)
        RECOVERED_FILES.labels("closed" if adopted.was_closed else "adopted").inc()
        log.info(
            "adopted a chunk",
            camera=info.camera,
            key=key,
            lost_bytes=adopted.lost_bytes,
            seconds=(media.end_us - media.start_us) / 1e6,
        )
        return 1

    def _quarantine(self, key: str, reason: str) -> None:
        target = keys.quarantine(key.removeprefix(keys.SPOOL), self._clock.now_us())
        try:
            self._spool.put_file(self._spool.root / key, target)
        except Conflict:
            log.warning("already in quarantine", key=key)
        self._spool.delete(key)
        RECOVERED_FILES.labels("quarantined").inc()
        log.error("moved to quarantine", key=key, to=target, reason=reason)
