"""What libavformat gives, as packets: shared by network cameras and files."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from gatehouse_capture.sources.jpeg import with_tables
from gatehouse_capture.sources.port import Packet, StreamInfo
from gatehouse_capture.sources.times import PictureTimes, SoundTimes, scaled
from gatehouse_capture.transcode_audio import AacEncoder
from gatehouse_common.camera_url import Codec
from gatehouse_common.clock import Clock
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.media import nal
from gatehouse_common.media.decode import configuration
from gatehouse_common.media.init_segment import build_init, parameter_sets, parse_init
from gatehouse_common.media.mpeg4_visual import may_reorder, with_header
from gatehouse_common.media.parameter_sets import reorder_depth
from gatehouse_common.media.samples import VIDEO_TIMESCALE
from gatehouse_common.observability.secrets import mask

COPIED_VIDEO: dict[str, Codec] = {"h264": "h264", "hevc": "h265", "mpeg4": "mpeg4", "mjpeg": "mjpeg"}
"""Codecs that can be stored as they come, by libavcodec's names."""
COPIED_AUDIO = frozenset({"aac", "opus"})
_MOST_FPS = 240.0
"""What a stream states beyond that is no rate of pictures."""
ENCODED_AUDIO = frozenset(
    {"pcm_mulaw", "pcm_alaw", "pcm_s16be", "pcm_s16le", "adpcm_g722", "adpcm_g726", "adpcm_g726le"}
)

av.logging.set_level(
    None
)  # libav's own log may name URLs with their passwords; and a callback takes the GIL for each line


def open_container(url: str, what: str, **options: Any) -> InputContainer:
    """Open a URL with libavformat.

    Raises:
        SourceUnavailable: it cannot be opened; the sentence holds no credentials.
    """
    try:
        container: InputContainer = av.open(url, "r", **options)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceUnavailable(f"{what}: {explain(error)}") from error
    return container


def explain(error: Exception) -> str:
    """Return what libav says is wrong, without URLs."""
    text = getattr(error, "strerror", None) or str(error)
    return mask(text)


def close_quietly(container: InputContainer) -> None:
    """Close in the background: closing RTSP waits for the camera's farewell, which a dead one never sends."""
    threading.Thread(target=_close, args=(container,), name="closing", daemon=True).start()


def _close(container: InputContainer) -> None:
    with suppress(av.FFmpegError, OSError):  # it is gone either way
        container.close()


def can_be_copied(container: InputContainer, wanted: Codec | None, otherwise: frozenset[Codec]) -> bool:
    """Return whether a container's video is to be stored as it comes.

    Args:
        container: the container.
        wanted: the codec to record in, None where nobody said.
        otherwise: what is copied then.
    """
    video = next(iter(container.streams.video), None)
    found = COPIED_VIDEO.get(video.codec_context.name) if video is not None else None
    return found is not None and (found == wanted if wanted is not None else found in otherwise)


class ContainerReader:
    """Reads one open container whose codecs can be stored as they are.

    Raises:
        SourceUnavailable: there is no such video in it.
    """

    def __init__(self, container: InputContainer, clock: Clock, backend: str, *, live: bool) -> None:
        self._clock = clock
        video = next(iter(container.streams.video), None)
        if video is None or video.codec_context.name not in COPIED_VIDEO:
            found = video.codec_context.name if video else "no video"
            raise SourceUnavailable(
                f"the camera sends {found}; what is recorded is H.264, H.265, MPEG-4 part 2 and MJPEG"
            )
        self._container = container
        self._video: VideoStream = video
        self._audio = _audio_of(container)
        self._encoder = AacEncoder(self._audio) if self._audio and _needs_aac(self._audio) else None
        streams: list[VideoStream | AudioStream] = [video]
        if self._audio is not None:
            streams.append(self._encoder.stream if self._encoder else self._audio)
        init = build_init(streams)
        formats = parse_init(init)
        self._jpegs = video.codec_context.name == "mjpeg"
        sets, config = parameter_sets(formats[0]), configuration(formats[0])
        self._annex_b = sets is not None and nal.is_annex_b(video.codec_context.extradata)
        self._header = config.specific if config is not None else b""
        # In MPEG-4 part 2, pictures between two others come right behind the later one.
        depth = reorder_depth(sets) if sets else int(may_reorder(self._header))
        fps = float(video.average_rate or video.guessed_rate or 0)
        self._times = PictureTimes(fps, reordered=depth > 0, live=live)
        self._sound_times = SoundTimes()
        stated = float(video.codec_context.framerate or 0) if live else 0.0
        asked = stated if stated <= _MOST_FPS else 0.0
        self.info = StreamInfo(init, formats, sets, depth, fps, backend, live=live, asked_fps=asked)

    def packets(self) -> Iterator[Packet]:
        """Yield the packets of the container.

        Raises:
            SourceUnavailable: reading failed.
        """
        streams = [self._video] if self._audio is None else [self._video, self._audio]
        try:
            for packet in self._container.demux(streams):
                if packet.size == 0:
                    continue
                if packet.stream is self._video:
                    yield self._picture(cast("av.Packet[VideoStream]", packet))
                elif packet.pts is not None:
                    yield from self._sound(cast("av.Packet[AudioStream]", packet))
        except (av.FFmpegError, OSError) as error:
            raise SourceUnavailable(f"the connection was lost: {explain(error)}") from error

    def _picture(self, packet: av.Packet[VideoStream]) -> Packet:
        data = bytes(packet)
        sync = packet.is_keyframe or self._jpegs
        if self._annex_b:
            data = nal.to_length_prefixed(data)
        elif self._jpegs:
            data = with_tables(data)
        elif self._header and sync:
            data = with_header(data, self._header)
        now = self._clock.now_us()
        pts = self._times.of(packet, now)
        dur = scaled(packet.duration or 0, packet.time_base, VIDEO_TIMESCALE)
        return Packet(0, pts, dur, sync, data, now, _sender_us(packet), data if self._jpegs else None)

    def _sound(self, packet: av.Packet[AudioStream]) -> Iterator[Packet]:
        scale = self.info.formats[1].timescale
        now = self._clock.now_us()
        if self._encoder is not None:
            for pts, dur, data in self._encoder.encode(packet):
                yield Packet(1, pts, dur, True, data, now)
            return
        pts, dur = (scaled(value or 0, packet.time_base, scale) for value in (packet.pts, packet.duration))
        if self._sound_times.is_new(pts, dur, scale):
            yield Packet(1, pts, dur, True, bytes(packet), now)


def _audio_of(container: InputContainer) -> AudioStream | None:
    for stream in container.streams.audio:
        if stream.codec_context.name in COPIED_AUDIO:
            # AAC without its configuration cannot be described in an init segment.
            return stream if stream.codec_context.extradata or stream.codec_context.name == "opus" else None
        if _needs_aac(stream):
            return stream
    return None


def _needs_aac(stream: AudioStream) -> bool:
    # By the name of the codec, not of its decoder: that of "adpcm_g722" is "g722".
    return stream.codec_context.codec.canonical_name in ENCODED_AUDIO


def _sender_us(packet: av.Packet[VideoStream]) -> int | None:
    """Return the wall time of RTCP sender reports: libavformat's AVProducerReferenceTime, microseconds UTC."""
    if not packet.has_sidedata("prft"):
        return None
    return int(struct.unpack_from("<q", bytes(packet.get_sidedata("prft")))[0])
