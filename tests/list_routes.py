"""The routes of watch lists, as `access_routes.py` has the others: lists are of no camera."""

from __future__ import annotations

from access_route import Route
from gatehouse_common.accounts import Scope

_READ, _WRITE = frozenset({Scope.PLATES_READ}), frozenset({Scope.LISTS_WRITE})
_LISTS = "/api/v1/watchlists"

LIST_ROUTES: dict[str, Route] = {
    f"GET {_LISTS}": Route(_LISTS, _READ),
    f"POST {_LISTS}": Route(_LISTS, _WRITE, json={"name": "", "kind": "allow"}),
    f"POST {_LISTS}/test": Route(f"{_LISTS}/test", _READ, json={"plate": "AB123"}),
    f"GET {_LISTS}/<watchlist>": Route(f"{_LISTS}/0", _READ),
    f"PATCH {_LISTS}/<watchlist>": Route(f"{_LISTS}/0", _WRITE, json={"note": "x"}),
    f"DELETE {_LISTS}/<watchlist>": Route(f"{_LISTS}/0", _WRITE),
    f"GET {_LISTS}/<watchlist>/entries": Route(f"{_LISTS}/0/entries", _READ),
    f"GET {_LISTS}/<watchlist>/entries.csv": Route(f"{_LISTS}/0/entries.csv", _READ),
    f"POST {_LISTS}/<watchlist>/entries": Route(f"{_LISTS}/0/entries", _WRITE, json={"plate": "AB123"}),
    f"POST {_LISTS}/<watchlist>/import": Route(f"{_LISTS}/0/import", _WRITE, json={}),
    f"GET {_LISTS}/<watchlist>/entries/<entry>": Route(f"{_LISTS}/0/entries/0", _READ),
    f"PATCH {_LISTS}/<watchlist>/entries/<entry>": Route(f"{_LISTS}/0/entries/0", _WRITE, json={"note": "x"}),
    f"DELETE {_LISTS}/<watchlist>/entries/<entry>": Route(f"{_LISTS}/0/entries/0", _WRITE),
    "GET /lists": Route("/lists", _READ),
    "POST /lists": Route("/lists", _WRITE),
    "GET /lists/<watchlist>": Route("/lists/0", _READ),
    "GET /lists/<watchlist>/entries.csv": Route("/lists/0/entries.csv", _READ),
    "POST /lists/<watchlist>": Route("/lists/0", _WRITE),
    "POST /lists/<watchlist>/remove": Route("/lists/0/remove", _WRITE),
    "POST /lists/<watchlist>/entries": Route("/lists/0/entries", _WRITE),
    "POST /lists/<watchlist>/entries/<entry>": Route("/lists/0/entries/0", _WRITE),
    "POST /lists/<watchlist>/entries/<entry>/remove": Route("/lists/0/entries/0/remove", _WRITE),
    "POST /lists/<watchlist>/import": Route("/lists/0/import", _WRITE),
}

NO_LISTS = {name for name in LIST_ROUTES if name.startswith("GET ") and "<watchlist>" in name}
"""There is no list of that id."""
