"""What files are by their first bytes, and whether they are whole (S4-7, S4-13)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gatehouse_common.media.file_kinds import HEAD_BYTES, WEBM, extension_of, sniff
from gatehouse_common.media.wholeness import is_whole


class Whole:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read(self, at: int, length: int) -> bytes:
        return self.data[at : at + length]


def make(folder: Path, name: str, *options: str) -> bytes:
    """A second of film and sound, or of sound alone, as ffmpeg makes it."""
    sources = ["-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=25", "-f", "lavfi", "-i", "sine=d=1"]
    subprocess.run(["ffmpeg", "-v", "error", *sources, *options, str(folder / name)], check=True, timeout=60)
    return (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "media_type", "options"),
    [
        ("a.webm", "video/webm", ()),
        ("a.mkv", "video/x-matroska", ()),
        ("a.mp4", "video/mp4", ()),
        ("a.mov", "video/quicktime", ()),
        ("a.avi", "video/x-msvideo", ()),
        ("a.ts", "video/mp2t", ()),
        ("a.mpg", "video/mpeg", ()),
        ("a.flv", "video/x-flv", ("-ar", "44100")),
        ("a.wmv", "video/x-ms-asf", ()),
        ("a.m4a", "audio/mp4", ("-vn",)),
        ("a.mp3", "audio/mpeg", ("-vn",)),
        ("b.mp3", "audio/mpeg", ("-vn", "-id3v2_version", "0", "-write_xing", "0")),
        ("a.aac", "audio/aac", ("-vn",)),
        ("a.flac", "audio/flac", ("-vn",)),
        ("a.ogg", "audio/ogg", ("-vn",)),
        ("a.wav", "audio/wav", ("-vn",)),
    ],
)
def test_kinds_that_people_bring(tmp_path: Path, name: str, media_type: str, options: tuple[str, ...]) -> None:
    """S4-13: by what ffmpeg writes; whole is what was not cut off."""
    data = make(tmp_path, name, *options)
    found = sniff(data[:HEAD_BYTES])
    assert found is not None
    assert (found.type, extension_of(found.type)) == (media_type, name.rpartition(".")[2])
    can_tell = found.extension in {"webm", "mkv", "mp4", "mov", "m4a"}
    assert is_whole(found, Whole(data)) == can_tell
    for lost in (1, 100):
        assert not is_whole(found, Whole(data[:-lost]))


def test_a_film_of_a_recorder_that_says_nothing_of_sizes_is_whole_at_each_block(tmp_path: Path) -> None:
    """S4-7: MediaRecorder's: segment and clusters of unknown size, no cues."""
    data = make(tmp_path, "live.webm", "-live", "1", "-g", "5")
    assert is_whole(WEBM, Whole(data))
    assert not is_whole(WEBM, Whole(data[:-3]))
    assert not is_whole(WEBM, Whole(data[:30]))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x1aE\xdf\xa3",
        b"<html>",
        b"PK\x03\x04",
        b"\x89PNG\r\n",
        b"\xff\xd8\xff\xe0",
        b"\x7fELF",
        b"G" * 100,
    ],
)
def test_others_are_none(head: bytes) -> None:
    """S4-13: a lie about the type does not help."""
    assert sniff(head) is None
    assert sniff(head + b"\0" * 5000) is None
