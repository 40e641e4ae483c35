"""``gaps=split``: one MP4 per unbroken span, in a tar (POSIX.1-1988 ustar) that is described and not made.

A tar needs only the names and sizes of its members in front of them, so nothing has to be read to know its bytes.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence

from gatehouse_common.media.decode import RangeSource
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.virtual_file import Piece, VirtualFile
from gatehouse_common.timefmt import rfc3339

from .assembly import assemble
from .request import Slice, check_range, describe, select_all
from .smart import smart_slice
from .spans import in_order

_BLOCK = 512


def split_footage(
    chunks: Sequence[ChunkMedia], start_us: int, end_us: int, camera: str, reader: RangeSource | None = None
) -> Slice:
    """Return the footage of a range as a tar of MP4 files named ``{camera}_{first frame}_{end}.mp4``.

    Args:
        chunks: as for ``slice_footage``.
        start_us: the first frame is the one on screen then.
        end_us: the last frame is the last that begins before.
        camera: what the names begin with.
        reader: makes the cuts smart: where the bytes of lead-ins come from.

    Raises:
        InvalidInput: the range does not end after it begins.
        NotFound: nothing of the range is recorded.
        TooLarge: it is longer than ``MAX_RANGE_US``.
        DataLoss: a lead-in cannot be decoded.
    """
    check_range(start_us, end_us)
    ordered = in_order(chunks)
    selections = select_all(ordered, start_us, end_us, apart=True)
    pieces: list[Piece] = []
    for one in selections:
        if reader is None:
            file = assemble([one], ordered, keep_gaps=True)
        else:
            file = smart_slice(ordered, one.start_us, one.end_us, reader).file
        name = f"{camera}_{_stamp(one.start_us)}_{_stamp(one.end_us)}.mp4"
        pieces += [_header(name, file.size, one.start_us), *file.pieces, bytes(-file.size % _BLOCK)]
    pieces.append(bytes(2 * _BLOCK))
    return describe(VirtualFile(tuple(pieces), "application/x-tar"), selections, start_us, end_us)


def _stamp(us: int) -> str:
    return rfc3339(us).replace(":", "").replace("-", "")


def _header(name: str, size: int, at_us: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, at_us // 1_000_000, 0o644
    # Sizes of 8 GiB and more do not fit ustar's octal digits; GNU's form does what every reader knows.
    return info.tobuf(tarfile.USTAR_FORMAT if size < 8 << 30 else tarfile.GNU_FORMAT)
