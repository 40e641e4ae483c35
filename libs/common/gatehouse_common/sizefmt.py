"""Bytes as people read them."""

from __future__ import annotations


def shown_size(count: float) -> str:
    """Return a number of bytes in the unit of powers of ten that fits, e.g. ``1.5 GB``."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            shown = count / size
            return f"{shown:.0f} {unit}" if shown >= 100 else f"{shown:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"
