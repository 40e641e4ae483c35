"""Tries every operation of the OpenAPI document with what fits it and with what does not, as somebody.

What is real comes in too: a generated camera id is never one that there is, so that every second try names real things.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core import NOT_SET
from schemathesis.core.failures import Failure, FailureGroup

SEED = 20240517
TIMEOUT_S = 20.0
ENDLESS = frozenset(
    {
        "GET /live/{camera}.mjpg",
        "GET /api/v1/cameras/{camera}/stream.mjpg",
        "GET /api/v1/live/{camera}.mp4",
        "GET /api/v1/live/grid",
        "GET /api/v1/events/stream",
        "GET /v2/stream/video-feed",
    }
)
"""Their answers never end: what comes before the body is looked at, and the connection closed."""
ASKS_OTHERS = frozenset(
    {
        *ENDLESS,
        "GET /api/v1/cameras/{camera}/snapshot.jpg",
        "GET /api/v1/cameras/{camera}/live",
        "GET /api/v1/hls/{camera}/live.m3u8",
        "POST /v2/detection/detect-from-image",
        "POST /v2/detection/detect-from-camera",
        "GET /v2/stream/snapshot",
        "GET /v2/stream/annotated-snapshot",
        "GET /readyz",
    }
)
"""Their answer is of a camera or detector that does not run here, or of the server's health: 503 is right."""
WAITS = frozenset(
    {
        "POST /v2/detection/detect-from-camera",
        "GET /v2/stream/annotated-snapshot",
        "GET /api/v1/live/{camera}.mp4",
    }
)
"""Each waits for a detector, or a camera, for as long as these are given: of what fits one is tried."""
_WANTED = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
_FORBIDDEN = {401, 403, 404}


@dataclass
class Trial:
    """Tries operations as somebody.

    Attributes:
        url: where the server is.
        who: name of who asks, for messages.
        headers: makes what is shown, anew for each operation: one of them ends sessions.
        real: by parameter, something that there is.
        spare: by operation, things that there are and that may be spoiled.
        stranger: whether who asks is nobody.
        asked: how many requests were answered.
    """

    url: str
    who: str
    headers: Callable[[], Mapping[str, str]]
    real: Mapping[str, str]
    spare: Mapping[str, Mapping[str, Any]]
    stranger: bool = False
    asked: int = 0
    secured: set[str] = field(default_factory=set)
    statuses: dict[str, set[int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def run(self, document: dict[str, Any], examples: int) -> None:
        """Try all operations of a document, each with so many examples of each kind at most."""
        load_all_checks()
        self.secured = {name for name, operation in _named(document) if operation["security"]}
        schema = schemathesis.openapi.from_dict(_without_security(document))
        schema.config.update(base_url=self.url)
        # Of one thing first: among the others is one that ends all sessions.
        for operation in sorted(
            (found.ok() for found in schema.get_all_operations()), key=lambda one: "{" not in one.path
        ):
            name = f"{operation.method.upper()} {operation.path}"
            shown = self.headers()
            self._send_example(name, operation, shown)
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if name not in WAITS or mode is GenerationMode.NEGATIVE:
                    self._try(name, operation, mode, shown, examples)

    def never_taken(self) -> set[str]:
        """Operations of which every try was refused."""
        return {name for name, seen in self.statuses.items() if min(seen) >= 300}

    def _send_example(self, name: str, operation: Any, shown: Mapping[str, str]) -> None:
        """Send what the document itself shows, of what there is here: that at least must be taken."""
        raw = operation.definition.raw
        parameters = raw.get("parameters", [])
        named = {**self.real, **self.spare.get(name, {})}
        places: dict[str, dict[str, str]] = {"path": {}, "query": {}}
        for one in parameters:
            if one["in"] in places and (one.get("required") or one["name"] in self.spare.get(name, {})):
                places[one["in"]][one["name"]] = named.get(one["name"], one.get("example", "none"))
        kind, content = next(iter(raw.get("requestBody", {}).get("content", {}).items()), (None, {}))
        body = copy.deepcopy(content["example"]) if "example" in content else NOT_SET
        case = operation.Case(
            path_parameters=places["path"], query=places["query"], body=body, media_type=kind, method=operation.method
        )
        if isinstance(body, dict):
            case.body.update({key: value for key, value in self.spare.get(name, {}).items() if key in body})
            case.body.update({key: self.real[key] for key in ("from", "to") if key in body})
        if kind is None or body is not NOT_SET:
            self._ask(name, case, shown)

    def _try(self, name: str, operation: Any, mode: GenerationMode, shown: Mapping[str, str], examples: int) -> None:
        if mode is GenerationMode.NEGATIVE and not (operation.body or list(operation.iter_parameters())):
            return

        @seed(SEED)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
        def ask(case: Any, real: bool) -> None:
            if real and mode is GenerationMode.POSITIVE:
                self._name_real(name, case)
            self._ask(name, case, shown)

        try:
            ask()
        except Unsatisfiable:  # everything fits an operation that takes any text: nothing of the other kind is there
            if mode is GenerationMode.POSITIVE:
                raise

    def _name_real(self, name: str, case: Any) -> None:
        things = {**self.real, **self.spare.get(name, {})}
        for place in (case.path_parameters, case.query, case.body):
            if isinstance(place, dict):
                place.update({key: things[key] for key in place.keys() & things.keys()})

    def _ask(self, name: str, case: Any, shown: Mapping[str, str]) -> None:
        if name in ENDLESS:
            self._look_at_beginning(name, case, shown)
            return
        try:
            answer = case.call(headers=dict(shown), timeout=TIMEOUT_S, allow_redirects=False)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs in the report
            self.wrong.append(f"{self.who}: {name}: no answer: {error!r}")
            return
        self._judge(name, answer.status_code, case)
        checks = [CHECKS.get_one(wanted) for wanted in _WANTED]
        try:
            case.validate_response(answer, checks=checks)
        except (Failure, FailureGroup) as failure:
            told = " / ".join(str(one) for one in getattr(failure, "exceptions", [failure]))
            self.wrong.append(f"{self.who}: {name}: {told}\n   {case.as_curl_command()[:600]}")

    def _judge(self, name: str, status: int, case: Any) -> None:
        self.asked += 1
        self.statuses.setdefault(name, set()).add(status)
        if status >= 500 and not (status == 503 and name in ASKS_OTHERS):
            self.wrong.append(f"{self.who}: {name}: {status}\n   {case.as_curl_command()[:600]}")
        if self.stranger and name in self.secured and status not in _FORBIDDEN | {400, 414}:
            self.wrong.append(f"{self.who}: {name}: answered {status} to nobody")

    def _look_at_beginning(self, name: str, case: Any, shown: Mapping[str, str]) -> None:
        asked = case.as_transport_kwargs(base_url=self.url, headers=dict(shown))
        with requests.request(**asked, stream=True, timeout=TIMEOUT_S) as answer:
            self._judge(name, answer.status_code, case)
            told = case.operation.definition.raw["responses"].get(str(answer.status_code))
            kind = answer.headers.get("Content-Type", "").partition(";")[0]
            if told is None or kind not in told.get("content", {}):
                self.wrong.append(f"{self.who}: {name}: {answer.status_code} {kind} is not in the document")


def _named(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _without_security(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is for somebody who shows something: else forged tokens would be generated, and shown too."""
    bare = copy.deepcopy(document)
    bare["components"].pop("securitySchemes", None)
    for _, operation in _named(bare):
        del operation["security"]
    return bare
