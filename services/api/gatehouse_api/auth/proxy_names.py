"""Whom a proxy before this server names: it has logged people in itself, and shows a secret that it is the one."""

from __future__ import annotations

import hmac

from flask import Request

from gatehouse_api.forwarded import VIA
from gatehouse_common.errors import Unauthenticated
from gatehouse_common.observability.metrics import AUTH_FAILURES
from gatehouse_common.settings.auth import AuthSettings

SECRET = "X-Gatehouse-Proxy-Secret"  # noqa: S105 - the name of a header


class ProxyNames:
    """Reads the name of whoever asks from what a trusted proxy adds.

    Args:
        auth: in which header, and the secret.
    """

    def __init__(self, auth: AuthSettings) -> None:
        self._header, self._secret = auth.proxy_user_header, auth.proxy_secret.encode()

    def name(self, request: Request) -> str:
        """Return whom the proxy names, empty if nobody: then a token may be shown.

        Raises:
            Unauthenticated: somebody is named by whom nobody trusts.
        """
        named = request.headers.get(self._header, "").strip()
        if not named:
            return ""
        shown = request.headers.get(SECRET, "").encode()
        if VIA not in request.environ or not self._secret or not hmac.compare_digest(shown, self._secret):
            AUTH_FAILURES.labels("proxy").inc()
            raise Unauthenticated("who names somebody is not the proxy that may: see api.trusted_proxies.")
        return named
