"""What clients of tus ask where only GET and POST pass: ``X-HTTP-Method-Override`` (tus 1.0.0, core protocol)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from .tus import PATH

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_METHODS: Final = frozenset({"HEAD", "PATCH", "DELETE"})


class Overridden:
    """Takes a POST to an upload for what its header says that it is.

    Args:
        app: answers.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").strip().upper()
        is_upload = environ.get("PATH_INFO", "").startswith(f"{PATH}/")
        if method in _METHODS and is_upload and environ.get("REQUEST_METHOD") == "POST":
            environ["REQUEST_METHOD"] = method
        return self._app(environ, start_response)
