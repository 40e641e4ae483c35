"""Pictures of cameras that send no video are encoded in their colours, with a keyframe every two seconds."""

from __future__ import annotations

import av
import numpy as np
import pytest
import simplejpeg

from gatehouse_capture.encoding import PictureEncoder
from gatehouse_capture.sources.jpeg import JpegDecoder
from gatehouse_common.media.decode import make_decoder
from gatehouse_common.media.samples import VIDEO_TIMESCALE

COLOURS = [(0, 0, 0), (255, 255, 255), (200, 30, 30), (30, 200, 30), (30, 30, 200), (120, 120, 120)]


@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
@pytest.mark.parametrize("colour", COLOURS)
def test_the_colours_of_jpegs_stay_what_they_are(subsampling: str, colour: tuple[int, int, int]) -> None:
    """JPEGs use all values from 0 to 255 and video does not: taken as they are, dark is black and light is white."""
    sent = np.full((96, 160, 3), colour, np.uint8)
    jpeg = simplejpeg.encode_jpeg(sent, quality=95, colorsubsampling=subsampling)
    encoder = PictureEncoder(160, 96, 15, "test")
    decoder = make_decoder(encoder.info.formats[0])
    shown: list[av.VideoFrame] = []
    for n in range(4):
        frame = JpegDecoder().decode(jpeg)
        assert frame is not None
        for packet in encoder.encode(frame, n * 6000, 0):
            shown += decoder.decode(av.Packet(packet.data))
    assert np.abs(shown[-1].to_ndarray(format="rgb24").astype(int) - sent).max() <= 6


@pytest.mark.parametrize(("fps", "stated"), [(1, 30), (15, 15), (60, 15), (30, 0)])
def test_keyframes_go_by_time_whatever_the_rate_is_said_to_be(fps: int, stated: float) -> None:
    """A camera of a picture a second, taken for one of thirty, would have a keyframe a minute."""
    encoder = PictureEncoder(160, 96, stated, "test")
    keys = []
    for n in range(10 * fps):
        frame = av.VideoFrame(160, 96, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([n % 256]) * plane.buffer_size)
        keys += [p.pts for p in encoder.encode(frame, n * VIDEO_TIMESCALE // fps, 0) if p.sync]
    assert keys == [n * 2 * VIDEO_TIMESCALE for n in range(5)]
