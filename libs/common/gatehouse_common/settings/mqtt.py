"""Settings of MQTT."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from .group import Group

_LEVEL = re.compile(r"[A-Za-z0-9-]{1,64}(?:/[A-Za-z0-9-]{1,64}){0,4}")
_SCHEMES = {"mqtt": 1883, "mqtts": 8883}


def mqtt_address(url: str) -> tuple[str, int, bool]:
    """Return host, port and whether it is TLS, of a checked URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _SCHEMES[parts.scheme], parts.scheme == "mqtts"


def _check_url(text: str) -> str:
    example = (
        "use e.g. 'mqtt://broker.lan' or 'mqtts://broker.example.org:8883'; name and password are settings beside it"
    )
    try:
        parts = urlsplit(text)
        more = "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment or parts.port == 0
        if text and (parts.scheme not in _SCHEMES or not parts.hostname or more):
            raise ValueError(example)
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise ValueError(example) from error
    return text


def _check_topic(text: str) -> str:
    if text and _LEVEL.fullmatch(text) is None:
        raise ValueError("use letters, digits and '-', with '/' between levels, e.g. 'gatehouse'")
    return text


class MqttSettings(Group):
    """The broker that is told what happens, for home automation."""

    url: Annotated[str, AfterValidator(_check_url)] = Field(
        "",
        max_length=255,
        description="`mqtt://host` or `mqtts://host:port` of the broker; empty: none is told",
    )
    username: str = Field("", max_length=255, description="who Gatehouse is to the broker; empty: nobody in particular")
    password: str = Field("", description="better in a file, by `GATEHOUSE_MQTT__PASSWORD_FILE`")
    ca_file: str = Field(
        "", description="certificates that a broker's is believed by, with `mqtts`; empty: those of the system"
    )
    prefix: Annotated[str, AfterValidator(_check_topic)] = Field(
        "gatehouse",
        min_length=1,
        description="what all topics begin with; of its own for each installation that tells the same broker",
    )
    discovery: Annotated[str, AfterValidator(_check_topic)] = Field(
        "homeassistant", description="where Home Assistant looks for devices; empty: it is told of none"
    )
    images: bool = Field(True, description="whether pictures of plates are sent as well")
    control: bool = Field(
        False,
        description="whether cameras may be switched off and on by `<prefix>/<camera>/recording/set`: whoever may "
        "publish that at the broker can end a recording",
    )
