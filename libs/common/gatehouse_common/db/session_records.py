"""Recorder sessions and their files as the rest of Gatehouse sees them. Times are microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.intervals import Interval


@dataclass(frozen=True, slots=True)
class RecorderSession:
    """That somebody records a camera, or did.

    Attributes:
        number: an integer that no other ever had or gets, as far as this index knows.
        id: UUIDv7.
        user: number of the user.
        user_name: as it was then.
        camera: slug.
        start_us: when it began.
        ends_us: when it ends, or was stopped.
        total_seconds: how long it was to be.
        chunk_seconds: length of its files.
        stopped_us: when somebody stopped it; None: nobody did.
        viewing: id of the viewing of a live picture that is recorded; None: somebody asked by name.
    """

    number: int
    id: str
    user: int
    user_name: str
    camera: str
    start_us: int
    ends_us: int
    total_seconds: int
    chunk_seconds: int
    stopped_us: int | None
    viewing: str | None = None

    def is_active(self, now_us: int) -> bool:
        """Return whether it goes on."""
        return self.stopped_us is None and now_us < self.ends_us


@dataclass(frozen=True, slots=True)
class SessionChunk:
    """A file of a session.

    Attributes:
        number: an integer that no other ever had or gets, as far as this index knows.
        id: UUIDv7.
        session: number of its session.
        position: 1, 2, 3 in the session.
        user: number of the user.
        user_name: as it was then.
        camera: slug.
        chunk_seconds: length of the session's files.
        wanted_start_us: where it should begin.
        wanted_end_us: where it should end.
        start_us: wanted, then that of its first frame.
        end_us: wanted, then when its last frame ends.
        state: ``planned``, ``stored``, ``failed``; ``dropped``: not wanted any more, the session was stopped before;
            ``trashed``, ``deleted``.
        key: of its object; empty while planned.
        bytes: size of the file.
        width: pixels.
        height: pixels.
        frames: that are shown.
        detail: why it failed or has gaps; empty: nothing is wrong.
        stored_us: when it was stored, or a browser's was found to have failed; None: neither.
        name: what its file is called; empty: after its time and number.
        trashed_us: when it was put into the trash; None: it was not.
    """

    number: int
    id: str
    session: int
    position: int
    user: int
    user_name: str
    camera: str
    chunk_seconds: int
    wanted_start_us: int
    wanted_end_us: int
    start_us: int
    end_us: int
    state: str
    key: str
    bytes: int
    width: int
    height: int
    frames: int
    detail: str
    stored_us: int | None
    name: str = ""
    trashed_us: int | None = None


def split(span: Interval, chunk_us: int) -> list[Interval]:
    """Return a span in pieces of one length, the last as long as is left; no instant is in two, and none in none."""
    return [Interval(at, min(at + chunk_us, span.end)) for at in range(span.start, span.end, chunk_us)]
