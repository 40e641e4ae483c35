"""Pictures out of recorded footage: the right frame, in its true shades."""

from __future__ import annotations

import numpy as np
import pytest
import simplejpeg

from gatehouse_common.media.pictures import exact_picture, keyframe_picture, newest_picture
from gatehouse_common.testing import barcode
from media_scenarios import footage


def grey(jpeg: bytes) -> np.ndarray:
    return np.ascontiguousarray(simplejpeg.decode_jpeg(jpeg, colorspace="GRAY")[:, :, 0])


@pytest.mark.parametrize("name", ["h264", "b-frames", "h265 open gop", "vfr"])
def test_the_exact_picture_is_the_frame_on_screen(name: str) -> None:
    recorded = footage(name)
    for chunk in recorded.chunks:
        for at_us in np.linspace(chunk.start_us, chunk.end_us - 1, 7).astype(int):
            frame = recorded.shown(int(at_us), int(at_us) + 1)[0]
            picture = exact_picture(chunk, int(at_us), recorded.store, 320)
            if chunk is not recorded.chunks[0] and picture.at_us > at_us:
                # A picture that leads the chunk's first keyframe needs the chunk before.
                assert name == "h265 open gop"
                assert picture.at_us - at_us < 200_000
                continue
            assert barcode.read(grey(picture.jpeg)) == frame.number
            assert picture.at_us == frame.at_us


def test_the_keyframe_picture_is_the_keyframe_before() -> None:
    recorded = footage("b-frames")
    for chunk in recorded.chunks:
        keys = [chunk.wall_us(int(t)) for t in chunk.video.pts[chunk.video.sync]]
        for at_us in range(chunk.start_us, chunk.end_us, 700_000):
            picture = keyframe_picture(chunk, at_us, recorded.store, 320)
            assert picture.at_us == max(k for k in keys if k <= at_us)
            assert recorded.shown(picture.at_us, picture.at_us + 1)[0].number == barcode.read(grey(picture.jpeg))


def test_black_is_black_and_white_is_white() -> None:
    """Video's 16 to 235 becomes a JPEG's 0 to 255."""
    recorded = footage("h264")
    at_us = recorded.runs[0].frames[31].at_us  # boxes 0 to 4 are white, the others black
    picture = grey(exact_picture(recorded.chunks[0], at_us, recorded.store, 320).jpeg)
    assert picture[4:12, 4:12].mean() > 250
    assert picture[4:12, 200:300].mean() < 5


def test_a_smaller_picture_keeps_its_shape_and_none_is_enlarged() -> None:
    recorded = footage("h264")
    chunk = recorded.chunks[0]
    for asked, got in ((160, (160, 90)), (4000, (320, 180)), (1, (16, 8))):
        picture = keyframe_picture(chunk, chunk.start_us, recorded.store, asked)
        assert (picture.width, picture.height) == got
        assert grey(picture.jpeg).shape == got[::-1]


def test_the_newest_picture_is_the_last_frame() -> None:
    recorded = footage("growing, b-frames")
    picture = newest_picture(recorded.chunks, recorded.store, 320)
    assert picture.at_us == max(f.at_us for f in recorded.runs[0].frames)
