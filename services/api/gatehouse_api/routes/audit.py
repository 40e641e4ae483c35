"""``/api/v1/audit``: what was done, and by whom."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import Response, jsonify, stream_with_context
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.context import context
from gatehouse_api.csv_lines import line
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.account_models import AuditQuery, DeedList, DeedView
from gatehouse_api.times import request_zone
from gatehouse_common.accounts import Scope
from gatehouse_common.db import Entry
from gatehouse_common.timefmt import parse, rfc3339

api = Routes("audit", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Accounts")])

_PAGE = 500


@api.get("/audit", responses={200: DeedList}, summary="What was done, and by whom")
@needs(Scope.AUDIT_READ)
def get_audit(query: AuditQuery) -> Response:
    """Return deeds, the newest first. Each has the digest of the one before: none is changed or taken out unseen."""
    found = find(query, query.cursor, query.limit + 1)
    items = [deed_view(entry) for entry in found[: query.limit]]
    more = items[-1].number if len(found) > query.limit else None
    return jsonify(DeedList(items=items, next_cursor=more).model_dump())


@api.get("/audit.csv", summary="What was done, as a table")
@needs(Scope.AUDIT_READ)
def get_table(query: AuditQuery) -> Response:
    """Return all deeds that match as CSV, the newest first; `limit` and `cursor` do not matter."""
    find(query, None, 1)  # what is wrong with the question is told before the first line
    return _file(_rows(query), "text/csv; charset=utf-8", "audit.csv")


@api.get("/audit.jsonl", summary="What was done, one JSON object a line")
@needs(Scope.AUDIT_READ)
def get_lines(query: AuditQuery) -> Response:
    """Return all deeds that match, one a line, the newest first; `limit` and `cursor` do not matter."""
    find(query, None, 1)
    lines = (json.dumps(deed_view(entry).model_dump()) + "\n" for entry in _all(query))
    return _file(lines, "application/jsonl", "audit.jsonl")


def find(query: AuditQuery, before: int | None, limit: int) -> list[Entry]:
    """Return the deeds of one page.

    Raises:
        InvalidInput: a time cannot be read.
    """
    zone = request_zone(query.tz)
    return context().audit.entries(
        actor=query.actor,
        action=query.action,
        start_us=None if not query.from_ else parse(query.from_, zone, "from"),
        end_us=None if not query.to else parse(query.to, zone, "to", fold=1),
        before=before,
        limit=limit,
    )


def deed_view(entry: Entry) -> DeedView:
    """Return a deed as answers show it."""
    deed = entry.deed
    return DeedView(
        number=entry.number,
        time=rfc3339(entry.time_us),
        actor=deed.actor,
        token=deed.token,
        address=deed.address,
        action=deed.action,
        subject=deed.subject,
        detail=dict(deed.detail),
        done=deed.done,
        note=deed.note,
        digest=entry.digest,
    )


def _all(query: AuditQuery) -> Iterator[Entry]:
    before: int | None = None
    while page := find(query, before, _PAGE):
        yield from page
        before = page[-1].number


def _rows(query: AuditQuery) -> Iterator[str]:
    yield line([*DeedView.model_fields])
    for entry in _all(query):
        shown = deed_view(entry).model_dump()
        yield line([json.dumps(value) if isinstance(value, dict) else value for value in shown.values()])


def _file(lines: Iterator[str], kind: str, name: str) -> Response:
    answer = Response(stream_with_context(lines), content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
