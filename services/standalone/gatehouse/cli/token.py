"""``gatehouse token``: what programs show to be let in."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gatehouse_common.accounts import ROLE_SCOPES, Scope, parse_scopes
from gatehouse_common.clock import HOUR
from gatehouse_common.db import TokenRecord, Tokens, Users
from gatehouse_common.ids import parse_slug
from gatehouse_common.observability.secrets import register_secret
from gatehouse_common.timefmt import rfc3339

from .opened_index import open_index
from .options import data_options, json_option
from .plain import plain

_DAY_US = 24 * HOUR
_LONGEST_DAYS = 36_500


@click.group()
def token() -> None:
    """Make, list and revoke tokens: programs show them in place of a user's password."""


@token.command("list")
@click.option("--user", "name", help="Only those of this user.")
@json_option
@data_options
def show(name: str | None, as_json: bool, data: Path | None, config: Path | None) -> None:
    """List tokens, the newest first; revoked ones too. What a token is cannot be shown again."""
    with open_index(data, config) as index:
        found = Tokens(index.db).list(None if name is None else index.user(name).id)
        names = {one.id: one.name for one in Users(index.db).list()}
        now_us = index.clock.now_us()
    if as_json:
        click.echo(json.dumps([_fields(one, names.get(one.user, ""), index.zone) for one in found], indent=1))
        return
    for one in found:
        click.echo(
            f"{one.id}  {plain(names.get(one.user, ''))}  {plain(one.name)}: {', '.join(one.scopes)}"
            f"{_limits(one)}; {_state(one, now_us, index.zone)}"
        )


@token.command()
@click.option("--user", "user_name", required=True, help="Whose it is: it may do no more than this user.")
@click.option("--name", required=True, help="What it is for, for people.")
@click.option("--scope", "scopes", multiple=True, required=True, help=f"What it may be used for: {', '.join(Scope)}.")
@click.option("--camera", "cameras", multiple=True, help="Only for these cameras; else for all that its user sees.")
@click.option("--network", "networks", multiple=True, help="Only from these, e.g. 10.0.0.0/8; else from anywhere.")
@click.option("--days", type=click.FloatRange(0, _LONGEST_DAYS, min_open=True), help="It ends after so many days.")
@data_options
def create(
    user_name: str,
    name: str,
    scopes: tuple[str, ...],
    cameras: tuple[str, ...],
    networks: tuple[str, ...],
    days: float | None,
    data: Path | None,
    config: Path | None,
) -> None:
    """Make a token and print it, this once: only its digest is kept."""
    wanted = parse_scopes(scopes)
    slugs = [parse_slug(camera) for camera in cameras]
    with open_index(data, config) as index:
        one = index.user(user_name)
        now_us = index.clock.now_us()
        expires_us = None if days is None else now_us + round(days * _DAY_US)
        made = Tokens(index.db).make(
            one.id, name, wanted, now_us, cameras=slugs or None, networks=networks or None, expires_us=expires_us
        )
        register_secret(made.text)
        (kept,) = [record for record in Tokens(index.db).list(one.id) if record.id == made.id]
        limits = {"scopes": kept.scopes, "cameras": kept.cameras, "networks": kept.networks, "name": kept.name}
        index.note("token.made", f"token {made.id}", {"user": one.name, **limits})
    click.echo(made.text)
    click.echo(f"Token {made.id} of {one.name} is made; it is shown this once.", err=True)
    beyond = sorted(wanted - ROLE_SCOPES[one.role])
    if beyond:
        click.echo(f"{one.name} is {one.role}, so it is no use for {', '.join(beyond)}.", err=True)


@token.command()
@click.argument("token_id", metavar="ID")
@data_options
def revoke(token_id: str, data: Path | None, config: Path | None) -> None:
    """Revoke a token: from now on it opens nothing."""
    with open_index(data, config) as index:
        now_us = index.clock.now_us()
        revoked = Tokens(index.db).revoke(token_id, now_us)
        if revoked.revoked_us == now_us:
            index.note("token.revoked", f"token {revoked.id}", {"name": revoked.name})
    if revoked.revoked_us == now_us:
        click.echo(f"Token {revoked.id} is revoked.")
    else:
        click.echo(f"Token {revoked.id} was revoked {rfc3339(revoked.revoked_us or 0, index.zone)}.")


def _limits(one: TokenRecord) -> str:
    cameras = "" if one.cameras is None else f"; cameras {', '.join(one.cameras)}"
    networks = "" if one.networks is None else f"; from {', '.join(one.networks)}"
    return cameras + networks


def _state(one: TokenRecord, now_us: int, zone: ZoneInfo) -> str:
    if one.revoked_us is not None:
        return f"revoked {rfc3339(one.revoked_us, zone)}"
    if one.expires_us is not None and one.expires_us <= now_us:
        return f"expired {rfc3339(one.expires_us, zone)}"
    used = "never used" if one.used_us is None else f"used {rfc3339(one.used_us, zone)} from {one.used_from}"
    return used if one.expires_us is None else f"{used}, expires {rfc3339(one.expires_us, zone)}"


def _fields(one: TokenRecord, name: str, zone: ZoneInfo) -> dict[str, object]:
    times = {"created": one.created_us, "expires": one.expires_us, "used": one.used_us, "revoked": one.revoked_us}
    return {
        "id": one.id,
        "user": name,
        "name": one.name,
        "scopes": one.scopes,
        "cameras": one.cameras,
        "networks": one.networks,
        "used_from": one.used_from,
        **{key: None if us is None else rfc3339(us, zone) for key, us in times.items()},
    }
