"""Plate texts and what is taken for them: pure functions on texts of A-Z and 0-9.

A search that forgives looks for *folded* texts, in which characters that readers and people take for one another are
one, and lets one more character be wrong, missing or too many.
"""

from __future__ import annotations

from typing import Final

from gatehouse_common.errors import InvalidInput

from .plate_records import Match

MAX_TEXT = 16
MAX_PATTERN = 64

CONFUSED: Final = ("0ODQ", "1IL", "2Z", "5S", "6G", "8B")
"""Characters that are taken for one another; each group folds to its first."""

_FOLDS = str.maketrans({other: group[0] for group in CONFUSED for other in group[1:]})
_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_FOLDED: Final = sorted({c.translate(_FOLDS) for c in _CHARACTERS})
_BETWEEN = str.maketrans("", "", " \t-.·")


def tidy(text: str) -> str:
    """Return what a person typed as plates are kept: upper case, without what only parts their groups."""
    return text.translate(_BETWEEN).upper()


def check_sought(text: str, match: Match) -> None:
    """Return if ``text`` can be looked for.

    Raises:
        InvalidInput: it is empty, too long, or has a character that no plate has.
    """
    allowed = _CHARACTERS | frozenset("*?") if match == "wildcard" else _CHARACTERS
    longest = MAX_PATTERN if match == "wildcard" else MAX_TEXT
    if not 1 <= len(text) <= longest:
        raise InvalidInput(f"a plate to look for has 1 to {longest} characters, not {len(text)}", "text")
    wrong = sorted(set(text) - allowed)
    if wrong:
        more = ", * and ?" if match == "wildcard" else ""
        raise InvalidInput(f"a plate to look for has A-Z, 0-9{more}, not {wrong[0]!r}", "text")


def fold(text: str) -> str:
    """Return the text with characters that are taken for one another made one."""
    return text.translate(_FOLDS)


def near(folded: str) -> list[str]:
    """Return every folded text that differs from ``folded`` in at most one character, itself among them; sorted.

    Some four hundred for a plate of seven characters: looked up in an index that is there anyway, they cost less than
    an index of texts less one character, which would have seven rows for each text.
    """
    found = {folded}
    for at in range(len(folded) + 1):
        head, tail = folded[:at], folded[at:]
        if tail:
            found.add(head + tail[1:])
            found.update(head + c + tail[1:] for c in _FOLDED)
        if len(folded) < MAX_TEXT:
            found.update(head + c + tail for c in _FOLDED)
    found.discard("")
    return sorted(found)


def within_one(a: str, b: str) -> bool:
    """Return whether two texts differ in at most one character that is wrong, missing or too many."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    return a[same + (len(a) == len(b)) :] == b[same + 1 :]


def distance(a: str, b: str) -> int:
    """Return how many characters are wrong, missing or too many between two texts (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def suffixes(text: str) -> list[str]:
    """Return the ends of a text by which what is in the middle of it is found: two characters and more."""
    return [text[at:] for at in range(len(text) - 1)]


def longest_run(pattern: str) -> str:
    """Return the longest part of a wildcard pattern that is neither ``*`` nor ``?``; the first of them, or nothing."""
    return max(pattern.replace("?", "*").split("*"), key=len)
