"""Is it alive, is it ready, how is it doing: ``/livez``, ``/readyz``, ``/metrics``, ``/api/v1/health``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

from flask import Response, current_app, g, jsonify
from flask_openapi3 import OpenAPI, Tag
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from gatehouse_api.auth.access import needs, open_to_all
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.hosts import LOOPBACK
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.models import CheckView, Health
from gatehouse_common.accounts import Scope
from gatehouse_common.runtime import Check
from gatehouse_common.timefmt import rfc3339

api = Routes("system", __name__, abp_tags=[Tag(name="System")])

_CHECKS = "gatehouse-checks"
_REGISTRY = "gatehouse-registry"
_OF_CAMERA = "camera "


def install_checks(app: OpenAPI, checks: Callable[[], list[Check]]) -> None:
    """Make ``checks`` what `/readyz` asks."""
    app.extensions[_CHECKS] = checks


def install_registry(app: OpenAPI, registry: CollectorRegistry) -> None:
    """Make ``registry`` what `/metrics` shows."""
    app.extensions[_REGISTRY] = registry


def visible(checks: list[Check]) -> list[Check]:
    """Return the checks that are for whoever asks: of cameras, those that are there for them.

    Why something else does not work may name any camera: that is told to who sees all of them.
    """
    asks = caller()
    if asks.cameras() is None and asks.may(Scope.CAMERAS_READ):
        return checks
    found = []
    for check in checks:
        if not check.name.startswith(_OF_CAMERA):
            found.append(replace(check, detail=""))
        elif asks.may(Scope.CAMERAS_READ) and asks.sees(check.name.removeprefix(_OF_CAMERA)):
            found.append(check)
    return found


@api.get("/livez", summary="Does the process answer")
@open_to_all
def get_livez() -> Response:
    """Return 200 while the process answers."""
    return jsonify({"status": "ok"})


@api.get("/readyz", summary="Does everything work that must")
@open_to_all
def get_readyz() -> tuple[Response, int]:
    """Return 200 if everything works; else 503, naming to whoever may ask what does not and why.

    A camera that is away does not make the service unready: the others are served.
    """
    checks: list[Check] = current_app.extensions[_CHECKS]()
    needed = [c for c in checks if not c.name.startswith("camera ")]
    ready = all(c.ok for c in needed)
    body: dict[str, object] = {"status": "ok" if ready else "unready"}
    if g.principal is not None:
        body["checks"] = [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in visible(checks)]
    return jsonify(body), 200 if ready else 503


@api.get("/api/v1/health", responses={200: Health}, summary="What works, and who may ask")
@needs(Scope.CAMERAS_READ, Scope.UPLOADS_WRITE)
def get_health() -> Response:
    """Return all checks, the server's time, and how open it is. Always 200: `/readyz` is for balancers."""
    core = context().core
    host = core.settings.values.api.host
    checks: list[Check] = current_app.extensions[_CHECKS]()
    local, keeper = host in LOOPBACK, context().doorkeeper
    seen = visible(checks)
    body = Health(
        ok=all(c.ok for c in seen),
        version=version("gatehouse"),
        now=rfc3339(core.clock.now_us()),
        zone=str(core.zone),
        access=f"{'open to whoever reaches it' if keeper.is_open else 'users and tokens'}: bound to {host}",
        loopback_only=local,
        checks=[CheckView(name=c.name, ok=c.ok, detail=c.detail) for c in seen],
    )
    return jsonify(body.model_dump())


@api.get("/metrics", summary="Prometheus metrics")
@needs(Scope.METRICS_READ)
def get_metrics() -> Response:
    """Return all metrics in the text format."""
    registry: CollectorRegistry = current_app.extensions.get(_REGISTRY, REGISTRY)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@api.get("/api/v1/openapi.json", summary="This document")
@needs(Scope.CAMERAS_READ, Scope.UPLOADS_WRITE)
def get_openapi() -> Response:
    """Return the OpenAPI 3.1 document."""
    app = current_app
    if not isinstance(app, OpenAPI):
        raise TypeError("the app is not an OpenAPI app")
    return jsonify(app.api_doc)
