"""Whether the chunks of a run follow one another: a chunk is chained to the last link of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.seal import Seal, chain_start

from .findings import Damage, DamageKind

Explained = Callable[[str, int, int], bool]
"""Whether it is known why a camera has no footage in a range: it was let go of, say."""


@dataclass(frozen=True, slots=True)
class _Last:
    key: str
    link: bytes | None
    end_us: int


class Chains:
    """Follows the chunks of runs, each run's by start, and tells where its chain is broken.

    Args:
        explained: whether it is known why footage of a camera is missing in ``[start_us, end_us)``.
        began_us: returns when a run began, microseconds UTC; None: not known, and then nothing is missed in front of
            the first chunk that is seen of it.
    """

    def __init__(self, explained: Explained, began_us: Callable[[str], int | None]) -> None:
        self._explained, self._began_us = explained, began_us
        self._last: dict[str, _Last] = {}

    def follow(self, camera: str, key: str, media: ChunkMedia, seal: Seal | None) -> Damage | None:
        """Take the next chunk of a run; return what is wrong between the one before and this one."""
        before = self._last.get(media.run_id)
        self.begin(key, media, seal)
        if seal is None or seal.previous == chain_start(media.run_id):
            since_us = self._began_us(media.run_id) if before is None else before.end_us
            if since_us is not None and since_us < media.start_us and self._explained(camera, since_us, media.start_us):
                self.skip(media.run_id, key, media.end_us)  # what comes next is chained to what was cut out
            return None  # what comes first, or begins anew behind a damage that was cut out
        if before is None:
            since_us = self._began_us(media.run_id)
            if since_us is None or since_us >= media.start_us or self._explained(camera, since_us, media.start_us):
                return None
            detail = "what was recorded before it in the same run is not there, and nobody has let go of it"
            return _broken(camera, key, media, since_us, detail)
        if before.link in {None, seal.previous} or self._explained(camera, before.end_us, media.start_us):
            return None
        detail = f"it does not follow {before.key}: what was between them was taken out, or one of them was put in"
        return _broken(camera, key, media, before.end_us, detail)

    def begin(self, key: str, media: ChunkMedia, seal: Seal | None) -> None:
        """Take a chunk that stands in front of what is verified; what was before it is not asked."""
        self._last[media.run_id] = _Last(key, seal.last if seal else None, media.end_us)

    def skip(self, run: str, key: str, end_us: int) -> None:
        """Take the next chunk of a run without its links: it is being recorded, or cannot be read."""
        self._last[run] = _Last(key, None, end_us)

    def forget(self) -> None:
        """Forget all runs: what comes next is of another camera."""
        self._last.clear()


def _broken(camera: str, key: str, media: ChunkMedia, since_us: int, detail: str) -> Damage:
    span = min(since_us, media.start_us), media.start_us
    return Damage(DamageKind.BROKEN, key, detail, camera, media.chunk_id, None, None, *span)
