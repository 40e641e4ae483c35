"""What the page on troubles quotes is what Gatehouse says, and the tables of it leave out none of its words."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
ANYTHING = "\0"
"""Stands for what is put into a sentence when it is said."""


@cache
def sayings() -> tuple[str, ...]:
    """Return every text in the programs and pages, with ``ANYTHING`` where something is put in."""
    found: list[str] = []
    for top in ("libs", "services"):
        for path in (ROOT / top).rglob("*"):
            if path.suffix == ".py":
                found += _of_python(path)
            elif path.suffix in {".js", ".html"} and "vendor" not in path.parts:
                text = re.sub(r"\$\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", ANYTHING, path.read_text())
                found.append(" ".join(text.split()))
    return tuple(found)


def _of_python(path: Path) -> list[str]:
    said = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            said.append(" ".join(node.value.split()))
        elif isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else ANYTHING for p in node.values]
            said.append(" ".join("".join(map(str, parts)).split()))
    return said


def quotes() -> list[str]:
    """Return what is in quotes on the page, outside of what is typed."""
    text = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    return sorted({" ".join(found.split()) for found in re.findall(r'"([^"]*)"', text) if len(found) > 5})


@pytest.mark.parametrize("quote", quotes())
def test_what_is_quoted_is_said(quote: str) -> None:
    # `...` is something that is put in, or what one sentence gives to another.
    parts = [part for part in quote.split("...") if part.strip(" :")]
    assert parts
    pattern = re.compile(".{0,80}?".join(re.escape(part.strip()) for part in parts), re.DOTALL)
    assert any(pattern.search(said) for said in sayings()), f"nothing says {quote!r}"


def test_enough_is_quoted() -> None:
    assert len(quotes()) > 60


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("services/janitor/gatehouse_janitor/checking/problem.py", ["Kind"]),
        ("libs/common/gatehouse_common/messages/vocabulary.py", ["GapCause", "CameraState"]),
    ],
)
def test_no_word_is_left_out(module: str, names: list[str]) -> None:
    """S2-44: every word that `gatehouse check`, cameras and gaps use is explained."""
    for node in ast.parse((ROOT / module).read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name in names:
            words = [
                one.value.value
                for one in node.body
                if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
            ]
            assert len(words) >= 5
            assert [word for word in words if f"`{word}`" not in PAGE] == []
