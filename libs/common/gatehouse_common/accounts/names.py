"""Names of users: what people see, and the key by which two of them are the same."""

from __future__ import annotations

import unicodedata

from gatehouse_common.errors import InvalidInput

_MOST = 255
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what is not seen, or changes how what is beside it is: controls, marks of direction, halves."""


def parse_name(text: str) -> str:
    """Return the name of a user as it is kept: normalised (NFKC), without space around it.

    Raises:
        InvalidInput: it is empty, longer than 255 characters, or has what cannot be seen.
    """
    normal = unicodedata.normalize("NFKC", text[: 4 * _MOST])
    name = " ".join(normal.split())
    if len(text) > _MOST or len(name) > _MOST or not any(letter.isalnum() for letter in name):
        raise InvalidInput(f"a name has 1 to {_MOST} characters, of which one at least is a letter or digit.", "name")
    if any(unicodedata.category(letter) in _UNSEEN for letter in normal):
        raise InvalidInput("a name may have no characters that cannot be seen.", "name")
    return name


def name_key(name: str) -> str:
    """Return by what a name is found: `Ann` and `ANN`, `café` written in two ways, are one (NFKC, casefolded)."""
    folded = unicodedata.normalize("NFKC", name[: 4 * _MOST]).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())[:_MOST]
