"""Into how many files a long recording is cut, and how long they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.media.cutting.plan import plan_cuts
from media_jobs_kit import ffmpeg


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
