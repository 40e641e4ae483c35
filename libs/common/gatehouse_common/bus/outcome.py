"""What becomes of a message that was handed to a handler: the same on every bus."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from gatehouse_common.errors import GatehouseError, InvalidInput, Kind
from gatehouse_common.messages import decode

from .hand import Hand
from .port import Delivery, Handler

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went: well if there is no ``reason``; else whether another try may mend it.

    ``stopped``: the handler was told to stop. That says nothing about the message, which goes back to its queue.
    """

    reason: str | None = None
    retry: bool = False
    stopped: bool = False


def hand_over(hand: Hand, data: bytes, handler: Handler, attempt: int) -> Outcome:
    """Decode a durable message and hand it over; never raises.

    An error of our tree is worth a retry if its kind says so, any other error always; a body that cannot be decoded
    never is.
    """
    try:
        message = decode(data)
    except InvalidInput as error:
        return Outcome(error.message)
    except Exception as error:
        log.exception("a message could not be decoded", queue=hand.queue)
        return Outcome(f"{type(error).__name__}: {error}")
    hand.take(message, attempt)
    try:
        handler(Delivery(message, None, attempt))
    except GatehouseError as error:
        return Outcome(error.message, error.kind.retry, stopped=error.kind is Kind.CANCELLED)
    except (Exception, SystemExit) as error:  # a library that exits must not end the queue
        log.exception("handler failed", queue=hand.queue, type=message.TYPE, message_id=message.id)
        return Outcome(f"{type(error).__name__}: {error}", retry=True)
    hand.handled()
    return Outcome()
