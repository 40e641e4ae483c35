"""Makes the document: what routes declare, and beside it what follows from how they are called and by whom."""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

from flask import Flask
from flask_openapi3 import OpenAPI

from gatehouse_api.auth.access import Access
from gatehouse_api.auth.door import rule_of
from gatehouse_api.idempotency import HEADER, takes_key
from gatehouse_api.preconditions import is_conditional

from . import answers
from .examples import add_examples
from .routes import Routes

_UNSAFE = frozenset({"post", "put", "patch", "delete"})
_ANYONE: list[dict[str, list[str]]] = []
_IN_PERSON: list[dict[str, list[str]]] = [{"session": []}]
_KNOWN: list[dict[str, list[str]]] = [{"session": []}, {"token": []}, {"key": []}, {"password": []}]
_CAMERA = frozenset({"camera", "cameras", "clip", "event"})
_FRAMEWORKS = "ValidationErrorModel"
_MAKING = threading.Lock()  # families belong to all apps of a process

_OF_OLD_ROUTES: dict[str, Any] = {
    "Deprecation": {"schema": {"type": "string"}, "description": "since when (RFC 9745)"},
    "Link": {"schema": {"type": "string"}, "description": "what there is in place of it"},
}

_LATER = frozenset({429, 503})
_RETRY: dict[str, Any] = {"Retry-After": {"schema": {"type": "string"}, "description": "in how many seconds"}}
_TAG: dict[str, Any] = {"ETag": {"schema": {"type": "string"}, "description": "for `If-Match` of a change"}}

Operation = dict[str, Any]


class Api(OpenAPI):
    """The app; its document is complete, and made when it is asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._families: list[Routes] = []
        self._document: dict[str, Any] = {}
        super().__init__(*args, **kwargs)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is: none here is a coroutine, for which Flask looks at each hook of each request."""
        return func

    @property
    def api_doc(self) -> dict[str, Any]:
        """The document: made once, when it is asked for first, and shown to nobody before it is complete."""
        with _MAKING:
            if not self._document:
                self._describe()
                self.generate_spec_json()  # type: ignore[no-untyped-call]
                complete(self, self.spec_json)
                self._document = self.spec_json
        return self._document

    def register_api(self, api: Routes, **options: Any) -> None:  # type: ignore[override]
        """Add a family of routes."""
        self._families.append(api)
        super().register_api(api, **options)

    def _describe(self) -> None:
        for family in self._families:
            family.describe()
            self.tags += [tag for tag in family.tags if tag not in self.tags]
            self.paths.update(family.paths)
            self.components_schemas.update(family.components_schemas)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    """Yield path, method in lower case, and operation of everything in a document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def complete(app: Flask, document: dict[str, Any]) -> None:
    """Add to a document what holds for all routes: who may ask, what errors there are and how they look."""
    schemas = document["components"]["schemas"]
    schemas.pop(_FRAMEWORKS, None)
    schemas["Problem"] = answers.PROBLEM_SCHEMA
    schemas.update(answers.OF_OLD_ROUTES)
    access, views = _access(app), _views(app)
    tagged = {path for path, method, _ in operations(document) if is_conditional(views[f"{method.upper()} {path}"])}
    for path, method, operation in operations(document):
        name = f"{method.upper()} {path}"
        view = views[name]
        if name in answers.UNDECLARED:
            operation["parameters"] = copy.deepcopy(answers.UNDECLARED[name])
        if name in answers.UNDECLARED_BODIES:
            content = {answers.JSON: copy.deepcopy(answers.UNDECLARED_BODIES[name])}
            operation["requestBody"] = {"content": content, "required": True}
        if name in answers.FORMS:
            form = {"multipart/form-data": {"schema": copy.deepcopy(answers.FORMS[name])}}
            operation["requestBody"] = {"content": form, "required": True}
        if name in answers.TABLES:
            content = {answers.CSV: {"schema": {"type": "string"}, "example": answers.TABLES[name]}}
            operation["requestBody"] = {"content": content, "required": True}
        _say_who_may(operation, access[name])
        _say_what_is_given(name, operation)
        for status in sorted(_errors(name, method, operation, access[name], view)):
            said = {"description": answers.STATUSES[status], "content": answers.error_content(path, status)}
            if status in _LATER:
                said["headers"] = _RETRY
            operation["responses"][str(status)] = said
        _say_conditions(operation, view)
        if path in tagged and "200" in operation["responses"]:
            operation["responses"]["200"]["headers"] = _TAG
        add_examples(operation)
        operation["description"] = operation.get("description", "").replace("<br/>", "\n")
        if operation.get("deprecated"):
            for answer in operation["responses"].values():
                answer["headers"] = {**answer.get("headers", {}), **_OF_OLD_ROUTES}
        operation["responses"] = dict(sorted(operation["responses"].items()))


def document_path(rule: str) -> str:
    """Return a Flask rule as documents write it: ``<string:camera>`` is ``{camera}``."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def _access(app: Flask) -> dict[str, Access]:
    found = {}
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            asked = rule_of(app, rule.endpoint)
            found[f"{method} {document_path(rule.rule)}"] = asked or Access(frozenset())
    return found


def _views(app: Flask) -> dict[str, Any]:
    rules = app.url_map.iter_rules()
    return {
        f"{method} {document_path(rule.rule)}": app.view_functions[rule.endpoint]
        for rule in rules
        for method in rule.methods or ()
    }


def _say_conditions(operation: Operation, view: object) -> None:
    """Name the headers by which a change depends on what was seen, and a request is known again."""
    given = []
    if takes_key(view):
        given.append(_header(HEADER, "a name for this request: asked again, it is answered again, for a day"))
    if is_conditional(view):
        given.append(_header("If-Match", "an `ETag`, or several: only if it is still so; else 412"))
    if given:
        operation["parameters"] = [*operation.get("parameters", []), *given]


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _say_who_may(operation: Operation, access: Access) -> None:
    if not access.scopes:
        operation["security"] = _ANYONE
    else:
        operation["security"] = _IN_PERSON if access.in_person else _KNOWN
        operation["x-scopes"] = sorted(access.scopes)


def _say_what_is_given(name: str, operation: Operation) -> None:
    """Name the types of answers for which there is no model, and that files are given by parts."""
    found = cast("dict[str, Any]", operation["responses"])
    found.pop("422", None)  # the framework's own form, which nobody is ever sent
    given = [status for status in found if status.startswith("2")]
    types = answers.MEDIA.get(name)
    if types is None and not given:
        types = (answers.JSON,)
    if types is not None:
        said = found.setdefault(given[0] if given else "200", {"description": answers.STATUSES[200]})
        said["content"] = {kind: {} for kind in types}
    if name in answers.RANGED:
        whole = found["200"]["content"]
        found["206"] = {"description": answers.STATUSES[206], "content": whole}
    if name in answers.CACHED:
        found["304"] = {"description": answers.STATUSES[304]}


def _errors(name: str, method: str, operation: Operation, access: Access, view: object) -> set[int]:
    takes = {parameter["name"]: parameter["in"] for parameter in operation.get("parameters", [])}
    found = {400, 421, 429, 503, *answers.MORE.get(name, ())}
    if access.scopes:
        found |= {401, 403}
    if method in _UNSAFE:
        found |= {403, 413}
    if "path" in takes.values() or _CAMERA & takes.keys():
        found.add(404)
    if takes or "requestBody" in operation:
        found.add(422)
    if "query" in takes.values():
        found.add(answers.URI_TOO_LONG)
    if name in answers.RANGED:
        found.add(416)
    if takes_key(view):
        found |= {409, 422}
    if is_conditional(view):
        found.add(412)
    return found
