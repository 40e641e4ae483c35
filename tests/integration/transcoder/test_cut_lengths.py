"""Into how many files a long recording is cut, and how long they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import DataLoss
from gatehouse_common.media.cutting.files import write_files
from gatehouse_common.media.cutting.plan import plan_cuts
from media_jobs_kit import ffmpeg, shown


@pytest.mark.parametrize(("seconds", "count"), [(900.4, 5), (904, 6), (181.4, 1)])
def test_a_quarter_of_an_hour_has_five_files(tmp_path: Path, seconds: float, count: int) -> None:
    """S0-2, S0-5: a recorder stops a moment late; what remains of a recording that is stopped early is a file too."""
    film = tmp_path / "film.mp4"
    pictures = f"color=size=32x32:rate=5:duration={seconds}"
    encoded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "6", "-pix_fmt", "yuv420p"]
    ffmpeg("-f", "lavfi", "-i", pictures, *encoded, str(film))
    parts = plan_cuts(film, 180 * SECOND).parts
    assert len(parts) == count
    assert float(parts[-1].end) == pytest.approx(seconds, abs=0.21)
    for n, part in enumerate(parts):
        assert float(part.start) == pytest.approx(180 * n, abs=0.61)  # a keyframe comes each 1.2 s


def _film(folder: Path, seconds: float, sound_s: float, *more: str) -> Path:
    """A film whose sound is as long as is said."""
    film = folder / "film.mkv"
    inputs = ["-f", "lavfi", "-i", f"color=size=32x32:rate=10:duration={seconds}"]
    inputs += ["-f", "lavfi", "-i", f"sine=sample_rate=48000:duration={sound_s}"]
    encoded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", "-c:a", "libopus"]
    ffmpeg(*inputs, *more, *encoded, str(film))
    return film


def test_what_is_heard_after_the_last_picture_is_in_the_times(tmp_path: Path) -> None:
    """S0-3: the end of a recording is where its sound ends, if that goes on after its pictures."""
    film = _film(tmp_path, 5, 6.5)
    plan = plan_cuts(film, 180 * SECOND)
    assert float(plan.parts[-1].end) == pytest.approx(6.5, abs=0.05)
    assert plan.left == ""
    (only,) = write_files(film, plan, tmp_path, lambda _part: None)
    assert float(shown(only.path, "format=duration")["duration"]) == pytest.approx(6.5, abs=0.05)


def test_what_is_in_no_file_is_told(tmp_path: Path) -> None:
    """S0-7: of streams beside the first of pictures and the first of sound, and of an end that cannot be read."""
    film = _film(tmp_path, 3, 3, "-map", "0:v", "-map", "1:a", "-map", "1:a")
    assert plan_cuts(film, 180 * SECOND).left == "one more stream"
    film = tmp_path / "film.mp4"
    pictures = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10:duration=3", "-c:v", "libx264", "-g", "10"]
    ffmpeg(*pictures, "-pix_fmt", "yuv420p", "-movflags", "frag_keyframe+empty_moov", str(film))
    film.write_bytes(film.read_bytes()[: film.stat().st_size * 4 // 5])
    assert plan_cuts(film, 180 * SECOND).left == "what cannot be read at its end"


def test_what_leads_to_another_film_is_not_cut(tmp_path: Path) -> None:
    """S4-13: a playlist in place of a recording, which names a film of this machine."""
    film = tmp_path / "film.ts"
    pictures = ["-f", "lavfi", "-i", "color=size=32x32:rate=10:duration=3", "-c:v", "libx264", "-g", "10"]
    ffmpeg(*pictures, "-pix_fmt", "yuv420p", str(film))
    assert plan_cuts(film, 180 * SECOND).left == ""
    playlist = tmp_path / "recording.webm"
    playlist.write_text(f"ffconcat version 1.0\nfile {film.name}\n")
    with pytest.raises(DataLoss, match="cannot be opened as a film"):
        plan_cuts(playlist, 180 * SECOND)
