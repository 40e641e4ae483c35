"""What a test of who may do what knows of a route."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gatehouse_common.accounts import Permission, Scope

ANYBODY: frozenset[Scope] = frozenset()


@dataclass(frozen=True)
class Route:
    """An example of a route.

    Attributes:
        path: an address; ``{camera}``, ``{plate}``, ``{from}`` and so on are put in (see ``access_kit.Objects``).
        scopes: any one of them is asked for; empty: anybody may.
        permission: with which cameras are looked at; None: all that are there.
        json: a body, with places as in the path.
        names: whether what it names is looked up, so that what is not there is 404; else it is only searched for.
        waits: whether its answer is endless, or asks a detector: it is not waited for.
        in_person: whether no token will do for it.
        own: what the example itself does, if that is more than the rule of the route says.
    """

    path: str
    scopes: frozenset[Scope]
    permission: Permission | None = None
    json: dict[str, Any] | None = None
    names: bool = True
    waits: bool = False
    own: Permission | None = field(default=None)
    in_person: bool = False

    @property
    def of_object(self) -> bool:
        """Whether it names a camera, or something that is of one."""
        return "{" in self.path or "{" in repr(self.json or "").replace("{'", "")
