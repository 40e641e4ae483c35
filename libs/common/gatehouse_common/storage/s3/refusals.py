"""What an S3 server answers instead of doing what it was asked, in our words.

No answer's own text is repeated: some hold the signed request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)

from gatehouse_common.errors import (
    Conflict,
    GatehouseError,
    InvalidInput,
    NotFound,
    ResourceExhausted,
    Unavailable,
)

from .place import S3Place


class Refused(Unavailable):
    """The server does not know us, forbids it, or has no such bucket: it stays so until a person changes something.

    A kind of ``Unavailable``, since footage waits in the spool until then.
    """


class UploadGone(NotFound):
    """The multipart upload was completed or aborted."""


class RangeBeyondEnd(NotFound):
    """The object ends before the range begins."""


class NotImplementedByServer(Unavailable):
    """The server does not know a feature that was asked for."""


_REFUSED: Final = {
    "AccessDenied": "these credentials may not do that",
    "AllAccessDisabled": "these credentials may not do that",
    "AccountProblem": "the account is blocked",
    "AuthorizationHeaderMalformed": "the region is wrong",
    "ExpiredToken": "the credentials have expired",
    "InvalidAccessKeyId": "the server does not know the access key",
    "InvalidBucketName": "no bucket can be called so",
    "InvalidToken": "the session token is wrong",
    "NoSuchBucket": "there is no such bucket: create it",
    "PermanentRedirect": "the bucket is in another region",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "TokenRefreshRequired": "the credentials have expired",
}
_FULL: Final = {
    "EntityTooLarge",  # what Swift says of a quota
    "InsufficientStorage",
    "QuotaExceeded",
    "ServiceQuotaExceeded",
    "XMinioAdminBucketQuotaExceeded",
    "XMinioStorageFull",
}
_BY_CODE: Final[dict[str, tuple[type[GatehouseError], str]]] = {
    **{code: (Refused, why) for code, why in _REFUSED.items()},
    **dict.fromkeys(_FULL, (ResourceExhausted, "its room or quota is used up")),
    "BadDigest": (Unavailable, "what arrived was not what was sent"),
    "InvalidRange": (RangeBeyondEnd, "the object ends before that"),
    "KeyTooLongError": (InvalidInput, "the key is too long for the server"),
    "NotImplemented": (NotImplementedByServer, "the server does not know how"),
    "NoSuchUpload": (UploadGone, "there is no such upload any more"),
    "PreconditionFailed": (Conflict, "it is already there"),
    "RequestTimeTooSkewed": (Unavailable, "the clocks of this machine and the server differ too much"),
}
_BY_STATUS: Final[dict[int, tuple[type[GatehouseError], str]]] = {  # a HEAD is answered without a code
    301: (Refused, "the bucket is in another region"),
    400: (Refused, "the request is not understood: check bucket, region and credentials"),
    401: (Refused, "the server does not know these credentials"),
    403: (Refused, "the credentials are wrong, or may not do that"),
    404: (NotFound, "there is no such object"),
    412: (Conflict, "it is already there"),
    416: (RangeBeyondEnd, "the object ends before that"),
    501: (NotImplementedByServer, "the server does not know how"),
    507: (ResourceExhausted, "its room or quota is used up"),
}


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an answer, 0 if it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: ClientError) -> str:
    """Return the S3 error code of an answer."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translate(error: BotoCoreError | ClientError, doing: str, place: S3Place) -> GatehouseError:
    """Return the error of our tree for one that was met while ``doing`` something; see the tables above."""
    if isinstance(error, ClientError):
        code, status = code_of(error), status_of(error)
        found = _BY_CODE.get(code) or (_BY_STATUS.get(status) if code == "" or code.isdigit() else None)
        if found is None and status in {404, 412, 416, 501, 507}:
            found = _BY_STATUS[status]
        if found is None:
            # Of an answer nobody has foreseen only this is sure: it was not done. Footage waits, and health tells.
            found = (Unavailable, f"the server answers {status} {code[:40]}".rstrip())
        return found[0](f"{doing} in {place}: {found[1]}")
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return Refused(f"{doing} in {place}: no credentials: set storage.access_key and storage.secret_key")
    if isinstance(error, SSLError):
        return Refused(f"{doing} in {place}: the server's certificate is not trusted")
    return Unavailable(f"{doing} in {place}: the server does not answer ({type(error).__name__})")


@contextmanager
def translated(doing: str, place: S3Place) -> Iterator[None]:
    """Raise what boto raises inside as an error of our tree."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translate(error, doing, place) from error
