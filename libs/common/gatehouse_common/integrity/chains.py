"""Whether the chunks of a run follow one another: a chunk is chained to the last link of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gatehouse_common.clock import MILLISECOND
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.seal import Seal, chain_start

from .findings import Damage, DamageKind

Explained = Callable[[str, int, int], bool]
"""Whether it is known why a camera has no footage in a range: it was let go of, say."""


_ROUNDED_US = MILLISECOND
"""Times of chunks that follow one another are rounded; so close, nothing is between them."""


@dataclass(frozen=True, slots=True)
class _Last:
    key: str
    link: bytes | None
    end_us: int
    is_bare: bool = False
    """It has no digests at all, as what was recorded before there were any."""


class Chains:
    """Follows the chunks of runs, each run's by start, and tells where its chain is broken.

    Args:
        explained: whether it is known why footage of a camera is missing in ``[start_us, end_us)``.
        began_us: returns when a run began, microseconds UTC; None: not known, and then nothing is missed in front of
            the first chunk that is seen of it.
        has_ledger: whether ``explained`` knows of all holes; else one that it does not know is no reason for anything.
    """

    def __init__(
        self, explained: Explained, began_us: Callable[[str], int | None], *, has_ledger: bool = False
    ) -> None:
        self._explained, self._began_us, self._has_ledger = explained, began_us, has_ledger
        self._last: dict[str, _Last] = {}
        self._sealed: set[str] = set()

    def follow(
        self, camera: str, key: str, media: ChunkMedia, seal: Seal | None, *, renewed: bool = False
    ) -> Damage | None:
        """Take the next chunk of a run; return what is wrong between the one before and this one.

        Args:
            camera: whose it is.
            key: its key.
            media: its samples.
            seal: its digests; None: it has none.
            renewed: whether the index says that it was found behind a damage, or made anew of what was damaged.
        """
        before, was_sealed = self._last.get(media.run_id), media.run_id in self._sealed
        self.begin(key, media, seal)
        if seal is None:
            return taken_away(camera, key, media, "chunks before it in its run have some") if was_sealed else None
        if seal.previous == chain_start(media.run_id):
            return self._anew(camera, key, media, before, renewed=renewed)
        if before is None:
            since_us = self._began_us(media.run_id)
            if since_us is None or since_us >= media.start_us or self._explained(camera, since_us, media.start_us):
                return None
            detail = "what was recorded before it in the same run is not there, and nobody has let go of it"
            return _broken(camera, key, media, since_us, detail)
        return self._behind(camera, key, media, seal, before, was_sealed=was_sealed)

    def _behind(
        self, camera: str, key: str, media: ChunkMedia, seal: Seal, before: _Last, *, was_sealed: bool
    ) -> Damage | None:
        """Judge a chunk that is chained to another, by the one that is before it."""
        if before.is_bare and not was_sealed:  # else that was told of it
            detail = f"the digests of {before.key}, before it, were taken away"
            return _broken(camera, key, media, before.end_us, detail)
        if before.link in {None, seal.previous} or self._explained(camera, before.end_us, media.start_us):
            return None
        detail = f"it does not follow {before.key}: what was between them was taken out, or one of them was put in"
        return _broken(camera, key, media, before.end_us, detail)

    def _anew(self, camera: str, key: str, media: ChunkMedia, before: _Last | None, *, renewed: bool) -> Damage | None:
        """Judge a chunk whose chain begins with it: the first of its run, or found behind what was cut out."""
        since_us = self._began_us(media.run_id) if before is None else before.end_us
        is_hole = since_us is not None and media.start_us - since_us > _ROUNDED_US
        explained = is_hole and since_us is not None and self._explained(camera, since_us, media.start_us)
        if explained or (is_hole and renewed and before is not None):
            self.skip(media.run_id, key, media.end_us)  # what comes next is chained to what was cut out
            return None
        if before is None or before.link is None or renewed or (is_hole and not self._has_ledger):
            return None
        detail = f"its chain begins anew behind {before.key}, and nothing is known to have been cut out there"
        return _broken(camera, key, media, before.end_us, detail)

    def begin(self, key: str, media: ChunkMedia, seal: Seal | None) -> None:
        """Take a chunk that stands in front of what is verified; what was before it is not asked."""
        self._last[media.run_id] = _Last(key, seal.last if seal else None, media.end_us, is_bare=seal is None)
        if seal is not None and seal.late < len(seal.gops):
            self._sealed.add(media.run_id)  # while it was recorded; of an old file that was mended, all are late

    def skip(self, run: str, key: str, end_us: int) -> None:
        """Take the next chunk of a run without its links: it is being recorded, or cannot be read."""
        self._last[run] = _Last(key, None, end_us)

    def forget(self) -> None:
        """Forget all runs: what comes next is of another camera."""
        self._last.clear()
        self._sealed.clear()


def taken_away(camera: str, key: str, media: ChunkMedia, why: str) -> Damage:
    """Return that a chunk has no digests and was recorded with some."""
    detail = f"its digests were taken away: {why}"
    return Damage(DamageKind.BROKEN, key, detail, camera, media.chunk_id, None, None, media.start_us, media.end_us)


def _broken(camera: str, key: str, media: ChunkMedia, since_us: int, detail: str) -> Damage:
    span = min(since_us, media.start_us), media.start_us
    return Damage(DamageKind.BROKEN, key, detail, camera, media.chunk_id, None, None, *span)
