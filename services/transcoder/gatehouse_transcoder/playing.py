"""What browsers play, and how a film becomes something that they do."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.media.inspection import Film

_MP4_SOUND = {"", "aac", "mp3"}
_WEBM_VIDEO = {"vp8", "vp9", "av1"}
_WEBM_SOUND = {"", "opus", "vorbis"}
_PLAIN = {"yuv420p", "yuvj420p"}
_SOUND_ALONE = {
    "mp3": ({"mp3"}, "audio/mpeg"),
    "flac": ({"flac"}, "audio/flac"),
    "wav": ({"pcm_s16le", "pcm_u8"}, "audio/wav"),
    "ogg": ({"opus", "vorbis", "flac"}, "audio/ogg"),
}


@dataclass(frozen=True, slots=True)
class Remux:
    """Another container for the same pictures.

    Attributes:
        container: ffmpeg's name of it, which is its extension, too.
        media_type: MIME.
        sound: ``copy``, or the encoder where the container does not take the sound as it is.
    """

    container: str
    media_type: str
    sound: str = "copy"


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done so that browsers play a film, and go to any place of it.

    Attributes:
        remux: the container to write; None: none has to be.
        encode: whether its pictures, or its sound where it has no others, have to be encoded anew.
    """

    remux: Remux | None = None
    encode: bool = False


def plan_playing(film: Film) -> Plan:
    """Return what has to be done."""
    if not film.video:
        return _plan_sound(film)
    if film.video in _WEBM_VIDEO and _is_plain(film):
        if film.video == "av1" and "mp4" in film.format and film.audio in {*_MP4_SOUND, "opus"}:
            return _unless_seekable(film, Remux("mp4", "video/mp4"), "mp4")
        sound = "copy" if film.audio in _WEBM_SOUND else "libopus"
        if film.video == "vp9" and "mp4" in film.format and film.audio in {*_MP4_SOUND, "opus"}:
            return _unless_seekable(film, Remux("mp4", "video/mp4"), "mp4")
        return _unless_seekable(film, Remux("webm", "video/webm", sound), "matroska" if sound == "copy" else "")
    if film.video == "h264" and _is_plain(film):
        in_mp4 = "mp4" in film.format
        fits = film.audio in _MP4_SOUND or (in_mp4 and film.audio in {"opus", "flac"})
        sound = "copy" if fits or film.audio == "opus" else "aac"
        return _unless_seekable(film, Remux("mp4", "video/mp4", sound), "mp4" if sound == "copy" else "")
    return Plan(encode=True)


def _is_plain(film: Film) -> bool:
    return film.pixels in _PLAIN


def _unless_seekable(film: Film, remux: Remux, there: str) -> Plan:
    """Return the plan to remux, or to leave a film as it is where it is in that container and has an index."""
    return Plan() if film.seekable and there and there in film.format else Plan(remux)


def _plan_sound(film: Film) -> Plan:
    for container, (codecs, _) in _SOUND_ALONE.items():
        if film.format == container:
            return Plan(encode=film.audio not in codecs)
    if film.audio in {"aac", "mp3"}:
        return _unless_seekable(film, Remux("mp4", "audio/mp4"), "mp4")
    if film.audio in {"opus", "vorbis"}:
        return _unless_seekable(film, Remux("webm", "audio/webm"), "matroska")
    return Plan(encode=True)
