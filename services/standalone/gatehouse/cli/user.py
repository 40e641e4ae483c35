"""``gatehouse user``: who may use this installation, and what for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from gatehouse_common.accounts import Grant, Permission, Role, parse_name
from gatehouse_common.db import CameraRepository, HandOver, LoginAttempts, User, Users
from gatehouse_common.errors import Conflict, InvalidInput, NotFound
from gatehouse_common.timefmt import rfc3339

from .new_password import new_hash, password_options
from .opened_index import Index, open_index
from .options import data_options, json_option
from .plain import plain

_ROLES = click.Choice([role.value for role in Role])
_PERMISSIONS = click.Choice([permission.value for permission in Permission])


@click.group()
def user() -> None:
    """Add, list, change and remove users; say which cameras they see. It holds from the next request on."""


@user.command("list")
@json_option
@data_options
def show(as_json: bool, data: Path | None, config: Path | None) -> None:
    """List all users: role, state, cameras, and when each logged in last."""
    with open_index(data, config) as index:
        users = Users(index.db)
        found = [(one, list(users.grants(one.id).values())) for one in users.list()]
    if as_json:
        click.echo(json.dumps([_fields(*pair, index.zone) for pair in found], indent=1))
        return
    if not found:
        click.echo("No user yet: gatehouse user add NAME --role admin", err=True)
    width = max((len(one.name) for one, _ in found), default=0)
    for one, grants in found:
        seen = "never logged in" if one.seen_us is None else f"logged in {rfc3339(one.seen_us, index.zone)}"
        cameras = "all cameras" if one.all_cameras else ", ".join(map(_grant_text, grants)) or "no camera"
        click.echo(f"{plain(one.name):{width}}  {one.role:8}  {one.state:8}  {seen}  {cameras}")


@user.command()
@click.argument("name")
@click.option("--role", type=_ROLES, required=True, help="What the user is here for.")
@password_options
@data_options
def add(
    name: str, role: str, password_file: Path | None, password_stdin: bool, data: Path | None, config: Path | None
) -> None:
    """Add a user. Its password is asked for, unless it is read from a file or from standard input.

    Admins and operators see all cameras; others those that are granted to them (`gatehouse user grant`).
    """
    shown = parse_name(name)
    with open_index(data, config, make=True) as index:
        users = Users(index.db)
        if users.named(shown) is not None:
            raise Conflict(f"there is a user {shown!r} already.")
        kept = new_hash(shown, password_file, password_stdin)
        made = users.add(shown, Role(role), index.clock.now_us(), password=kept)
        index.note("user.added", f"user {made.name}", {"role": made.role, "all_cameras": made.all_cameras})
        has_admin = any(one.role == Role.ADMIN and one.is_active for one in users.list())
    click.echo(f"User {made.name} is added as {made.role}.")
    if made.role == Role.VIEWER:
        click.echo("No camera is granted yet: gatehouse user grant NAME CAMERA", err=True)
    if not has_admin:
        click.echo("There is no admin yet: gatehouse user add NAME --role admin", err=True)


@user.command("set")
@click.argument("name")
@click.option("--role", type=_ROLES, help="What the user is here for from now on; grants stay as they are.")
@click.option("--enable/--disable", "enabled", default=None, help="Let the user in (again), or not for now.")
@click.option("--all-cameras/--no-all-cameras", default=None, help="All cameras, or those that are granted.")
@data_options
def set_values(
    name: str,
    role: str | None,
    enabled: bool | None,
    all_cameras: bool | None,
    data: Path | None,
    config: Path | None,
) -> None:
    """Change a user. With another role or state all its sessions end; who is disabled has no use of tokens either."""
    values: dict[str, Any] = {}
    if role is not None:
        values["role"] = Role(role)
    if enabled is not None:
        values["state"] = "active" if enabled else "disabled"
    if all_cameras is not None:
        values["all_cameras"] = all_cameras
    if not values:
        raise InvalidInput("there is nothing to change: give --role, --enable, --disable or --[no-]all-cameras.")
    with open_index(data, config) as index:
        before = index.user(name)
        after = Users(index.db).change(before.id, **values)
        index.note(
            "user.changed",
            f"user {after.name}",
            {"before": {key: getattr(before, key) for key in values}, "after": values},
        )
    cameras = "all cameras" if after.all_cameras else "cameras that are granted"
    click.echo(f"User {after.name} is changed: {after.role}, {after.state}, {cameras}.")


@user.command()
@click.argument("name")
@click.argument("camera")
@click.option("--permission", "permissions", type=_PERMISSIONS, multiple=True, help="What for; all if none is named.")
@click.option("--last-hours", type=float, metavar="HOURS", help="Only with the footage of so many hours.")
@data_options
def grant(
    name: str,
    camera: str,
    permissions: tuple[str, ...],
    last_hours: float | None,
    data: Path | None,
    config: Path | None,
) -> None:
    """Let a user see CAMERA, in place of what was granted of it before."""
    granted = Grant.of(camera, permissions or None, last_hours)
    with open_index(data, config) as index:
        one = index.user(name)
        Users(index.db).grant_camera(one.id, granted)
        index.note("grant.made", f"user {one.name}", _grant_fields(granted))
        is_there = _is_there(index, camera)
    click.echo(f"User {one.name} is granted {_grant_text(granted)}.")
    if one.all_cameras:
        click.echo("It sees all cameras as it is: gatehouse user set NAME --no-all-cameras", err=True)
    if not is_there:
        click.echo(f"There is no camera {camera} yet.", err=True)


@user.command()
@click.argument("name")
@click.argument("camera")
@data_options
def revoke(name: str, camera: str, data: Path | None, config: Path | None) -> None:
    """Take back what was granted of CAMERA."""
    with open_index(data, config) as index:
        one = index.user(name)
        Users(index.db).take_camera(one.id, camera)
        index.note("grant.revoked", f"user {one.name}", {"camera": camera})
    click.echo(f"User {one.name} is not granted {camera} any more.")
    if one.all_cameras:
        click.echo("It sees all cameras as it is: gatehouse user set NAME --no-all-cameras", err=True)


@user.command()
@click.argument("name")
@data_options
def remove(name: str, data: Path | None, config: Path | None) -> None:
    """Remove a user, its sessions and its tokens. What it did stays in the audit log."""
    with open_index(data, config) as index:
        one = index.user(name)
        Users(index.db).remove(one.id)
        index.note("user.removed", f"user {one.name}")
    click.echo(f"User {one.name} is removed.")


@user.command("hand-over")
@click.argument("name")
@click.argument("to")
@data_options
def hand_over(name: str, to: str, data: Path | None, config: Path | None) -> None:
    """Give all uploads, exports and recordings of NAME to TO, who is the same person, or has them from now on.

    Not while NAME is recording or uploading.

    NAME stays a user, who has none: `gatehouse user remove` removes it. Files of sessions go on saying who recorded
    them: should the index be lost, they are NAME's again.
    """
    with open_index(data, config) as index:
        giver, taker = index.user(name), index.user(to)
        done = HandOver(index.db).give(giver, taker, index.clock.now_us())
        detail = {"to": taker.name, "media": done.media, "sessions": done.sessions}
        index.note("user.handed_over", f"user {giver.name}", detail)
    click.echo(
        f"{done.media} uploads and exports and {done.sessions} recorder sessions of {giver.name} are {taker.name}'s."
    )


@user.command("reset-password")
@click.argument("name")
@password_options
@data_options
def reset_password(
    name: str, password_file: Path | None, password_stdin: bool, data: Path | None, config: Path | None
) -> None:
    """Give a user another password. All its sessions end.

    Wrong guesses for its name are forgotten: whoever was kept out by them can log in at once.
    """
    with open_index(data, config) as index:
        one = index.user(name)
        kept = new_hash(one.name, password_file, password_stdin)
        Users(index.db).change(one.id, password=kept)
        LoginAttempts(index.db).forget(one.name)
        index.note("password.reset", f"user {one.name}")
    click.echo(f"User {one.name} has another password; its sessions have ended.")
    if not one.is_active:
        click.echo(f"It is {one.state} and cannot log in: gatehouse user set NAME --enable", err=True)


def _is_there(index: Index, camera: str) -> bool:
    try:
        CameraRepository(index.db).get(camera)
    except NotFound:
        return False
    return True


def _grant_text(one: Grant) -> str:
    limits: list[str] = [] if one.permissions == set(Permission) else [*sorted(one.permissions)]
    if one.last_hours is not None:
        limits.append(f"last {one.last_hours:g} h")
    return f"{one.camera} ({', '.join(limits)})" if limits else one.camera


def _grant_fields(one: Grant) -> dict[str, object]:
    return {"camera": one.camera, "permissions": sorted(one.permissions), "last_hours": one.last_hours}


def _fields(one: User, grants: list[Grant], zone: ZoneInfo) -> dict[str, object]:
    return {
        "id": one.id,
        "number": one.number,
        "name": one.name,
        "role": one.role,
        "state": one.state,
        "has_password": one.password is not None,
        "all_cameras": one.all_cameras,
        "grants": [_grant_fields(grant) for grant in grants],
        "created": rfc3339(one.created_us, zone),
        "seen": None if one.seen_us is None else rfc3339(one.seen_us, zone),
    }
