"""Lines of CSV (RFC 4180) that a spreadsheet opens without being told what to do by what is in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_TEXT: Final = "'"


def line(values: Iterable[object]) -> str:
    """Return a line of values; what a spreadsheet would take for a formula is made text, None is empty."""
    text = io.StringIO()
    cells = ["" if value is None else str(value) for value in values]
    csv.writer(text).writerow(_TEXT + cell if cell.startswith(_FORMULA) else cell for cell in cells)
    return text.getvalue()


def plain(cell: str) -> str:
    """Return a value that :func:`line` may have made text, as it was."""
    return cell[1:] if cell.startswith(_TEXT) and cell[1:].startswith(_FORMULA) else cell
