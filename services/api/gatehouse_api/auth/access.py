"""What a route asks of whoever calls it. A route that says nothing answers nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from gatehouse_common.accounts import Permission, Scope

F = TypeVar("F", bound=Callable[..., Any])

_RULE = "gatehouse_access"


@dataclass(frozen=True, slots=True)
class Access:
    """What a route asks for.

    Attributes:
        scopes: any one of them; empty: who asks need not be known.
        permission: with the cameras that are concerned; None: that they are there is enough.
        in_person: whether a token will not do.
    """

    scopes: frozenset[Scope]
    permission: Permission | None = None
    in_person: bool = False


def needs(*scopes: Scope, permission: Permission | None = None) -> Callable[[F], F]:
    """Let a route answer only to who may do one of these, and for the cameras with which a permission was granted."""

    def mark(view: F) -> F:
        setattr(view, _RULE, Access(frozenset(scopes), permission))
        return view

    return mark


def open_to_all(view: F) -> F:
    """Let a route answer to anybody."""
    setattr(view, _RULE, Access(frozenset()))
    return view


def access_of(view: object) -> Access | None:
    """Return what a route asks for, None if it does not say."""
    found = getattr(view, _RULE, None)
    return found if isinstance(found, Access) else None


def known(view: F) -> F:
    """Let a route answer to everybody who is known, whatever else they may."""
    return needs(*Scope)(view)


def in_person(view: F) -> F:
    """Let a route answer to everybody who is known, but to no token: it is about what its user has."""
    setattr(view, _RULE, Access(frozenset(Scope), in_person=True))
    return view
