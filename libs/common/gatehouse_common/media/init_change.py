"""A run's init segment made anew from a keyframe, when a camera's own parameter sets are not those it announced."""

from __future__ import annotations

import io

import av

from gatehouse_common.errors import DataLoss

from .init_segment import build_init
from .nal import split_length_prefixed

_START_CODE = b"\0\0\1"  # libavformat takes the first byte of a longer one for the end of the set before it


def init_of_keyframe(init: bytes, codec: str, keyframe: bytes) -> bytes:
    """Return ``init`` with the video track described by a keyframe, and its sound as it was.

    Args:
        init: the init segment known so far.
        codec: ``h264`` or ``hevc``.
        keyframe: length-prefixed, its parameter sets in front.

    Raises:
        DataLoss: the parameter sets cannot be understood.
    """
    stream = io.BytesIO(b"".join(_START_CODE + nal for nal in split_length_prefixed(keyframe)))
    try:
        with av.open(stream, "r", format=codec) as seen, av.open(io.BytesIO(init), "r", format="mp4") as known:
            video = seen.streams.video[0]
            if not (video.codec_context.width and video.codec_context.height):
                raise DataLoss("the parameter sets of the keyframe cannot be understood")
            return build_init([video, *known.streams.audio])
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise DataLoss(f"the parameter sets of the keyframe cannot be understood: {error}") from error
