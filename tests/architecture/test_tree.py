"""The shape of the repository: the dependency rule, file sizes, and links that lead somewhere."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    p for top in ("libs", "services") for p in (ROOT / top).rglob("*.py") if "migrations/versions" not in str(p)
)
TEXTS = sorted(p for p in ROOT.rglob("*.md") if not {".venv", "build", "data", "node_modules"} & set(p.parts))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_services_never_import_each_other() -> None:
    """The dependency rule, as `make check` runs it."""
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_no_module_is_longer_than_500_lines() -> None:
    too_long = {str(p.relative_to(ROOT)): lines(p) for p in SOURCES if lines(p) > 500}
    assert not too_long


def test_modules_hold_one_idea_each() -> None:
    sizes = [lines(p) for p in SOURCES if p.name != "__init__.py"]
    assert statistics.median(sizes) <= 140


def test_no_module_is_named_for_nothing() -> None:
    banned = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert not [str(p) for p in SOURCES if p.stem in banned]


def anchors(path: Path) -> set[str]:
    """Return the names of a page's headings, as GitHub makes them."""
    text = re.sub(r"^(```|~~~).*?^\1", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+?)\s*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.append(f"{name}-{found.count(name)}" if name in found else name)
    return set(found)


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Files that are there, and in them the headings that are named."""
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", path.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        there = path.parent / target if target else path
        assert there.exists(), f"{path.relative_to(ROOT)} links to {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{path.relative_to(ROOT)} links to {target}#{anchor}"


def test_pictures_of_the_readme_are_small() -> None:
    """The page comes at once over a telephone, too."""
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    assert 3 <= len(sizes) <= 8
    assert {name: size for name, size in sizes.items() if size >= 150_000} == {}


def test_the_tests_that_prove_recovery_are_there() -> None:
    """S2-43: each place where a crash may come is proved by a test that can be found."""
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "docs" / "design" / "recovery.md").read_text())
    assert len(set(named)) > 15
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_service_says_what_it_consumes_publishes_and_writes() -> None:
    """W-1, W-2: one README per service, and it answers the same questions everywhere."""
    for service in ("capture", "segmenter", "indexer", "detector", "transcoder", "api"):
        text = (ROOT / "services" / service / "README.md").read_text().lower()
        for word in ("consumes", "publishes", "writes", "settings", "metrics", "fail"):
            assert word in text, f"services/{service}/README.md does not speak of {word!r}"


@pytest.mark.parametrize("service", ["capture", "segmenter", "indexer", "detector", "transcoder", "api", "standalone"])
def test_a_service_says_what_its_modules_are_for(service: str) -> None:
    folder = ROOT / "services" / service
    text = (folder / "README.md").read_text()
    modules = [p.name for p in folder.glob("gatehouse*/*.py") if not p.name.startswith("__")]
    assert not [name for name in sorted(modules) if f"`{name}`" not in text]
