"""Giving a virtual file to a client: ranges, conditions, HEAD (RFC 9110 sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

from flask import Response, request

from gatehouse_common.footage import ChunkReader
from gatehouse_common.media.conversion import Target
from gatehouse_common.media.virtual_file import VirtualFile
from gatehouse_common.runtime.web_server import CONNECTION

from .context import Context
from .problems import problem

_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
IMMUTABLE = "private, max-age=31536000, immutable"
REVALIDATE = "private, no-cache"


def deliver(file: VirtualFile, reader: ChunkReader, *, sealed: bool, name: str | None = None) -> Response:
    """Return the answer to a GET or HEAD of ``file``.

    Args:
        file: the file.
        reader: where its bytes come from.
        sealed: whether it will never change.
        name: what to call it when it is saved; without one it is shown in place.

    Raises:
        DataLoss: bytes that are asked for are not there.
    """
    etag = file.etag()
    headers = {
        "ETag": f'"{etag}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": IMMUTABLE if sealed else REVALIDATE,
    }
    if name is not None:
        headers["Content-Disposition"] = _attachment(name)
    if _known(etag):
        return Response(status=304, headers=headers)
    size = file.size
    wanted = _wanted(size, etag)
    if wanted is None:
        return _body(file, reader, 0, size, 200, headers)
    start, end = wanted
    if start >= end:
        answer = problem(416, "range-not-satisfiable", "No such bytes", f"the file has {size} bytes")
        answer.headers["Content-Range"] = f"bytes */{size}"
        return answer
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return _body(file, reader, start, end, 206, headers)


def deliver_once(describe: Callable[[], VirtualFile], reader: ChunkReader, name: str, media_type: str) -> Response:
    """Return the answer to a GET or HEAD of a file that is another each time it is described: without ranges or tag.

    Args:
        describe: makes its description; of a HEAD it is not called.
        reader: where its bytes come from.
        name: what to call it when it is saved.
        media_type: its MIME type.

    Raises:
        DataLoss: bytes of it are not there.
    """
    headers = {
        "Cache-Control": "private, no-store",
        "Accept-Ranges": "none",
        "Content-Disposition": _attachment(name),
    }
    if request.method == "HEAD":
        return Response(status=200, headers=headers, content_type=media_type)
    file = describe()
    return _body(file, reader, 0, file.size, 200, headers)


def convert(file: VirtualFile, ctx: Context, target: Target, name: str | None = None) -> Response:
    """Return the answer to a GET or HEAD of what ``target`` makes of ``file``: sent while it is made.

    Raises:
        Unavailable: as many are being made as may.
        DataLoss: the footage cannot be converted.
    """
    headers = {"Cache-Control": "private, no-store", "Accept-Ranges": "none", "X-Accel-Buffering": "no"}
    if name is not None:
        headers["Content-Disposition"] = _attachment(name)
    if request.method == "HEAD":
        return Response(status=200, headers=headers, content_type=target.media_type)
    ctx.reader.check(file, 0, file.size)
    pieces = ctx.conversions.start(target, file, ctx.reader, request.environ.get(CONNECTION))
    return Response(pieces, 200, headers=headers, content_type=target.media_type, direct_passthrough=True)


def _attachment(name: str) -> str:
    ascii_name = _UNQUOTABLE.sub("_", name)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}"


def _known(etag: str) -> bool:
    # The weak comparison (RFC 9110 section 13.1.2): a proxy that compresses weakens the tag, and means the same film.
    return request.if_none_match.contains_weak(etag) or request.headers.get("If-None-Match") == "*"


def _wanted(size: int, etag: str) -> tuple[int, int] | None:
    """Return the one range that is asked for as ``[start, end)``; None for the whole file.

    Several ranges at once, and ranges of another state of the file (``If-Range``), get the whole.
    """
    text = request.headers.get("Range", "")
    condition = request.headers.get("If-Range")
    if condition is not None and condition.strip() != f'"{etag}"':
        return None
    match = _RANGE.fullmatch(text.replace(" ", ""))
    if match is None or match.groups() == ("", "") or len(text) > 100:
        return None
    first, last = match.groups()
    if first == "":
        return max(0, size - int(last)), size if int(last) else 0
    start = int(first)
    if last and int(last) < start:
        return None
    return start, min(size, int(last) + 1) if last else size


def _body(
    file: VirtualFile, reader: ChunkReader, start: int, end: int, status: int, headers: dict[str, str]
) -> Response:
    reader.check(file, start, end)
    pieces: Iterator[bytes] = iter(()) if request.method == "HEAD" else reader.read(file, start, end)
    answer = Response(pieces, status, headers=headers, content_type=file.media_type, direct_passthrough=True)
    answer.content_length = end - start
    return answer
