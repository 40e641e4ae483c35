"""What a slice can be made into."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatehouse_common.errors import InvalidInput
from gatehouse_common.media.slicing import Slice
from gatehouse_common.timefmt import rfc3339


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of file.

    Attributes:
        name: what it is called between processes.
        container: libavformat's name.
        extension: of file names.
        media_type: MIME.
        video: the encoder's name; None where samples are copied.
        audio: likewise.
        options: of the container.
        encoding: of the video's encoder.
    """

    name: str
    container: str
    extension: str
    media_type: str
    video: str | None = None
    audio: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    encoding: dict[str, str] = field(default_factory=dict)

    @property
    def copies(self) -> bool:
        """Whether nothing is encoded."""
        return self.video is None


# Clusters and fragments of a second: what is made is sent soon, and a client that has gone shows soon.
_CLUSTERS = {"cluster_time_limit": "1000", "avoid_negative_ts": "disabled", "flush_packets": "1"}
TARGETS = {
    target.name: target
    for target in (
        Target("mkv", "matroska", "mkv", "video/x-matroska", options=_CLUSTERS),
        Target(
            "webm",
            "webm",
            "webm",
            "video/webm",
            "libvpx-vp9",
            "libopus",
            _CLUSTERS,
            {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "tile-columns": "1", "lag-in-frames": "0"},
        ),
        Target(
            "h264",
            "mp4",
            "mp4",
            "video/mp4",
            "libx264",
            "aac",
            {
                "movflags": "frag_keyframe+delay_moov+default_base_moof",
                "min_frag_duration": "1000000",
                "flush_packets": "1",
            },
            {"preset": "superfast", "crf": "23", "bf": "0", "rc-lookahead": "0"},
        ),
    )
}


def find_target(container: str, codec: str = "source") -> Target | None:
    """Return what ``format`` and ``codec`` of a request ask for; None for the MP4 that is described and not made.

    Raises:
        InvalidInput: there is no such combination.
    """
    if codec == "source" and container in {"mp4", "mkv", "webm"}:
        return None if container == "mp4" else TARGETS[container]
    if codec == "h264" and container == "mp4":
        return TARGETS["h264"]
    if container not in {"mp4", "mkv", "webm"}:
        raise InvalidInput(f"format={container[:20]!r} must be mp4, mkv or webm", "format")
    raise InvalidInput(f"codec={codec[:20]!r} must be 'source', or 'h264' with format=mp4", "codec")


def check_copied(target: Target, piece: Slice) -> None:
    """Refuse to copy what no player would show whole.

    Raises:
        InvalidInput: the codec changes inside the slice, and nothing is encoded.
    """
    if target.copies and piece.codec_changes:
        at = rfc3339(piece.codec_changes[0].at_us)
        raise InvalidInput(f"the camera's codec changes at {at}: ask for format=webm, or for the parts", "format")
