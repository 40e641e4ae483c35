"""The outermost elements of WebM files, as anybody may have damaged them, and what stands behind the film."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass

import pytest

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.ebml import is_whole_webm, outermost
from gatehouse_common.media.session_box import SessionInfo, build_session_element, read_session_box

ID = "01a2255e-0803-74ef-a2e2-4bbf181c5611"
INFO = SessionInfo(
    1, ID, 5, 60, 30, None, 2, ID, 1, "Ann", "", "", 5, 30_000_005, 5, 30_000_004, "", 640, 360, 900, "it broke off"
)
FILM = b"\x1a\x45\xdf\xa3\x84\x42\x82\x81w" + b"\x18\x53\x80\x67\x01\0\0\0\0\0\0\x40" + bytes(64)
WHOLE = FILM + build_session_element(INFO)


@dataclass
class Held:
    """A file that is held in memory."""

    data: bytes

    def size(self) -> int:
        return len(self.data)

    def pread(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def test_a_webm_says_at_its_end_of_which_session_it_is() -> None:
    """S0-3: players skip it; without it the film is as whole."""
    assert is_whole_webm(Held(WHOLE))
    assert read_session_box(Held(WHOLE)) == INFO
    assert is_whole_webm(Held(FILM))
    assert read_session_box(Held(FILM)) is None


@pytest.mark.parametrize("size", range(1, len(WHOLE), 7))
def test_one_that_is_cut_off_is_not_whole(size: int) -> None:
    """S2-44: wherever, but between its elements."""
    assert is_whole_webm(Held(WHOLE[:size])) is (size == len(FILM))


def test_a_stream_without_sizes_is_no_finished_file() -> None:
    """S4-14: as a MediaRecorder sends it."""
    stream = FILM.replace(b"\x01\0\0\0\0\0\0\x40", b"\x01" + b"\xff" * 7)
    assert not is_whole_webm(Held(stream))
    with pytest.raises(DataLoss, match="does not say how long"):
        list(outermost(Held(stream)))


def test_damage_is_told_and_never_taken_for_anything_else() -> None:
    """S2-44: a flipped bit ends in a sentence, or in what was there."""
    dice = random.Random(7)
    for _ in range(2000):
        data = bytearray(WHOLE)
        at = dice.randrange(len(data))
        data[at] ^= 1 << dice.randrange(8)
        with suppress(DataLoss):  # and nothing else
            told = read_session_box(Held(bytes(data)))
            assert told is None or told.session_id
