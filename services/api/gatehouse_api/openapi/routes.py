"""A family of routes, whose part of the document is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_openapi3 import APIBlueprint
from flask_openapi3.types import ParametersTuple
from flask_openapi3.utils import parse_parameters


class Routes(APIBlueprint):
    """A family of routes of the API, as `APIBlueprint` of flask-openapi3 takes them.

    That makes schemas of all models as soon as a module is loaded: a fourth of the time that a start takes, for a
    document that few ever read. Here what was said of each route is kept until somebody asks.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._undescribed: list[Callable[[], object]] = []
        super().__init__(*args, **kwargs)

    def describe(self) -> None:
        """Fill in paths, schemas and tags; does nothing when it is done. One thread at a time."""
        for describe in self._undescribed:
            describe()
        self._undescribed.clear()

    def _collect_openapi_info(self, rule: str, func: Callable[..., Any], **said: Any) -> ParametersTuple:
        collect = super()._collect_openapi_info
        self._undescribed.append(lambda: collect(rule, func, **said))
        return parse_parameters(func, doc_ui=False)
