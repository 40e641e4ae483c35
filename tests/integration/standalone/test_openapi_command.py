"""``gatehouse openapi`` prints the document that the server gives, without a server."""

from __future__ import annotations

import json

from click.testing import CliRunner

from gatehouse.cli.entry import root


def test_the_document_is_printed_to_whoever_has_the_program() -> None:
    """W-3: REST consumers read it before there is an installation, where nobody can log in."""
    shown = CliRunner().invoke(root, ["openapi"])
    assert shown.exit_code == 0
    document = json.loads(shown.output)
    assert document["openapi"].startswith("3.1")
    assert {"/readyz", "/api/v1/footage"} <= document["paths"].keys()
