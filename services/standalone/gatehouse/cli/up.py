"""``gatehouse up``: everything in one process."""

from __future__ import annotations

import http.client
import threading
from http import HTTPStatus
from pathlib import Path

import click

from gatehouse.composition import Gatehouse
from gatehouse.roster import parse_cameras
from gatehouse_common.db import CameraRepository
from gatehouse_common.errors import GatehouseError
from gatehouse_common.observability import logs
from gatehouse_common.runtime import keep_small

from .options import data_options, read_settings
from .process import run_until, stop_on_signals

_ANSWERS_WITHIN_S = 5.0


@click.command()
@click.option("--camera", "cameras", multiple=True, metavar="ID=URL", help="Record this camera too; may be repeated.")
@click.option("--demo", is_flag=True, help="Record a synthetic camera called demo.")
@click.option("--port", type=int, help="Port of the web server (setting api.port); 0 takes a free one.")
@click.option("--host", help="Address of the web server (setting api.host).")
@data_options
def up(
    cameras: tuple[str, ...],
    demo: bool,
    port: int | None,
    host: str | None,
    data: Path | None,
    config: Path | None,
) -> None:
    """Run everything in one process: record all cameras, index what was recorded, serve it on the web.

    Ctrl-C or SIGTERM stops it and finishes what is in hand. Cameras that are named here stay: the next
    `gatehouse up` records them too (`gatehouse camera remove` ends that).
    """
    settings = read_settings(data, config, **{"api.port": port, "api.host": host})
    log = settings.values.log
    logs.set_up(log.level, log.format, log.file)
    named = parse_cameras(cameras, demo=demo)
    stop = stop_on_signals()
    keep_small()
    gatehouse = Gatehouse(settings, named)

    def announce() -> None:
        if _wait_for_server(gatehouse, stop):
            _announce(gatehouse)

    run_until(stop, gatehouse, announce)
    click.echo("Stopped. Everything recorded is safe.")


def _wait_for_server(gatehouse: Gatehouse, stop: threading.Event) -> bool:
    """Wait until the web server answers, however slow the machine is; return whether it did before the stop."""
    api = gatehouse.settings.values.api
    while not stop.is_set():
        server = http.client.HTTPConnection(_reachable(api.host), api.port, timeout=_ANSWERS_WITHIN_S)
        try:
            server.request("GET", "/livez")
            return server.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            stop.wait(0.05)
        finally:
            server.close()
    return False


def _announce(gatehouse: Gatehouse) -> None:
    values = gatehouse.settings.values
    host = _reachable(values.api.host)
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Gatehouse records {_count(gatehouse)} into {gatehouse.core.data_dir}")
    click.echo(f"Open http://{shown}:{values.api.port}/")
    click.echo("There: cameras live at /, plates at /plates, uploads and recordings at /library, the API at /api/docs.")
    if values.auth.mode == "open":
        click.echo(f"There are no users (auth.mode is open), so it listens on {values.api.host} only. Ctrl-C stops it.")


def _count(gatehouse: Gatehouse) -> str:
    try:
        number = sum(c.enabled for c in CameraRepository(gatehouse.core.db).list())
    except GatehouseError:
        return "the cameras of the last time"
    if number == 0:
        return "no camera yet (add one on the page, or with `gatehouse camera add`)"
    return "1 camera" if number == 1 else f"{number} cameras"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
