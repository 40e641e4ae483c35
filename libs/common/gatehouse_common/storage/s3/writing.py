"""Taking a key: looked at first, asked for on condition, and recognised as our own if an answer was lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatehouse_common.errors import Conflict
from gatehouse_common.ids import new_id
from gatehouse_common.storage.source import Source

from .content import PART_BYTES, content_md5, source_etag
from .found import MARK, found_object
from .multipart import Multipart, Unfinished, sent_parts, unfinished
from .place import S3Place
from .refusals import NotImplementedByServer, UploadGone, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TYPES = {".mp4": "video/mp4", ".json": "application/json", ".txt": "text/plain", ".jpg": "image/jpeg"}


class Writer:
    """Makes objects; one at a time of each key."""

    def __init__(self, client: S3Client, place: S3Place, executor: Executor) -> None:
        self._client, self._place, self._executor = client, place, executor
        self._conditional = True  # until a server says that it cannot
        self._changed = threading.Condition()
        self._busy: set[str] = set()
        self._under_way: set[str] = set()

    def put_bytes(self, key: str, data: bytes, *, overwrite: bool) -> None:
        """Make ``data`` an object.

        Raises:
            Conflict: the key is taken and ``overwrite`` is not set.
        """
        with self._alone(key):
            if not overwrite and found_object(self._client, self._place, key) is not None:
                raise Conflict(f"object {key} is already there")
            self._put_once(key, data, overwrite=overwrite)

    def put(self, source: Source, key: str, upload: Multipart | None = None) -> None:
        """Make a finished file an object; the same file again is no conflict.

        Args:
            source: the file.
            key: its key.
            upload: one that has begun; else one that a former process has begun is gone on with.

        Raises:
            NotFound: there is no file.
            Conflict: the key is taken by something else; ``upload`` is aborted then.
        """
        try:
            with self._alone(key):
                self._put(source, key, upload)
        finally:
            if upload is not None:
                self.let_go(upload)

    def _put(self, source: Source, key: str, upload: Multipart | None) -> None:
        size = source.size()
        taken = found_object(self._client, self._place, key)
        if taken is not None:
            if upload is not None:
                self._take_back(upload)
            if not taken.has(size, source_etag(source)):
                raise Conflict(f"object {key} is already there")
        elif upload is None and size <= PART_BYTES:
            self._put_once(key, source.pread(0, size), overwrite=False)
        else:
            self._put_parts(source, key, size, upload or self.resume(key) or self.begin(key))

    def begin(self, key: str) -> Multipart:
        """Begin a multipart upload."""
        with translated(f"storing {key}", self._place):
            answer = self._client.create_multipart_upload(
                Bucket=self._place.bucket, Key=self._place.name(key), ContentType=_type_of(key)
            )
        return self._own(Unfinished(key, answer["UploadId"], 0), {})

    def resume(self, key: str) -> Multipart | None:
        """Return the newest upload of a key that nobody here is about, None if there is none."""
        found = [u for u in unfinished(self._client, self._place, key) if u.key == key and not self.is_under_way(u.id)]
        for upload in sorted(found, key=lambda u: u.begun_us, reverse=True):
            try:
                return self._own(upload, sent_parts(self._client, self._place, upload))
            except UploadGone:
                continue
        return None

    def is_under_way(self, upload_id: str) -> bool:
        """Return whether this process is about an upload."""
        with self._changed:
            return upload_id in self._under_way

    def let_go(self, upload: Multipart) -> None:
        """Leave an upload to whoever resumes or aborts it."""
        with self._changed:
            self._under_way.discard(upload.id)

    def _own(self, upload: Unfinished, parts: dict[int, str]) -> Multipart:
        with self._changed:
            self._under_way.add(upload.id)
        return Multipart(self._client, self._place, upload.key, upload.id, self._executor, parts)

    def _put_parts(self, source: Source, key: str, size: int, upload: Multipart) -> None:
        """Send what is missing and complete; left as it is when that fails, to be resumed."""
        try:
            try:
                upload.settle(source, size, whole_file=True)
            except UploadGone:  # by a rule of the bucket's life cycle, or by hand
                self.let_go(upload)
                upload = self.begin(key)
                upload.settle(source, size, whole_file=True)
            self._complete(upload, size)
        finally:
            self.let_go(upload)

    def _complete(self, upload: Multipart, size: int) -> None:
        """Complete an upload if its key is still free.

        A lost answer is asked for again by boto, and refused then: what is there is looked at before that is believed.
        """
        key = upload.key
        if found_object(self._client, self._place, key) is not None:  # for servers that know no condition
            self._take_back(upload)
            raise Conflict(f"object {key} is already there")
        try:
            self._if_free(upload.complete)
        except (Conflict, UploadGone) as error:
            taken = found_object(self._client, self._place, key)
            if taken is not None and taken.has(size, upload.etag()):
                return
            self._take_back(upload)
            raise Conflict(f"object {key} is already there") from error

    def _put_once(self, key: str, data: bytes, *, overwrite: bool) -> None:
        """Put an object whose key was free when it was looked at; see ``_complete`` for lost answers."""
        mark = new_id()

        def put(condition: dict[str, Any]) -> None:
            with translated(f"storing {key}", self._place):
                self._client.put_object(
                    Bucket=self._place.bucket,
                    Key=self._place.name(key),
                    Body=data,
                    ContentMD5=content_md5(data),
                    ContentType=_type_of(key),
                    Metadata={MARK: mark},
                    **condition,
                )

        if overwrite:
            put({})
            return
        try:
            self._if_free(put)
        except Conflict as error:
            taken = found_object(self._client, self._place, key)
            if taken is None or taken.mark != mark:
                raise Conflict(f"object {key} is already there") from error

    def _if_free(self, do: Callable[[dict[str, Any]], None]) -> None:
        """Do something on condition that the key is free; without it where the server knows none."""
        if self._conditional:
            try:
                do({"IfNoneMatch": "*"})
            except NotImplementedByServer:
                self._conditional = False
            else:
                return
        do({})

    def _take_back(self, upload: Multipart) -> None:
        self.let_go(upload)
        upload.abort()

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: key not in self._busy)
            self._busy.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._busy.discard(key)
                self._changed.notify_all()


def _type_of(key: str) -> str:
    return _TYPES.get(Path(key).suffix, "application/octet-stream")
