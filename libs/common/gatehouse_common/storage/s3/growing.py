"""An object that is sent while its file is written, so that little is left to send when the file is closed."""

from __future__ import annotations

import threading

from gatehouse_common.storage.source import Source

from .content import PART_BYTES
from .multipart import Multipart
from .refusals import UploadGone
from .writing import Writer


class GrowingObject:
    """A file that grows at its end, and the multipart upload of what it has already.

    The upload survives a crash of the process: whoever stores the same key next, growing or whole, finds it on the
    server and goes on with it. Nothing that was sent is believed when the file is finished; each part is compared.
    May be used by many threads.

    Args:
        writer: makes the object in the end.
        key: what the file becomes.
    """

    def __init__(self, writer: Writer, key: str) -> None:
        self._writer, self._key = writer, key
        self._lock = threading.Lock()
        self._upload: Multipart | None = None
        self._sent = 0
        self._ended = False

    @property
    def key(self) -> str:
        """The key of the object that it becomes."""
        return self._key

    def feed(self, source: Source, size: int) -> int:
        """Send whole parts of the first ``size`` bytes of the file, and return how many bytes have been sent in all.

        Nothing is sent any more once ``finish`` or ``abort`` was called.

        Raises:
            GatehouseError: the server does not take it; call again later.
        """
        with self._lock:
            if self._ended or size - self._sent < PART_BYTES:
                return self._sent
            upload = self._upload or self._writer.resume(self._key) or self._writer.begin(self._key)
            self._upload = upload
            try:
                upload.settle(source, size, whole_file=False, trusted=True)
            except UploadGone:
                self._writer.let_go(upload)
                self._upload, self._sent = None, 0
                raise
            self._sent = size - size % PART_BYTES
            return self._sent

    def finish(self, source: Source) -> None:
        """Make the file, which is not written to any more, an object; it may be called again if that fails.

        Raises:
            NotFound: there is no file.
            Conflict: the key is taken by something else; what was sent is taken back.
        """
        with self._lock:
            upload, self._upload, self._ended = self._upload, None, True
            self._writer.put(source, self._key, upload)

    def abort(self) -> None:
        """Take back what was sent; the file stays."""
        with self._lock:
            upload, self._upload, self._ended = self._upload, None, True
            if upload is not None:
                self._writer.let_go(upload)
                upload.abort()
