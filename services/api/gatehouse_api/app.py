"""The WSGI app: routes, errors, guards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib.metadata import version

from flask import Flask, Response, make_response
from flask_openapi3 import Info
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from gatehouse_common.db import KeptAnswers
from gatehouse_common.errors import GatehouseError
from gatehouse_common.runtime import Check, Core
from gatehouse_common.settings import trusted_networks

from . import problems
from .auth.door import install_door
from .auth.witness import install_witness
from .composition import build_context
from .context import context, install
from .deprecation import install_deprecation
from .forwarded import Forwarded
from .guard import install_guard
from .idempotency import install_idempotency
from .limits import Limits
from .mqtt.bridge import MqttBridge
from .openapi.document import Api
from .recording_watch import RecordingWatch
from .routes import (
    account_pages,
    audit,
    auth,
    cameras,
    clips,
    compat,
    compat_s0,
    compat_s0_accounts,
    compat_s4,
    coverage,
    events,
    exports,
    footage,
    hls,
    jobs,
    library_pages,
    links,
    list_pages,
    live,
    live_grid,
    live_order,
    log_pages,
    login_pages,
    media_pages,
    media_upload,
    pages,
    plate_pages,
    plates,
    record_pages,
    retention,
    session_files,
    settings_pages,
    stats_pages,
    storage,
    system,
    timeline,
    tokens,
    upload_blobs,
    uploads,
    user_pages,
    users,
    v2_detection,
    v2_stream,
    v2_video,
    view_pages,
    viewings,
    watch_lists,
    webhook_pages,
    webhooks,
)
from .uploads.crowd import install_crowd
from .uploads.origins import Origins
from .uploads.overridden import Overridden
from .viewing_desk import ViewingDesk
from .webhooks.notifier import Notifier

_FAMILIES = (
    cameras,
    exports,
    footage,
    timeline,
    coverage,
    hls,
    live,
    live_grid,
    live_order,
    plates,
    watch_lists,
    clips,
    events,
    storage,
    jobs,
    retention,
    session_files,
    uploads,
    media_upload,
    upload_blobs,
    viewings,
    auth,
    users,
    tokens,
    audit,
    links,
    webhooks,
    compat,
    compat_s0,
    compat_s4,
    compat_s0_accounts,
    v2_video,
    v2_detection,
    v2_stream,
    system,
)

_DESCRIPTION = """Gatehouse keeps every second of every camera and gives back any moment, exactly.

Times are RFC 3339 with an offset, `YYYYMMDD_HHMMSS` in the site's zone, or seconds since 1970; ranges are half-open,
`[from, to)`. Errors are problem documents (RFC 9457).

Programs show a token, as `Authorization: Bearer`, as `X-API-Key` or as the password of Basic; browsers have a session.
What is not there for whoever asks answers as what does not exist does: 404."""

# The viewer of the reference asks nothing of other hosts.
_REFERENCE = {
    "withDefaultFonts": False,
    "telemetry": False,
    "hideClientButton": True,
    "agent": {"disabled": True},
    "mcp": {"disabled": True},
    "showDeveloperTools": "never",
}


def create_app(core: Core, stop: threading.Event | None = None, checks: Callable[[], list[Check]] | None = None) -> Api:
    """Return the app.

    Args:
        core: adapters and settings.
        stop: set when the server is to end.
        checks: what `/readyz` asks.
    """
    app = Api(
        "gatehouse_api",
        info=Info(title="Gatehouse", version=version("gatehouse"), description=_DESCRIPTION),
        doc_prefix="/api/docs",
        security_schemes={
            "token": {"type": "http", "scheme": "bearer", "bearerFormat": "gatehouse_pat_..."},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "password": {"type": "http", "scheme": "basic"},
            "session": {"type": "apiKey", "in": "cookie", "name": "gatehouse"},
        },
        validation_error_status=422,
        validation_error_callback=problems.from_validation,
    )
    app.config["SCALAR_CONFIG"] = _REFERENCE
    app.json.sort_keys = False  # type: ignore[attr-defined]
    api = core.settings.values.api
    with app.app_context():
        install(build_context(core, stop or threading.Event(), checks or list))
    system.install_checks(app, checks or list)
    inner = Overridden(app.wsgi_app)
    app.wsgi_app = Forwarded(inner, trusted_networks(api.trusted_proxies))  # type: ignore[method-assign]
    limit = core.settings.values.uploads
    install_guard(app, api.host, api.allowed_hosts, Origins(limit.allowed_origins), limit.most_blob_bytes)
    with app.app_context():
        ctx, limits = context(), Limits(core.settings.values.limits, core.clock)
        limits.install_for_addresses(app)
        install_door(app, ctx.doorkeeper)
        limits.install_for_callers(app)
        install_crowd(app, api.threads)
        install_idempotency(app, KeptAnswers(core.db), core.clock)
        install_witness(app, ctx.audit, core.clock, is_open=ctx.doorkeeper.is_open)
    install_deprecation(app)
    for family in _FAMILIES:
        app.register_api(family.api)
    app.register_blueprint(pages.pages)
    app.register_blueprint(plate_pages.pages)
    app.register_blueprint(list_pages.pages)
    for family in (
        login_pages,
        account_pages,
        user_pages,
        library_pages,
        media_pages,
        record_pages,
        view_pages,
        log_pages,
        stats_pages,
        settings_pages,
        webhook_pages,
    ):
        app.register_blueprint(family.pages)
    _install_errors(app)
    _install_site(app, core)
    return app


def recording_of(app: Flask) -> RecordingWatch:
    """Return who sees which cameras of an app are not recorded that should be."""
    with app.app_context():
        return context().recording


def viewings_of(app: Flask) -> ViewingDesk:
    """Return who follows the live views of an app."""
    with app.app_context():
        return context().viewings


def notifier_of(app: Flask) -> Notifier:
    """Return who tells webhooks of events for an app."""
    with app.app_context():
        return context().webhooks.notifier


def bridge_of(app: Flask) -> MqttBridge:
    """Return who tells an MQTT broker what happens, for an app."""
    with app.app_context():
        held = context()
        return MqttBridge(held.core, held.events, held.event_sources, held.camera_records, held.audit)


def setup_token_of(app: Flask) -> str | None:
    """Return a new token by which the first user is made from another machine; None: there are users.

    Raises:
        InvalidInput: the settings name a first user that cannot be one.
    """
    with app.app_context():
        desk = context().login_desk
        desk.set_up_by_settings()
        return desk.new_setup_token()


def close_app(app: Flask) -> None:
    """Let go of what an app holds open: the files of open chunks, and what listens to the bus."""
    with app.app_context():
        held = context()
    held.everything.close()
    held.events.close()
    held.detectors.close()


def _install_site(app: Flask, core: Core) -> None:
    """Have all pages, those of problems too, know the site by now: its name, and whose times they show."""
    with app.app_context():
        page = context().settings

    @app.context_processor
    def site() -> dict[str, str]:
        return {"site_name": page.values.site_name or "Gatehouse", "zone": str(core.zone)}


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
