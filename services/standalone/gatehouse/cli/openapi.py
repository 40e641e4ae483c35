"""``gatehouse openapi``: the HTTP API's description."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from gatehouse_api.app import create_app
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load


@click.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document of the HTTP API. Needs no data directory and no server."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = {"data_dir": scratch, "broker_url": "memory:", "auth.mode": "open"}  # nobody is there to log in
        core = Core.open(load(settings, environ={}, config=_empty(scratch)))
        try:
            document = create_app(core).test_client().get("/api/v1/openapi.json").get_json()
        finally:
            core.close()
    click.echo(json.dumps(document, indent=1, ensure_ascii=False))


def _empty(folder: str) -> Path:
    """Return an empty settings file, so that the document does not depend on where it is printed."""
    path = Path(folder) / "none.toml"
    path.touch()
    return path
