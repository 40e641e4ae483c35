"""A virtual file answers any range of itself, fetching only what the range covers."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile

OBJECTS = {"a": bytes(range(200)), "b": bytes(reversed(range(200)))}


class Reader:
    def __init__(self) -> None:
        self.fetched = 0

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        data = OBJECTS[key][offset:] if length is None else OBJECTS[key][offset : offset + length]
        self.fetched += len(data)
        yield from (data[i : i + 7] for i in range(0, len(data), 7))


FILE = VirtualFile((b"head", ObjectRange("a", 10, 100, "A"), b"", ObjectRange("b", 0, 50, "B"), b"tail"))
WHOLE = b"head" + OBJECTS["a"][10:110] + OBJECTS["b"][:50] + b"tail"


@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_any_range_is_the_slice_of_the_whole(start: int, end: int) -> None:
    reader = Reader()
    assert b"".join(FILE.read(reader, start, end)) == WHOLE[start:end]
    assert reader.fetched <= max(0, end - start)


def test_the_tag_stays_when_the_object_moves_and_changes_with_the_content() -> None:
    moved = VirtualFile(
        tuple(
            ObjectRange("c", p.offset, p.length, p.identity) if isinstance(p, ObjectRange) else p for p in FILE.pieces
        )
    )
    other = VirtualFile((b"head", ObjectRange("a", 11, 100, "A"), *FILE.pieces[2:]))
    assert FILE.size == len(WHOLE)
    assert moved.etag() == FILE.etag() != other.etag()
