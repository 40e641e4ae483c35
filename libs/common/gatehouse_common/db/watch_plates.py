"""What an entry of a watch list says: written by people, compared with what cameras read."""

from __future__ import annotations

import unicodedata
from typing import Final

from gatehouse_common.errors import InvalidInput

from .plate_texts import MAX_TEXT, check_sought, tidy
from .watch_records import is_pattern

MOST_DISTANCE: Final = 2


def parse_watched(text: str) -> str:
    """Return a plate or a pattern as it is kept: upper case, without accents and what only parts groups.

    Nothing else is left out: who writes what no plate has is told so, and does not let another plate pass.

    Raises:
        InvalidInput: it could be on no plate, or it is a pattern of all of them.
    """
    plain = unicodedata.normalize("NFKD", text[:200])
    plain = tidy("".join(character for character in plain if not unicodedata.combining(character)))
    while "**" in plain:
        plain = plain.replace("**", "*")
    if not is_pattern(plain):
        try:
            check_sought(plain, "exact")
        except InvalidInput as error:
            raise InvalidInput(error.message.replace("a plate to look for", "a plate") + ".", "plate") from error
        return plain
    try:
        check_sought(plain, "wildcard")
    except InvalidInput as error:
        raise InvalidInput(error.message.replace("a plate to look for", "a pattern") + ".", "plate") from error
    if len(plain.replace("*", "")) > MAX_TEXT:
        raise InvalidInput(f"no plate matches {plain!r}: plates have {MAX_TEXT} characters at most.", "plate")
    if not plain.strip("*?"):
        raise InvalidInput(f"a pattern has a letter or a digit: {plain!r} is any plate.", "plate")
    return plain


def check_distance(plate: str, distance: int) -> None:
    """Return if an entry of ``plate`` may forgive so much.

    Raises:
        InvalidInput: it is no distance, a pattern is to forgive, or so much would be left of a short plate that
            it is like almost everything.
    """
    if not 0 <= distance <= MOST_DISTANCE:
        raise InvalidInput(f"a distance is 0 to {MOST_DISTANCE}, not {distance}.", "distance")
    if distance and is_pattern(plate):
        raise InvalidInput("a pattern matches to the letter: its distance is 0.", "distance")
    if distance and len(plate) < distance + 3:
        least = distance + 3
        raise InvalidInput(f"a plate has {least} characters at least to be matched at distance {distance}.", "distance")
