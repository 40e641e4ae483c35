"""Files of media and their rows, both ways. What is wrong inside of a file its owner brought so, or its size tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gatehouse_common.db import MediaDescriptions, MediaFile, MediaInventory
from gatehouse_common.errors import NotFound
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .care import Care
from .content import BlockReader
from .film_check import FilmCheck
from .problem import Area, Kind, Problem


class MediaCheck(FilmCheck[MediaFile]):
    """Finds what differs among files of media.

    Args:
        core: where to look.
        care: what is on its way into the index.
        quick: read no file.
    """

    def __init__(self, core: Core, care: Care, *, quick: bool) -> None:
        super().__init__(core, care, quick=quick, prefix=keys.UPLOADS, area=Area.MEDIA, what="the file of the medium")
        self._files, self._descriptions = MediaInventory(core.db), MediaDescriptions(core.db)

    def _known(self) -> Iterator[MediaFile]:
        return self._files.files()

    def _row(self, subject: str) -> MediaFile:
        return file_of(self._files, subject)

    def _has_file(self, row: MediaFile) -> bool:
        return row.state == "ready"

    def _content(self, row: MediaFile, reader: BlockReader) -> Problem | None:  # noqa: ARG002 - see the module
        return None

    def _strays(self, files: Sequence[ObjectInfo]) -> dict[str, tuple[Kind, str]]:
        known = self._files.of_keys([info.key for info in files])
        about = {info.key: place[0] for info in files if (place := keys.parse_media_description(info.key))}
        described = self._descriptions.known(about.values()) if about else set()
        strays = {}
        for info in files:
            if about.get(info.key) in described:
                continue
            row = known.get(info.key)
            if row is None or row.state != "ready":
                kind = Kind.EMPTY if info.size == 0 else Kind.ORPHAN
                told = "no medium has this file" if row is None else "the index says that it is gone"
                strays[info.key] = kind, f"{info.size} bytes: {told}"
        return strays

    def _problem(self, kind: Kind, row: MediaFile, detail: str) -> Problem:
        return Problem(kind, Area.MEDIA, "", row.key, detail, f"{row.media} {row.kind} {row.variant}")


def file_of(files: MediaInventory, subject: str) -> MediaFile:
    """Return the file whose row a problem is about.

    Raises:
        NotFound: there is none any more.
    """
    media, kind, variant = subject.split(" ", 2)
    found = files.file(int(media), kind, variant)
    if found.state != "ready":
        raise NotFound(f"file {kind!r} of medium {media} is gone")
    return found
