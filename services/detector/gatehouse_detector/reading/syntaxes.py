"""Which texts are plates where: the table in ``syntaxes.toml``, and how well a text fits it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gatehouse_common.errors import InvalidInput

from .alphabet import as_digit, as_letter

ANY = "any"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TABLE = Path(__file__).with_name("syntaxes.toml")


@dataclass(frozen=True, slots=True)
class Syntax:
    """One form of plates.

    Attributes:
        region: the table that it is in.
        issuer: who issues plates of this form.
        pattern: as people write it, e.g. ``AAA-9999``.
        weight: how common it is in its region, 0 to 1.
        form: what a text of it matches.
        places: for each character ``A``, ``9`` or the one letter that it is.
    """

    region: str
    issuer: str
    pattern: str
    weight: float
    form: re.Pattern[str]
    places: str


@cache
def table() -> dict[str, tuple[Syntax, ...]]:
    """Return all syntaxes by region, the commonest first."""
    read = tomllib.loads(_TABLE.read_text())
    return {
        region: tuple(sorted((_syntax(region, each) for each in entry["syntaxes"]), key=lambda s: -s.weight))
        for region, entry in read.items()
    }


def _syntax(region: str, entry: dict[str, str | float]) -> Syntax:
    pattern = str(entry["pattern"])
    letters = "".join(each for each in _LETTERS if each not in str(entry.get("without", "")))
    classes = {"A": f"[{letters}]", "9": "[0-9]", "-": "", " ": ""}
    form = "".join(classes.get(char, char) for char in pattern)
    places = pattern.replace("-", "").replace(" ", "")
    return Syntax(region, str(entry["by"]), pattern, float(entry["weight"]), re.compile(form), places)


def regions() -> list[str]:
    """Return the names of the regions that there are syntaxes for."""
    return sorted(table())


def known_region(region: str) -> str:
    """Return the region, empty for ``any``.

    Raises:
        InvalidInput: there is no such region.
    """
    if region in ("", ANY):
        return ""
    if region not in table():
        raise InvalidInput(f"there are no plates of the region {region!r}: it is one of any, {', '.join(regions())}.")
    return region


@cache
def _of(region: str) -> tuple[Syntax, ...]:
    if region:
        return table()[region]
    every = [syntax for syntaxes in table().values() for syntax in syntaxes]
    return tuple(sorted(every, key=lambda s: -s.weight))


@cache
def _of_length(region: str, length: int) -> tuple[Syntax, ...]:
    """Return the syntaxes of a length, one of each form: several states share one."""
    commonest = {syntax.form: syntax for syntax in reversed(_of(region)) if len(syntax.places) == length}
    return tuple(sorted(commonest.values(), key=lambda syntax: -syntax.weight))


def fit(text: str, region: str) -> Syntax | None:
    """Return the commonest syntax that a text has, or None.

    Args:
        text: of A-Z and 0-9.
        region: one of the table's; empty: all of them.
    """
    return next((syntax for syntax in _of_length(region, len(text)) if syntax.form.fullmatch(text)), None)


_MOST_CHANGES = 2


def resolved(text: str, region: str) -> set[str]:
    """Return the texts of a syntax that a text becomes when letters and digits that look alike change places."""
    found = set()
    for syntax in _of_length(region, len(text)):
        other = "".join(
            as_digit(char) if place == "9" else as_letter(char) if place == "A" else place
            for char, place in zip(text, syntax.places, strict=True)
        )
        changes = sum(a != b for a, b in zip(text, other, strict=False))
        if len(other) == len(text) and 0 < changes <= _MOST_CHANGES and syntax.form.fullmatch(other):
            found.add(other)
    return found
