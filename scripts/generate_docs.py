"""Write the pages that are made from code: `make docs`. Files that are no longer made are removed."""

from __future__ import annotations

import sys
from pathlib import Path

from gatehouse_common.messages import asyncapi
from gatehouse_common.settings import reference

DOCS = Path(__file__).resolve().parents[1] / "docs"


def pages() -> dict[Path, str]:
    """Return every generated page and its text."""
    messages = {DOCS / "messages" / name: text for name, text in asyncapi.documents().items()}
    settings = {
        DOCS / "configuration.md": reference.render(),
        DOCS / "gatehouse.example.toml": reference.render_example(),
    }
    return {**settings, **messages}


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
