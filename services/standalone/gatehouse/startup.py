"""What must be right before anything is recorded: room on the disk, a free port, a store that takes writes."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import socket
from collections.abc import Collection
from pathlib import Path

import structlog

from gatehouse_common.errors import Conflict, GatehouseError, InvalidInput, Kind, ResourceExhausted, from_os_error
from gatehouse_common.runtime.stores import open_store
from gatehouse_common.settings import Settings
from gatehouse_common.storage import Ballast, LocalStore

log = structlog.get_logger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Addresses that only this machine reaches."""
MIN_FREE_BYTES = 64 << 20
MIN_FREE_INODES = 1000


def check_room(settings: Settings) -> None:
    """Return if the data directory and the store have room to record in; creates nothing.

    Raises:
        ResourceExhausted: they have not; the sentence says where and how much there is.
    """
    for root in filter(None, dict.fromkeys((settings.values.data_dir.absolute(), settings.storage_root))):
        present = _nearest(root)
        try:
            free = shutil.disk_usage(present).free
            found = os.statvfs(present)
        except OSError as error:
            raise from_os_error(error, f"looking at {present}") from error
        if free < MIN_FREE_BYTES:
            raise ResourceExhausted(
                f"the disk of {root} is full: {free / 1e6:.1f} MB are free, recording needs at least "
                f"{MIN_FREE_BYTES / 1e6:.0f} MB: make room, or choose another place with --data."
            )
        if found.f_files and found.f_favail < MIN_FREE_INODES:
            raise ResourceExhausted(f"the disk of {root} has only {found.f_favail} inodes free: delete some files.")


def find_room(settings: Settings) -> None:
    """Return if it can be started with the room there is: with little, too, where the janitor may make more.

    Who has recorded before has footage to give back, and holds to release: refusing would leave a full disk full.

    Raises:
        ResourceExhausted: there is too little to begin with.
    """
    data = settings.values.data_dir.absolute()
    try:
        check_room(settings)
    except ResourceExhausted as error:
        if not _has_recorded(data):
            raise
        lacks_bytes = shutil.disk_usage(_nearest(data)).free < MIN_FREE_BYTES
        given = lacks_bytes and Ballast(data).give()
        log.warning("started on a full disk, to make room", reason=error.message, ballast_given_up=given)


def check_startup(settings: Settings, names: Collection[str]) -> Settings:
    """Return settings that services of such names can be started with: port 0 of the api is replaced by a free one.

    Raises:
        Conflict: the port is in use.
        InvalidInput: host or port cannot be listened on, or would be open to everybody.
        GatehouseError: the store does not take a file and give it back.
    """
    LocalStore(settings.values.data_dir.absolute()).probe()
    probe_store(settings)
    if "api" not in names:
        return settings
    api = settings.values.api
    if settings.values.auth.mode == "proxy" and not (api.trusted_proxies and settings.values.auth.proxy_secret):
        raise InvalidInput(
            "with auth.mode 'proxy' set api.trusted_proxies to the proxy's address, and auth.proxy_secret to what it "
            "shows: else anybody could name themselves.",
            "auth.mode",
        )
    port = find_port(api.host, api.port)
    if settings.values.auth.mode == "open" and api.host not in LOOPBACK:
        raise InvalidInput(
            f"with auth.mode 'open' whoever reaches {api.host} could watch everything and change cameras: leave it at "
            "'local', which has users, or listen on 127.0.0.1 only.",
            "auth.mode",
        )
    values = settings.values.model_copy(update={"api": api.model_copy(update={"port": port})})
    return dataclasses.replace(settings, values=values)


def probe_store(settings: Settings) -> None:
    """Return if the store takes a file and gives it back; one on another machine may be away for now.

    Footage waits for it in the data directory then, as it does when it goes away later.

    Raises:
        InvalidInput: its URL or credentials are wrong.
        GatehouseError: it refuses, or this machine's disk does.
    """
    store = open_store(settings)
    try:
        store.probe()
    except GatehouseError as error:
        if settings.storage_root is not None or error.kind is not Kind.UNAVAILABLE:
            raise
        log.warning("the store does not answer: footage waits in the data directory", reason=error.message)
    finally:
        store.close()


def find_port(host: str, port: int) -> int:
    """Return ``port`` if it can be listened on, or a free one for 0.

    Raises:
        Conflict: it is in use.
        InvalidInput: the host is not one of this machine, or the port needs privileges.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise InvalidInput(f"host {host[:60]!r} is not known: use 127.0.0.1 or an address of this machine.") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            raise _explained(error, host, port) from error
        return int(probe.getsockname()[1])


def _explained(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return Conflict(f"port {port} on {host} is in use by another program: stop it, or choose another with --port.")
    if error.errno == errno.EACCES:
        return InvalidInput(f"port {port} needs privileges: choose one above 1023 with --port.", "port")
    if error.errno == errno.EADDRNOTAVAIL:
        return InvalidInput(f"host {host[:60]!r} is not an address of this machine.", "host")
    return from_os_error(error, f"listening on {host} port {port}")


def _has_recorded(data: Path) -> bool:
    return (data / "gatehouse.db").exists() or (data / "spool").exists()


def _nearest(path: Path) -> Path:
    """Return the deepest part of a path that is there."""
    return next(p for p in (path, *path.parents) if p.exists())
