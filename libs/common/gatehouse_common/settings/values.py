"""Setting values with a form of their own: how they are written, parsed and shown."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import zone

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_ORIGIN = re.compile(r"(?:chrome-extension|moz-extension|https?)://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?")
_TIME_OF_DAY = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_FSYNC = re.compile(r"part|chunk|seconds:([0-9]{1,4}(?:\.[0-9]{1,6})?)")


def _check_fsync(text: str) -> str:
    if _FSYNC.fullmatch(text) is None:
        raise ValueError("use 'part', 'seconds:N' (e.g. 'seconds:2') or 'chunk'")
    return text


def fsync_every_us(text: str) -> int | None:
    """Return how often to force the open chunk to the disk in microseconds: 0 each part, None at its end only."""
    match = _FSYNC.fullmatch(text)
    if match is None or text == "chunk":
        return None
    return 0 if text == "part" else round(float(match[1]) * 1_000_000)


def _check_zone(text: str) -> str:
    try:
        zone(text)
    except InvalidInput as error:
        raise ValueError(error.message) from error
    return text


def allowed_hosts(text: str) -> frozenset[str]:
    """Return the names that a checked setting lists, in lower case."""
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


def _check_hosts(text: str) -> str:
    for name in allowed_hosts(text):
        if name != "*" and (_HOST.fullmatch(name) is None or len(name) > 253):
            raise ValueError(f"{name[:60]!r} is no host name: list names without port, e.g. 'cameras.example.org'")
    return text


def allowed_origins(text: str) -> frozenset[str]:
    """Return the origins that a checked setting lists."""
    return frozenset(origin.strip().lower() for origin in text.split(",") if origin.strip())


def _check_origins(text: str) -> str:
    for origin in allowed_origins(text):
        if _ORIGIN.fullmatch(origin) is None:
            raise ValueError(f"{origin[:60]!r} is no origin: e.g. 'chrome-extension://<id>' or 'https://example.org'")
    return text


def trusted_networks(text: str) -> list[IPv4Network | IPv6Network]:
    """Return the networks that a checked setting lists."""
    return [ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]


def _check_networks(text: str) -> str:
    try:
        trusted_networks(text)
    except ValueError as error:
        raise ValueError("list networks or addresses, e.g. '127.0.0.1, 10.0.0.0/8'") from error
    return text


def _check_header(text: str) -> str:
    if _HEADER.fullmatch(text) is None:
        raise ValueError("use the name of a header, e.g. 'X-Forwarded-User'")
    return text


def listen_address(text: str) -> tuple[str, int] | None:
    """Return host and port of a checked setting, None if it is empty."""
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if text else None


def _check_listen(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text and not (host and colon and port.isdecimal() and int(port) <= 65535):
        raise ValueError("use 'host:port', e.g. '0.0.0.0:5010'")
    return text


def site_zone(text: str) -> ZoneInfo:
    """Return the zone that a checked setting names."""
    return zone(text)


def _check_path(text: object) -> object:
    if isinstance(text, str):
        if not text.strip():
            raise ValueError("it must not be blank")
        if "\0" in text:
            raise ValueError("it must not hold a NUL character")
        return Path(text).expanduser()
    return text


def _check_optional_path(text: object) -> object:
    return None if text == "" else _check_path(text)


HostNames = Annotated[str, AfterValidator(_check_hosts)]
Origins = Annotated[str, AfterValidator(_check_origins)]
Networks = Annotated[str, AfterValidator(_check_networks)]
HeaderName = Annotated[str, AfterValidator(_check_header)]


def _check_name(text: str) -> str:
    if len(text) > 64 or not text.isprintable():
        raise ValueError("use at most 64 printable characters")
    return text


def time_of_day(text: str) -> tuple[int, int] | None:
    """Return hour and minute of a checked setting, None if it is empty."""
    hour, _, minute = text.partition(":")
    return (int(hour), int(minute)) if text else None


def _check_time_of_day(text: str) -> str:
    if text and _TIME_OF_DAY.fullmatch(text) is None:
        raise ValueError("use 'HH:MM', e.g. '03:30', or nothing")
    return text


Name = Annotated[str, AfterValidator(_check_name)]
Listen = Annotated[str, AfterValidator(_check_listen)]
Fsync = Annotated[str, AfterValidator(_check_fsync)]
ZoneName = Annotated[str, AfterValidator(_check_zone)]
TimeOfDay = Annotated[str, AfterValidator(_check_time_of_day)]
FilePath = Annotated[Path, BeforeValidator(_check_path)]
OptionalFilePath = Annotated[Path | None, BeforeValidator(_check_optional_path)]
