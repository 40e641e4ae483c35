"""Text of files that anybody may have written, for a terminal."""

from __future__ import annotations


def plain(text: str, most: int = 1000) -> str:
    """Return a text in which nothing moves the cursor, clears the screen, or turns the line around.

    Args:
        text: any text; names of files that are in no encoding have surrogates in it.
        most: at most so many of its characters are shown.
    """
    shown = text if len(text) <= most else text[:most] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
