"""Whether players can go to any place of a WebM file: films of the real program, and what is left of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.media.matroska_index import has_cues
from media_jobs_kit import ffmpeg

CUES = b"\x1c\x53\xbb\x6b"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film whose index lies at its end: its SeekHead says where."""
    path = tmp_path_factory.mktemp("film") / "film.webm"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x120:duration=2", "-c:v", "libvpx", "-g", "10", str(path))
    return path.read_bytes()


def test_an_index_at_the_end_is_found_by_the_seek_head_and_one_before_the_pictures_at_once(
    film: bytes, tmp_path: Path
) -> None:
    """S4-14."""
    path = tmp_path / "one.webm"
    path.write_bytes(film)
    assert film.count(CUES) == 2
    assert has_cues(path)
    first = tmp_path / "first.webm"
    ffmpeg("-i", str(path), "-c", "copy", "-cues_to_front", "1", str(first))
    assert first.read_bytes().rindex(CUES) < first.read_bytes().index(b"\x1f\x43\xb6\x75")
    assert has_cues(first)


@pytest.mark.parametrize("left", ["cut off", "rewritten", "head alone", "noise", "nothing"])
def test_a_seek_head_that_leads_nowhere_is_no_index(film: bytes, left: str, tmp_path: Path) -> None:
    """S4-14: such a film is made finite and seekable as others are."""
    path, at = tmp_path / "one.webm", film.rindex(CUES)
    path.write_bytes(
        {
            "cut off": film[:at],
            "rewritten": film[:at] + b"\x42" * (len(film) - at),
            "head alone": film[: film.index(CUES) + 4],
            "noise": bytes(range(256)) * 9,
            "nothing": b"",
        }[left]
    )
    assert not has_cues(path)


def test_what_a_browser_records_has_none(tmp_path: Path) -> None:
    """S4-14."""
    path = tmp_path / "live.webm"
    source = ["-f", "lavfi", "-i", "testsrc2=size=160x120:duration=1", "-c:v", "libvpx"]
    path.write_bytes(ffmpeg(*source, "-f", "webm", "-live", "1", "pipe:1"))
    assert not has_cues(path)
