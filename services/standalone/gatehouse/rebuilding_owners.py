"""Whose files are, by all that is said of them: the newest word on each, and which names several have had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gatehouse_common.accounts import name_key
from gatehouse_common.db import Whose


class Owners:
    """Gathers what files say of those whom they name by an id."""

    def __init__(self) -> None:
        self._newest = dict[str, tuple[int, Whose]]()
        self._removed = set[str]()
        self._named = dict[str, set[str]]()

    def hear(self, told: Whose | None, at_us: int) -> None:
        """Note what a file says of its owner.

        Args:
            told: the owner; None, or without an id: it says nobody by an id.
            at_us: how old that word is, microseconds UTC.
        """
        if told is None or not told.id:
            return
        if told.removed:
            self._removed.add(told.id)
        self._named.setdefault(name_key(told.name), set()).add(told.id)
        before_us, before = self._newest.get(told.id, (at_us, told))
        newest = told if at_us >= before_us else before
        since_us = newest.created_us or told.created_us or before.created_us  # files of sessions do not say it
        self._newest[told.id] = max(at_us, before_us), replace(newest, created_us=since_us)

    def contested(self) -> list[str]:
        """Return the names that several have had who may all be there."""
        return [name for name, ids in self._named.items() if len(ids - self._removed) > 1]

    def each(self) -> Iterator[Whose]:
        """Yield the owners, those who were added first first; one who was removed by any word is so."""
        found = [owner for _, owner in self._newest.values()]
        for owner in sorted(found, key=lambda one: (one.created_us, one.id)):
            yield replace(owner, removed=owner.id in self._removed)
