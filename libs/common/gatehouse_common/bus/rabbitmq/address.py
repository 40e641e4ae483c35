"""Which broker, how long is waited for it, and what its refusals mean in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pika
from pika import exceptions

from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_common.observability.secrets import mask

HEARTBEAT_S = 30
BLOCKED_S = 60
SOCKET_S = 5
TROUBLES = (exceptions.AMQPError, OSError)
"""What pika raises when the broker is away, goes away, or refuses."""


class Address:
    """A broker's URL, ``amqp[s]://user:password@host[:port][/vhost]``.

    Args:
        url: it may name options of pika (``?heartbeat=10``).
        name: what the broker shows for our connections.

    Raises:
        InvalidInput: it is no such URL; the sentence does not hold the password.
    """

    def __init__(self, url: str, name: str) -> None:
        try:
            parts = urlsplit(url)
            self.shown = f"{parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}"
            if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
                raise ValueError("it needs the scheme amqp or amqps, and a host")
            self._parameters = pika.URLParameters(url if parts.path not in {"", "/"} else _with_default_host(url))
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"broker_url is not valid: {mask(str(error))[:100]}", "broker_url") from error
        asked = self._parameters.heartbeat
        self._parameters.heartbeat = HEARTBEAT_S if asked is None else asked
        self._parameters.blocked_connection_timeout = BLOCKED_S
        self._parameters.socket_timeout = SOCKET_S
        self._parameters.stack_timeout = 2 * SOCKET_S
        self._name = name

    def connect(self, role: str) -> pika.BlockingConnection:
        """Return a new connection; raises what is in ``TROUBLES``."""
        self._parameters.client_properties = {"connection_name": f"gatehouse {self._name} {role}"}
        return pika.BlockingConnection(self._parameters)

    def explained(self, error: BaseException) -> Unavailable:
        """Return an error of pika in our words."""
        if isinstance(error, exceptions.ProbableAuthenticationError | exceptions.AuthenticationError):
            return Unavailable(f"the broker {self.shown} does not know our user or password")
        if isinstance(error, exceptions.ProbableAccessDeniedError):
            return Unavailable(f"the broker {self.shown} does not let our user into that virtual host")
        if isinstance(error, exceptions.ChannelClosedByBroker | exceptions.ConnectionClosedByBroker):
            return Unavailable(f"the broker {self.shown} says: {mask(error.reply_text)[:200]}")
        return Unavailable(f"the broker {self.shown} does not answer ({type(error).__name__})")

    @contextmanager
    def talking(self) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
        """Yield a channel of a connection for one question.

        Raises:
            Unavailable: the broker does not answer, or refuses.
        """
        try:
            connection = self.connect("question")
        except TROUBLES as error:
            raise self.explained(error) from error
        try:
            yield connection.channel()
        except TROUBLES as error:
            raise self.explained(error) from error
        finally:
            if connection.is_open:
                connection.close()


def _with_default_host(url: str) -> str:
    """Name the broker's default virtual host, ``/``, where the URL names none."""
    before, mark, after = url.partition("?")
    return before.rstrip("/") + "/%2F" + mark + after
