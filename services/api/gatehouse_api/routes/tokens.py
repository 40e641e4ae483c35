"""``/api/v1/tokens``: what programs show in place of a user."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag

from gatehouse_api.auth.access import in_person
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.auth.user_desk import TokenOrder
from gatehouse_api.context import context
from gatehouse_api.idempotency import once
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.routes.account_models import MadeToken, NewToken, TokenList, TokenPath, TokensQuery, TokenView
from gatehouse_common.clock import HOUR
from gatehouse_common.db import TokenRecord
from gatehouse_common.timefmt import rfc3339

api = Routes("tokens", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Accounts")])


@api.get("/tokens", responses={200: TokenList}, summary="The tokens of whoever asks")
@in_person
def get_tokens(query: TokensQuery) -> Response:
    """Return tokens, the newest first; revoked ones too."""
    found = context().user_desk.tokens(caller(), of_all=query.all)
    return jsonify(TokenList(items=[token_view(one) for one in found]).model_dump())


@api.post("/tokens", responses={201: MadeToken}, summary="Make a token")
@in_person
@once(secret=True)
def make_token(body: NewToken) -> tuple[Response, int]:
    """Make a token of whoever asks: it may do no more than they may. This answer is the only one that shows it."""
    ctx = context()
    expires = None if body.days is None else ctx.core.clock.now_us() + round(body.days * 24 * HOUR)
    order = TokenOrder(body.name, frozenset(body.scopes), body.cameras, body.networks, expires)
    token = ctx.user_desk.make_token(caller(), sender(), order)
    answer = jsonify(MadeToken(id=token.id, token=token.text).model_dump())
    answer.headers["Cache-Control"] = "no-store"
    return answer, 201


@api.delete("/tokens/<token>", responses={204: None}, summary="Revoke a token")
@in_person
@conditional
def revoke_token(path: TokenPath) -> tuple[str, int]:
    """Revoke a token: from the answer on it opens nothing. With `If-Match` only if nobody has since; else 412."""
    context().user_desk.revoke_token(caller(), sender(), path.token, seen=seen_tags())
    return "", 204


def token_view(one: TokenRecord) -> TokenView:
    """Return a token as answers show it."""
    return TokenView(
        id=one.id,
        etag=f'"{one.tag}"',
        user=one.user,
        name=one.name,
        scopes=one.scopes,
        cameras=one.cameras,
        networks=one.networks,
        created=rfc3339(one.created_us),
        expires=_time(one.expires_us),
        used=_time(one.used_us),
        used_from=one.used_from,
        revoked=_time(one.revoked_us),
    )


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else rfc3339(at_us)
