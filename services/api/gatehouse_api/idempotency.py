"""The same request twice is done once: ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header).

What was done is answered again, for a day, to whoever asked for it. What was refused has changed nothing: its key is
free again at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from flask import Flask, Response, g, request

from gatehouse_common.clock import Clock
from gatehouse_common.db import KeptAnswers
from gatehouse_common.errors import GatehouseError, InvalidInput, NotFound

from .auth.caller import known_caller, wanted_permission
from .problems import problem

log = structlog.get_logger(__name__)

F = TypeVar("F", bound=Callable[..., Any])

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_RULE = "gatehouse_once"
_KEY: Final = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x2b\x2d-\x7e]{1,255})')
_OF_FILES: Final = (
    *("Content-Length", "Content-Disposition", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata"),
    *("Upload-Concat", "Upload-Complete", "Upload-Checksum"),
)
_KEPT: Final = (
    "Tus-Resumable",
    "Upload-Offset",
    "Upload-Length",
    "Upload-Defer-Length",
    "Upload-Expires",
    "Upload-Concat",
    "Upload-Metadata",
    "Upload-Complete",
    "Content-Type",
    "Location",
    "ETag",
    "Cache-Control",
)


@dataclass(frozen=True, slots=True)
class _Once:
    """What a route says of answers that are given again.

    Attributes:
        secret: they show something that is never shown again.
        streams: its body is a file, which is not read to compare it.
    """

    secret: bool
    streams: bool


@dataclass(frozen=True, slots=True)
class _Attempt:
    who: str
    key: str
    name: str


def once(*, secret: bool = False, streams: bool = False) -> Callable[[F], F]:
    """Let a route that makes something take an ``Idempotency-Key``.

    Args:
        secret: its answer shows a secret this once; then it is kept only where it can be sealed.
        streams: its body is a file: of two requests that have the same headers that tell of it, it is not compared.
    """

    def mark(view: F) -> F:
        setattr(view, _RULE, _Once(secret, streams))
        return view

    return mark


def takes_key(view: object) -> bool:
    """Return whether a route takes an ``Idempotency-Key``."""
    return isinstance(getattr(view, _RULE, None), _Once)


def install_idempotency(app: Flask, kept: KeptAnswers, clock: Clock) -> None:
    """Answer a request that was answered under its key before as it was then; comes after the door."""

    @app.before_request
    def begin() -> Response | None:
        g.attempt = None
        rule = getattr(app.view_functions.get(request.endpoint or ""), _RULE, None)
        header = request.headers.get(HEADER)
        if not isinstance(rule, _Once) or header is None:
            return None
        key = _read_key(header)
        if rule.secret and not kept.keeps_secrets:
            raise InvalidInput(
                f"this answer shows a secret, and cannot be kept for {HEADER}: there is no `sealing_key`.", HEADER
            )
        who = _who()
        found = kept.begin(who, key, _fingerprint(key, streams=rule.streams), clock.now_us())
        if isinstance(found, str):
            g.attempt = _Attempt(who, key, found)
            return None
        if not found.same:
            told = f"this {HEADER} was that of another request: each needs its own"
            return problem(422, "idempotency-key-reused", "The key is of another request", told)
        _refuse_unseen(found.body)
        return Response(found.body, found.status, {**found.headers, REPLAYED: "true"})

    @app.after_request
    def end(answer: Response) -> Response:
        attempt: _Attempt | None = g.pop("attempt", None)
        if attempt is None:
            return answer
        try:
            if answer.status_code >= 500:
                return answer  # it may have been done: nobody does it again under this key until that is forgotten
            if answer.status_code < 300:
                headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
                body = answer.get_data(as_text=True)
                kept.keep(attempt.who, attempt.key, attempt.name, answer.status_code, headers, body)
            else:
                kept.give_up(attempt.who, attempt.key, attempt.name)
        except GatehouseError as error:
            # It has been done, and whoever asked is told so; only asking again would not be.
            log.warning("an answer is not kept for its key", reason=error.message)
        return answer


def _refuse_unseen(body: str) -> None:
    """Return unless an answer is about a camera that is not there any more for whoever asks.

    Raises:
        NotFound: it is.
    """
    told, asks = json.loads(body) if body else None, known_caller()
    name = told.get("camera") if isinstance(told, dict) else None
    if isinstance(name, str) and asks is not None and not asks.sees(name, wanted_permission()):
        raise NotFound(f"there is no camera {name[:64]!r}")


def _read_key(header: str) -> str:
    """Return the key, which is a string of structured headers, or a bare word as many send it.

    Raises:
        InvalidInput: it is neither.
    """
    match = _KEY.fullmatch(header.strip())
    if match is None:
        raise InvalidInput(f'{HEADER} has to be a text of 255 characters at most, in quotes: `"8e03..."`.', HEADER)
    return match[1] or match[2]


def _who() -> str:
    asks = known_caller()
    return "" if asks is None else f"{asks.user}/{asks.token or ''}"


def _fingerprint(key: str, *, streams: bool) -> str:
    """Return a digest of what is asked; the key is in it, which is not kept: nobody can guess a password by it."""
    digest = hashlib.sha256(f"{key}\n{request.method} {request.full_path}\n{request.mimetype}\n".encode())
    if streams:
        digest.update("\n".join(request.headers.get(name, "") for name in _OF_FILES).encode())
    else:
        digest.update(request.get_data())
    return digest.hexdigest()
