"""The pages about settings are made from the settings."""

from __future__ import annotations

from pathlib import Path

from gatehouse_common.settings import load, names, reference

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_pages_are_those_of_the_code() -> None:
    for name, text in (
        ("configuration.md", reference.render()),
        ("gatehouse.example.toml", reference.render_example()),
    ):
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"docs/{name} is stale: run `make docs`"


def test_the_reference_names_every_setting_and_what_it_takes() -> None:
    page = reference.render()
    for name in names():
        assert f"| `{name}` | `GATEHOUSE_{name.upper().replace('.', '__')}` |" in page
    assert "(`debug`, `info`, `warning`, `error`)" in page
    assert "(0 to 65535)" in page


def test_the_example_is_a_settings_file_of_defaults(tmp_path: Path) -> None:
    example = tmp_path / "example.toml"
    example.write_text(reference.render_example())
    assert load(config=example, environ={}) == load(config=_empty(tmp_path), environ={})
    used = "".join(
        line.removeprefix("# ") if " = " in line and line.startswith("# ") and "`" not in line else line
        for line in reference.render_example().splitlines(keepends=True)
    )
    example.write_text(used)
    settings = load(config=example, environ={})
    assert settings.values == load(config=_empty(tmp_path), environ={}).values
    assert set(settings.sources.values()) == {str(example)}, "every setting is in the example"


def _empty(folder: Path) -> Path:
    path = folder / "empty.toml"
    path.touch()
    return path
