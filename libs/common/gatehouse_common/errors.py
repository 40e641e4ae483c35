"""One tree of errors; the kind of an error decides the HTTP status, the exit code and whether to try again.

```
GatehouseError
├── InvalidInput            the caller's value is wrong                  400  dead-letter
├── Unauthenticated         nobody knows who asks                        401  dead-letter
├── Forbidden               who asks may not                             403  dead-letter
├── NotFound                no such thing, or not recorded               404  dead-letter
├── Conflict                the state of things forbids it               409  dead-letter
│   └── ChangedSince        not what it was when who asks looked       412  dead-letter
├── Gone                    was here, was deleted                        410  dead-letter
├── TooLarge                more than a stated limit                     413  dead-letter
├── TooOften                asked for too often; later it may be         429  retry
├── ResourceExhausted       disk, memory or quota is full                507  retry
├── Unavailable             a dependency does not answer                 503  retry
│   ├── SourceUnavailable   a camera does not answer, or sends no video  503  retry
│   └── WorkerUnavailable   a capture worker elsewhere does not answer   503  retry
├── DataLoss                stored bytes are not what was written        500  dead-letter
└── Cancelled               the work was stopped on purpose              503  retry
```

Adapters translate foreign errors into this tree at their edge; nothing above an adapter
catches an error of SQLAlchemy, PyAV or the operating system.
"""

from __future__ import annotations

import errno
from enum import Enum


class Kind(Enum):
    """What an error means to whoever has to react to it: ``(slug, HTTP status, worth retrying)``."""

    INVALID = ("validation", 400, False)
    UNAUTHENTICATED = ("unauthenticated", 401, False)
    FORBIDDEN = ("forbidden", 403, False)
    NOT_FOUND = ("not-found", 404, False)
    CONFLICT = ("conflict", 409, False)
    CHANGED = ("precondition-failed", 412, False)
    GONE = ("gone", 410, False)
    TOO_LARGE = ("too-large", 413, False)
    TOO_OFTEN = ("rate-limited", 429, True)
    EXHAUSTED = ("storage-exhausted", 507, True)
    UNAVAILABLE = ("dependency-unavailable", 503, True)
    DATA_LOSS = ("data-loss", 500, False)
    CANCELLED = ("cancelled", 503, True)

    def __init__(self, slug: str, status: int, retry: bool) -> None:
        self.slug = slug
        self.status = status
        self.retry = retry


class GatehouseError(Exception):
    """Base of every error that Gatehouse raises on purpose.

    Args:
        message: one sentence for the person who must act: what is wrong, which value, what would be right.
    """

    kind = Kind.UNAVAILABLE

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(GatehouseError):  # noqa: N818 - the kind reads better without a suffix
    """A value from outside is wrong; ``field`` names it where there is one."""

    kind = Kind.INVALID

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Unauthenticated(GatehouseError):  # noqa: N818
    """Nobody has shown who asks, or what was shown is not good (any more)."""

    kind = Kind.UNAUTHENTICATED


class Forbidden(GatehouseError):  # noqa: N818
    """Who asks is known, and may not do this."""

    kind = Kind.FORBIDDEN


class NotFound(GatehouseError):  # noqa: N818
    """There is no such camera, chunk, object or recorded moment."""

    kind = Kind.NOT_FOUND


class Conflict(GatehouseError):  # noqa: N818
    """The present state forbids it: the name is taken, another process holds the data directory."""

    kind = Kind.CONFLICT


class ChangedSince(Conflict):
    """It is not what it was when whoever asks looked at it."""

    kind = Kind.CHANGED


class Gone(GatehouseError):  # noqa: N818
    """It was there and has been deleted."""

    kind = Kind.GONE


class TooLarge(GatehouseError):  # noqa: N818
    """More was asked for than a stated limit allows."""

    kind = Kind.TOO_LARGE


class TooOften(GatehouseError):  # noqa: N818
    """It was asked for too often; ``after_s`` is when it may be asked for again, in seconds."""

    kind = Kind.TOO_OFTEN

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        self.after_s = after_s


class ResourceExhausted(GatehouseError):  # noqa: N818
    """Disk, memory or quota is used up."""

    kind = Kind.EXHAUSTED


class Unavailable(GatehouseError):  # noqa: N818
    """A dependency does not answer; the same call may succeed later."""

    kind = Kind.UNAVAILABLE


class SourceUnavailable(Unavailable):
    """A camera cannot be reached, went silent, or sends no video."""


class WorkerUnavailable(Unavailable):
    """A capture worker on another machine, whose spool has what is wanted, does not answer."""


class DataLoss(GatehouseError):  # noqa: N818
    """Stored bytes are damaged or missing."""

    kind = Kind.DATA_LOSS


class Cancelled(GatehouseError):  # noqa: N818
    """The work was stopped on purpose, by a signal or by a caller."""

    kind = Kind.CANCELLED


_EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def from_os_error(error: OSError, doing: str) -> GatehouseError:
    """Translate an error of the operating system met while ``doing`` something into the tree above."""
    text = f"{doing}: {error.strerror or error}"
    if error.errno in _EXHAUSTED:
        return ResourceExhausted(text)
    if error.errno == errno.ENOENT:
        return NotFound(text)
    if error.errno == errno.EEXIST:
        return Conflict(text)
    if error.errno == errno.EIO:
        return DataLoss(text)
    return Unavailable(text)
