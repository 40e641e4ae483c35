"""Tokens that programs show. What is kept of one is its fingerprint."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields

from sqlalchemy import insert, select, update

from gatehouse_common.accounts import ApiToken, Scope, fingerprint, new_token, parse_token
from gatehouse_common.accounts.addresses import parse_address, parse_network
from gatehouse_common.clock import MINUTE
from gatehouse_common.errors import ChangedSince, Conflict, InvalidInput, NotFound

from .account_models import ApiTokenRow, UserRow
from .contention import retried
from .engine import Database
from .kept_text import fit_text
from .user_lock import lock_user

_NOTED_EVERY_US = MINUTE


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is kept of a token; times are microseconds UTC.

    Attributes:
        id: what it is called.
        user: id of whose it is.
        name: what it is for.
        scopes: what it may be used for.
        cameras: for which cameras; None: all that its user sees.
        networks: from where; None: from anywhere.
        created_us: when it was made.
        expires_us: when it ends by itself; None: never.
        used_us: when it was used last, to the minute; None: never.
        used_from: from which address.
        revoked_us: when it was revoked; None: it was not.
    """

    id: str
    user: str
    name: str
    scopes: list[str]
    cameras: list[str] | None
    networks: list[str] | None
    created_us: int
    expires_us: int | None
    used_us: int | None
    used_from: str | None
    revoked_us: int | None

    @property
    def tag(self) -> str:
        """What it is called as it is: another text once it is revoked."""
        return f"{self.id}-{self.revoked_us or 0}"

    def is_good(self, now_us: int, address: str) -> bool:
        """Return whether it opens anything at a time and from an address."""
        if self.revoked_us is not None or (self.expires_us is not None and self.expires_us <= now_us):
            return False
        return self.networks is None or any(_is_in(address, network) for network in self.networks)


_TOKEN = [getattr(ApiTokenRow, f.name) for f in fields(TokenRecord)]


class Tokens:
    """Makes, finds and revokes tokens."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def make(
        self,
        user_id: str,
        name: str,
        scopes: Iterable[Scope],
        now_us: int,
        *,
        cameras: Iterable[str] | None = None,
        networks: Iterable[str] | None = None,
        expires_us: int | None = None,
    ) -> ApiToken:
        """Make a token; this is the only time that it can be seen.

        Raises:
            InvalidInput: it has no name, no scope, no network that is one, or has expired already.
            NotFound: there is no such user.
            Conflict: the user is disabled, or not let in yet.
        """
        shown, wanted = fit_text(name.strip(), 255), sorted(set(scopes))
        if not shown:
            raise InvalidInput("a token needs a name: what is it for?", "name")
        if not wanted:
            raise InvalidInput("a token needs a scope: what may it be used for?", "scopes")
        if expires_us is not None and expires_us <= now_us:
            raise InvalidInput("a token cannot have expired already.", "expires")
        token = new_token()
        values = {
            "id": token.id,
            "user": user_id,
            "name": shown,
            "digest": fingerprint(token.text),
            "scopes": wanted,
            "cameras": None if cameras is None else sorted(set(cameras)),
            "networks": None if networks is None else [_network(one) for one in networks],
            "created_us": now_us,
            "expires_us": expires_us,
        }
        with self._db.begin() as c:
            user = lock_user(c, user_id)
            if user is None or user.state == "removed":
                raise NotFound(f"there is no user {user_id[:64]!r}")
            if not user.is_active:
                raise Conflict(f"user {user.name!r} is {user.state}: only who is active can have a new token.")
            c.execute(insert(ApiTokenRow).values(values))
        return token

    def find(self, text: str, now_us: int, address: str) -> TokenRecord | None:
        """Return what is known of a token that somebody shows, None if it opens nothing; notes that it was used.

        It opens nothing while its user is not active.
        """
        if parse_token(text) is None:
            return None
        query = select(*_TOKEN).join(UserRow, UserRow.id == ApiTokenRow.user)
        with self._db.look() as c:
            row = c.execute(query.where(ApiTokenRow.digest == fingerprint(text), UserRow.state == "active")).first()
        if row is None:
            return None
        token = TokenRecord(*row)
        if not token.is_good(now_us, address):
            return None
        if token.used_us is None or abs(now_us - token.used_us) >= _NOTED_EVERY_US or token.used_from != address:
            self._note_use(token.id, now_us, address)
        return token

    def list(self, user_id: str | None = None) -> list[TokenRecord]:
        """Return the tokens of a user, or of all, the newest first; revoked ones too."""
        query = select(*_TOKEN).order_by(ApiTokenRow.created_us.desc(), ApiTokenRow.id)
        with self._db.look() as c:
            rows = c.execute(query if user_id is None else query.where(ApiTokenRow.user == user_id))
            return [TokenRecord(*row) for row in rows]

    @retried
    def revoke(
        self, token_id: str, now_us: int, user_id: str | None = None, *, seen: Collection[str] | None = None
    ) -> TokenRecord:
        """Revoke a token, of a user if one is named; again changes nothing. With ``seen`` only if its tag is of these.

        Raises:
            NotFound: there is no such token, or it is another's.
            ChangedSince: it has another tag by now.
        """
        mine = [ApiTokenRow.id == token_id, *([ApiTokenRow.user == user_id] if user_id else [])]
        with self._db.begin() as c:
            before = c.execute(select(*_TOKEN).where(*mine).with_for_update()).first()
            if before is not None and seen is not None and TokenRecord(*before).tag not in seen:
                raise ChangedSince("the token was revoked since you looked at it.")
            c.execute(update(ApiTokenRow).where(*mine, ApiTokenRow.revoked_us.is_(None)).values(revoked_us=now_us))
            row = c.execute(select(*_TOKEN).where(*mine)).first()
        if row is None:
            raise NotFound(f"there is no token {token_id[:64]!r}")
        return TokenRecord(*row)

    @retried
    def _note_use(self, token_id: str, now_us: int, address: str) -> None:
        with self._db.begin() as c:
            used = {"used_us": now_us, "used_from": fit_text(address, 45)}
            c.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(used))


def _network(text: str) -> str:
    try:
        return str(parse_network(text))
    except ValueError as error:
        raise InvalidInput(f"{text[:60]!r} is no address or network, as 10.0.0.0/8 is.", "networks") from error


def _is_in(address: str, network: str) -> bool:
    try:
        return parse_address(address) in parse_network(network)
    except ValueError:
        return False
