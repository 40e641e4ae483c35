"""Whose files are, by all that is said of them: the newest word on each, and which names several have had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gatehouse_common.accounts import name_key
from gatehouse_common.db import Whose


class Owners:
    """Gathers what files say of those whom they name by an id."""

    def __init__(self) -> None:
        self._newest = dict[str, tuple[tuple[bool, int], Whose]]()
        self._removed = set[str]()
        self._named = dict[str, set[str]]()

    def hear(self, told: Whose | None, at_us: int) -> None:
        """Note what a file says of its owner.

        Args:
            told: the owner; None, or without an id: it says nobody by an id.
            at_us: how old that word is, microseconds UTC.

        A word that says when the user was added is of a description, which is kept true for as long as the index is
        there; a recording says for good what was so when it was made.
        """
        if told is None or not told.id:
            return
        if told.removed:
            self._removed.add(told.id)
        self._named.setdefault(name_key(told.name), set()).add(told.id)
        weight = told.created_us > 0, at_us
        if told.id not in self._newest or weight >= self._newest[told.id][0]:
            self._newest[told.id] = weight, told

    def contested(self) -> list[str]:
        """Return the names that several have had who may all be there."""
        return [name for name, ids in self._named.items() if len(ids - self._removed) > 1]

    def each(self) -> Iterator[Whose]:
        """Yield the owners, those who were added first first; one who was removed by any word is so."""
        found = [owner for _, owner in self._newest.values()]
        for owner in sorted(found, key=lambda one: (one.created_us, one.id)):
            yield replace(owner, removed=owner.id in self._removed)
