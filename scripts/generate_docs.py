"""Write the pages that are made from code: `make docs`. Files that are no longer made are removed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from gatehouse_api.app import close_app, create_app
from gatehouse_api.openapi import reference as api_reference
from gatehouse_api.webhooks import reference as webhook_reference
from gatehouse_common.clock import SystemClock
from gatehouse_common.messages import asyncapi
from gatehouse_common.observability import metrics_reference
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load, reference

DOCS = Path(__file__).resolve().parents[1] / "docs"


def api_document() -> dict[str, Any]:
    """Return the OpenAPI document, of an app that nobody uses."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"data_dir": folder, "auth.mode": "open"}, environ={})
        core = Core.open(settings, SystemClock())
        core.db.upgrade()
        try:
            app = create_app(core)
            document: dict[str, Any] = app.api_doc
            close_app(app)
        finally:
            core.close()
    return document


def pages() -> dict[Path, str]:
    """Return every generated page and its text."""
    messages = {DOCS / "messages" / name: text for name, text in asyncapi.documents().items()}
    settings = {
        DOCS / "configuration.md": reference.render(),
        DOCS / "gatehouse.example.toml": reference.render_example(),
    }
    api = {DOCS / "api.md": api_reference.render(api_document())}
    metrics = {DOCS / "metrics.md": metrics_reference.render()}
    events = {DOCS / "webhook-events.md": webhook_reference.render()}
    return {**settings, **messages, **api, **metrics, **events}


def main() -> int:
    """Write the pages; return how many changed."""
    made = pages()
    changed = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path], encoding="utf-8")
    stale = [path for path in (DOCS / "messages").rglob("*.json") if path not in made]
    for path in stale:
        path.unlink()
    print(f"docs: {len(changed)} pages written, {len(stale)} removed, {len(made) - len(changed)} as they were")
    return 0


if __name__ == "__main__":
    sys.exit(main())
