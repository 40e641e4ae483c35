"""How much may be uploaded: of one file, by one user, and by all while there is room."""

from __future__ import annotations

from gatehouse_common.db import Uploads
from gatehouse_common.errors import ResourceExhausted, TooLarge
from gatehouse_common.runtime import Core


class QuotaExceeded(ResourceExhausted):
    """A user has as much here as is allowed.

    Args:
        message: one sentence.
        used: what there is.
        limit: what there may be.
    """

    def __init__(self, message: str, used: int, limit: int) -> None:
        super().__init__(message)
        self.used, self.limit = used, limit


class Quotas:
    """Tells what may still come.

    Args:
        core: settings, index and store.
        uploads: what there is.
    """

    def __init__(self, core: Core, uploads: Uploads) -> None:
        self._store, self._uploads = core.store, uploads
        self._settings = core.settings.values.uploads

    @property
    def most_bytes(self) -> int:
        """The largest file, bytes."""
        return self._settings.most_bytes

    @property
    def most_blob_bytes(self) -> int:
        """The largest blob, bytes."""
        return self._settings.most_blob_bytes

    def check_size(self, size: int) -> None:
        """Refuse a file that is too large.

        Raises:
            TooLarge: it is.
        """
        if size > self.most_bytes:
            raise TooLarge(f"files of {self.most_bytes} bytes at most are taken (`uploads.max_gib`), this has {size}.")

    def check_begin(self, owner: int, size: int) -> None:
        """Refuse another upload of a user who has too many, or for which there is no room.

        Args:
            owner: number of the user.
            size: of the file in bytes, 0: not known yet.

        Raises:
            QuotaExceeded: the user has too much.
            TooLarge: the file is too large.
            ResourceExhausted: the store has too little room.
        """
        self.check_size(size)
        self._check_room(size)
        most, limit = self._settings.user_uploads, self._settings.user_bytes
        if not most and not limit:
            return
        totals = self._uploads.totals(owner)
        if most and totals.uploads >= most:
            told = f"{totals.uploads} uploads have been begun and not ended: {most} may be at once. End or delete some."
            raise QuotaExceeded(told, totals.uploads, most)
        if limit:
            _refuse_over(totals.bytes, size, limit)

    def check_room(self, owner: int, size: int) -> None:
        """Refuse to make a file of footage for a user who has too much, or for which there is no room.

        Args:
            owner: number of the user.
            size: about how large it is going to be, bytes.

        Raises:
            QuotaExceeded: the user has too much.
            ResourceExhausted: the store has too little room.
        """
        self._check_room(size)
        limit = self._settings.user_bytes
        if limit:
            _refuse_over(self._uploads.totals(owner).bytes, size, limit)

    def left(self, owner: int, size: int, uncounted: int = 0) -> int:
        """Return how many more bytes of a user may come, if ``size`` are about to.

        Args:
            owner: number of the user.
            size: what is about to come, bytes.
            uncounted: what is stored already, and has no row yet, bytes.

        Raises:
            QuotaExceeded: not so many.
            ResourceExhausted: the store has too little room.
        """
        self._check_room(size)
        limit = self._settings.user_bytes
        if not limit:
            return self.most_bytes
        used = self._uploads.totals(owner).bytes + uncounted
        _refuse_over(used, max(size, 1), limit)
        return limit - used

    def _check_room(self, size: int) -> None:
        least = self._settings.least_free_bytes
        room = self._store.capacity() if least else None
        if room is not None and room.free - size < least:
            raise ResourceExhausted(
                f"the store has {room.free} bytes of room, of which {least} are to stay free "
                "(`uploads.least_free_gib`): delete something, and go on with this upload later."
            )


def _refuse_over(used: int, size: int, limit: int) -> None:
    if used + size > limit:
        told = f"{used} bytes of {limit} are used (`uploads.user_gib`), this needs {size} more: delete something."
        raise QuotaExceeded(told, used, limit)
