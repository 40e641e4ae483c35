"""Texts of others, made such that every database keeps them as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_SURE_INTEGERS = 2**53
"""Beyond it an integer in JSON may come back as the nearest floating-point number."""


def fit_text(text: str, most: int) -> str:
    """Return a text cut to ``most`` characters; halves of surrogate pairs, which are in no encoding, become ``?``."""
    return text[:most].encode("utf-8", "replace").decode()


def fit_json(value: Any, most: int) -> Any:
    """Return a value of JSON that comes back from every database as it is.

    Args:
        value: texts, numbers, None, lists and mappings of them; what else there is becomes text.
        most: texts in it are cut to so many characters.
    """
    if isinstance(value, Mapping):
        return {fit_text(str(name), most): fit_json(one, most) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [fit_json(one, most) for one in value]
    return value if _is_sure(value) else fit_text(str(value), most)


def _is_sure(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) <= _SURE_INTEGERS
    return value is None or (isinstance(value, float) and math.isfinite(value))
