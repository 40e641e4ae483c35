"""The WSGI app: routes, errors, guards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib.metadata import version

from flask import Flask, Response, make_response
from flask_openapi3 import Info, OpenAPI
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from gatehouse_common.db import CameraRepository, FootageReader
from gatehouse_common.errors import GatehouseError
from gatehouse_common.footage import ChunkReader, Library
from gatehouse_common.runtime import Check, Core

from . import problems
from .context import Context, context, install
from .conversions import Conversions
from .guard import install_guard
from .live import LiveDesk
from .live_feed import LiveFeeds
from .routes import cameras, compat, footage, hls, live, pages, system, timeline

_DESCRIPTION = """Gatehouse keeps every second of every camera and gives back any moment, exactly.

Times are RFC 3339 with an offset, `YYYYMMDD_HHMMSS` in the site's zone, or seconds since 1970; ranges are half-open,
`[from, to)`. Errors are problem documents (RFC 9457). There are no accounts yet."""

# The viewer of the reference asks nothing of other hosts.
_REFERENCE = {
    "withDefaultFonts": False,
    "telemetry": False,
    "hideClientButton": True,
    "agent": {"disabled": True},
    "mcp": {"disabled": True},
    "showDeveloperTools": "never",
}


def create_app(
    core: Core, stop: threading.Event | None = None, checks: Callable[[], list[Check]] | None = None
) -> Flask:
    """Return the app.

    Args:
        core: adapters and settings.
        stop: set when the server is to end.
        checks: what `/readyz` asks.
    """
    app = OpenAPI(
        "gatehouse_api",
        info=Info(title="Gatehouse", version=version("gatehouse"), description=_DESCRIPTION),
        doc_prefix="/api/docs",
        security_schemes={},
        validation_error_status=422,
        validation_error_callback=problems.from_validation,
    )
    app.config["SCALAR_CONFIG"] = _REFERENCE
    app.json.sort_keys = False  # type: ignore[attr-defined]
    ending = stop or threading.Event()
    api = core.settings.values.api
    desk = LiveDesk(LiveFeeds(core), core.clock, api.max_live_viewers)
    with app.app_context():
        library = Library(core)
        reader = ChunkReader(core.media, library.locate)
        making = Conversions(api.max_conversions, api.conversion_timeout_seconds, ending)
        install(Context(core, CameraRepository(core.db), FootageReader(core.db), library, reader, desk, making, ending))
    system.install_checks(app, checks or list)
    install_guard(app, api.host, api.allowed_hosts)
    for family in (cameras.api, footage.api, timeline.api, hls.api, live.api, compat.api, system.api):
        app.register_api(family)
    app.register_blueprint(pages.pages)
    _install_errors(app)
    return app


def close_app(app: Flask) -> None:
    """Let go of what an app holds open: the files of open chunks."""
    with app.app_context():
        context().library.close()


def _install_errors(app: Flask) -> None:
    @app.errorhandler(GatehouseError)
    def ours(error: GatehouseError) -> Response:
        return problems.from_error(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if error.code is not None and error.code < 400:
            return make_response(error.get_response())
        return problems.from_http(error)

    @app.errorhandler(ValidationError)
    def invalid(error: ValidationError) -> Response:
        return problems.from_validation(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        return problems.from_unexpected(error)
