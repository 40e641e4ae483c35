"""The parameter sets of a connection: put before every keyframe, and followed when the camera changes them."""

from __future__ import annotations

from dataclasses import replace

from gatehouse_common.errors import DataLoss, SourceUnavailable
from gatehouse_common.media import nal
from gatehouse_common.media.init_change import init_of_keyframe
from gatehouse_common.media.init_segment import parse_init
from gatehouse_common.media.parameter_sets import ParameterSets, reorder_depth
from gatehouse_common.media.samples import TrackFormat

from .sources import StreamInfo


class ParameterWatch:
    """Follows the parameter sets that come in the stream; what was announced may be wrong, or change.

    Args:
        info: what the source announced.
    """

    def __init__(self, info: StreamInfo) -> None:
        self.info = info
        """What the stream is, as known by now."""
        self._sets = info.sets

    def follow(self, keyframe: bytes) -> tuple[bytes, bool]:
        """Return a keyframe with its parameter sets in front, and whether ``info`` has changed by it.

        Sets that describe the same picture size, profile and order of pictures change nothing: those in front of
        the keyframes are what decoders go by.

        Raises:
            SourceUnavailable: they cannot be understood: it is noise.
        """
        known = self._sets
        if known is None:
            return keyframe, False
        found = nal.sets_in(keyframe, known.codec)
        if not set(found) <= set(known.nals):
            self._sets = known = _merged(known, found)
            whole = nal.with_sets(keyframe, known)
            return whole, self._understand(whole, known)
        return nal.with_sets(keyframe, known), False

    def _understand(self, keyframe: bytes, sets: ParameterSets) -> bool:
        try:
            init = init_of_keyframe(self.info.init, sets.codec, keyframe)
            formats = parse_init(init)
        except DataLoss as error:
            raise SourceUnavailable("the camera sends parameters that make no sense") from error
        depth = reorder_depth(sets)
        if _looks(formats[0], depth) == _looks(self.info.formats[0], self.info.depth):
            return False
        self.info = replace(self.info, init=init, formats=formats, sets=sets, depth=depth)
        return True


def _merged(known: ParameterSets, found: tuple[bytes, ...]) -> ParameterSets:
    """Return the sets now in force: those found, and of kinds that were not among them the known ones."""
    kinds = {nal.nal_type(n, known.codec) for n in found}
    kept = [n for n in known.nals if nal.nal_type(n, known.codec) not in kinds]
    nals = sorted([*kept, *found], key=lambda n: nal.nal_type(n, known.codec))
    return ParameterSets(known.codec, tuple(nals))


def _looks(video: TrackFormat, depth: int) -> tuple[object, ...]:
    return video.codec_string, video.width, video.height, depth
