"""JPEGs of cameras: decoded one by one, and made whole for those who show them as they are."""

from __future__ import annotations

import av

from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.media.decode import packet_of

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of frame headers (table B.1): the three among them are of tables and of extensions."""
_DHT = b"\xff\xc4"
_START_OF_SCAN = 0xDA

# The tables of ITU-T T.81 annex K.3.3, which USB cameras leave out of their pictures: class and destination, how
# many codes there are of each length from 1 to 16 bits, and what they stand for.
_DC = bytes(range(12))
_AC_LUMA = bytes.fromhex(
    "0102030004110512213141061351610722711432 8191a1082342b1c11552d1f02433627282090a161718191a25262728292a34353637"
    "38393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3"
    "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
_AC_CHROMA = bytes.fromhex(
    "0001020311040521310612415107617113223281 08144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a3536"
    "3738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999a"
    "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)
_TABLES = (
    b"\x00" + bytes.fromhex("00010501010101010100000000000000") + _DC
    + b"\x10" + bytes.fromhex("0002010303020403050504040000017d") + _AC_LUMA
    + b"\x01" + bytes.fromhex("00030101010101010101010000000000") + _DC
    + b"\x11" + bytes.fromhex("00020102040403040705040400010277") + _AC_CHROMA
)  # fmt: skip
_STANDARD_TABLES = _DHT + (len(_TABLES) + 2).to_bytes(2, "big") + _TABLES


def with_tables(jpeg: bytes) -> bytes:
    """Return a JPEG that any program can show: unchanged if it has its Huffman tables, else with the standard ones."""
    at = len(_SOI)
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == _DHT[1]:
            return jpeg
        if marker == _START_OF_SCAN:
            return jpeg[:at] + _STANDARD_TABLES + jpeg[at:]
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return jpeg


def frame_size(jpeg: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG by its frame header (ITU-T T.81 clause B.2.2), None if it is not whole."""
    if not jpeg.startswith(_SOI) or not jpeg.rstrip(b"\0").endswith(_EOI):
        return None
    at = len(_SOI)
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker in _FRAMES:
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return None


class JpegSizes:
    """Looks at the pictures of one camera that are stored as they are."""

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None

    def is_whole(self, jpeg: bytes) -> bool:
        """Return whether it is a JPEG with a beginning and an end; of one like that nothing is decoded.

        Raises:
            SourceUnavailable: it has another size than those before.
        """
        size = frame_size(jpeg)
        if size is None:
            return False
        _same_size(self._size, size)
        self._size = size
        return True


class JpegDecoder:
    """Decodes the pictures of one camera."""

    def __init__(self) -> None:
        decoder = av.CodecContext.create("mjpeg", "r")
        if not isinstance(decoder, av.VideoCodecContext):
            raise TypeError("mjpeg is no video codec")
        decoder.thread_count = 1  # more would hold pictures back
        self._decoder = decoder
        self._size: tuple[int, int] | None = None

    def decode(self, jpeg: bytes) -> av.VideoFrame | None:
        """Return the picture, None if it is damaged.

        Raises:
            SourceUnavailable: it has another size than those before: what follows needs another encoder.
        """
        try:
            frames = self._decoder.decode(packet_of(jpeg))
        except av.FFmpegError:
            return None
        if not frames:
            return None
        frame = frames[-1]
        size = frame.width, frame.height
        _same_size(self._size, size)
        self._size = size
        return frame


def _same_size(before: tuple[int, int] | None, size: tuple[int, int]) -> None:
    if before is not None and size != before:
        raise SourceUnavailable(f"the camera changed its pictures to {size[0]}x{size[1]}")
