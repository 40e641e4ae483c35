"""The connection to a server: how long is waited, how often tried, how many at once, and who we say we are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from gatehouse_common.errors import InvalidInput
from gatehouse_common.observability.secrets import mask, register_secret
from gatehouse_common.settings.model import StorageSettings

from .content import content_md5
from .place import S3Place

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_S = 3.0
ATTEMPTS = 3
"""Of each request, with a growing pause of random length between them (botocore's standard mode)."""
_DEFAULT_REGION = "us-east-1"


def make_client(place: S3Place, settings: StorageSettings) -> S3Client:
    """Return a client of the server; nothing is sent yet. It may be used by many threads.

    Without credentials in the settings they are looked for where every AWS program looks: ``AWS_*`` variables, the
    shared credentials file, the identity of the machine or pod.

    Raises:
        InvalidInput: what the settings or the environment say of the server or the credentials is wrong.
    """
    if bool(settings.access_key) != bool(settings.secret_key):
        raise InvalidInput("storage.access_key and storage.secret_key go together: set both, or none.", "storage")
    register_secret(settings.secret_key)
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if place.path_style else "auto"},
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT_S,
        read_timeout=settings.timeout_seconds,
        max_pool_connections=settings.connections,
        # Servers other than Amazon's refuse what boto adds by itself since 1.36; we send Content-MD5 instead.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
    )
    try:
        session = boto3.session.Session(
            aws_access_key_id=settings.access_key or None, aws_secret_access_key=settings.secret_key or None
        )
        region = place.region or session.region_name or _DEFAULT_REGION
        client = session.client("s3", endpoint_url=place.endpoint, region_name=region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise InvalidInput(f"the S3 client cannot be set up: {mask(str(error))[:200]}", "storage_url") from error
    client.meta.events.register("before-sign.s3.DeleteObjects", _add_md5)
    return client


def _add_md5(request: Any, **_: object) -> None:
    """Let a request to delete many have the checksum that S3 itself asked for until 2024, and many servers still do.

    boto sends another there, whatever it is told, and has no parameter for this one.
    """
    body = request.body
    if isinstance(body, bytes | bytearray):
        request.headers["Content-MD5"] = content_md5(bytes(body))
