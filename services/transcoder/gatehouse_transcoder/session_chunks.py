"""Files of a session that was recorded in a browser: cut at keyframes, not a picture encoded anew.

The recording is kept once: when all files are in the store, read again and found to hold all that it held, it goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.db import BrowserSessions, RecorderSession, RecorderSessions, SessionChunk, Users
from gatehouse_common.db.browser_sessions import INTERRUPTED, PAUSES
from gatehouse_common.errors import DataLoss, InvalidInput, from_os_error
from gatehouse_common.footage import place_session_file, session_info
from gatehouse_common.intervals import Interval
from gatehouse_common.media.cutting import CutFile, CutRecording, parse_cut
from gatehouse_common.media.session_box import build_session_box, build_session_element
from gatehouse_common.storage import FileSource

from .children import run
from .looking import PYTHON
from .work import Lost, Work

log = structlog.get_logger(__name__)

BROKEN_OFF = "the recording was interrupted: this is what had been received of it"
PAUSED = "it was paused for {:.1f} s, of which nothing is in it"
_CUT = "it was cut into the files of its session, which have all of it"
_KEPT = "it was cut into the files of its session; it is kept, for {why}"
_LEFT, _HELD = "they do not have all of it: {left}", "it is on hold"
_LATEST_START_US = MINUTE
"""A browser begins so long after it asked to, at most."""
_MOST_ASIDE_US = 2 * SECOND
"""A browser's clock is believed if what it says is so near to the clock here; it may be wrong by any time."""
_MS = 1000
_CUTTING = 0.8


def cut(work: Work) -> None:
    """Cut the recording of a session, the original of the job's medium; then let it go: its bytes are in the files.

    The medium stays as a row that is ``deleted`` and says where they are. If something of it is in no file, or it is on
    hold, it is kept and says why. See ``cut_recording``.
    """
    if work.media.state == "deleted" or work.media.upload is None:
        return  # whoever did it died before the job was ended
    original = work.original()
    facts = work.rows.upload(work.media.upload).facts
    left = cut_recording(
        work,
        work.path(original),
        interrupted=bool(facts.get(INTERRUPTED)),
        facts=facts,
    )
    now_us = work.core.clock.now_us()
    why = _LEFT.format(left=left)
    if not left:
        gone = work.rows.let_go(work.job, original, now_us, state="deleted", stage="", ready_us=now_us, detail=_CUT)
        if gone is False:
            raise Lost("another process does it by now, or it was called off")
        if gone:
            work.media = work.rows.media(work.media.number)
            work.core.store.delete(original.key)
            return
        why = _HELD
    is_trashed = work.rows.media(work.media.number).state == "trashed"
    facts_now = {"before_trash" if is_trashed else "state": "ready", "detail": _KEPT.format(why=why)}
    work.learn(**facts_now, stage="", ready_us=now_us)


def cut_recording(work: Work, original: Path, *, interrupted: bool, facts: Mapping[str, Any]) -> str:
    """Cut the recording of a session into the session's files, and put them into the store and the index.

    Idempotent: what was cut before by a process that died is found, not made twice.

    Args:
        work: the job; its medium is the recording of a session.
        original: the recording.
        interrupted: nobody said that it had ended.
        facts: of its upload, which say when it began; see ``began_us``.

    Returns:
        What of it is in none of the files, for people; empty: all of it is in them.

    Raises:
        DataLoss: nothing in it can be shown, or a file does not hold what it held.
        Conflict: another recording of the session came before.
        GatehouseError: index or store does not take it.
    """
    session = RecorderSessions(work.core.db).get(_session_of(work))
    done = _cut(work, original, session.chunk_seconds * SECOND)
    at_us = began_us(session, facts)
    pauses = facts.get(PAUSES, [])
    parts = times_of(done.files, at_us, pauses, work.media.created_us)
    chunks = BrowserSessions(work.core.db).plan(session, work.media.number, parts, work.core.clock.now_us())
    if [(one.wanted_start_us, one.wanted_end_us) for one in chunks] != [(p.start, p.end) for p in parts]:
        raise DataLoss("its files were planned otherwise before")
    for n, (chunk, file) in enumerate(zip(chunks, done.files, strict=True)):
        _tell(work, _CUTTING + (1 - _CUTTING) * n / len(chunks))
        if chunk.state == "planned":
            is_broken_off = (interrupted or done.broken_off) and n == len(chunks) - 1
            details = [BROKEN_OFF] if is_broken_off else []
            if parts[n].duration > file.end_us - file.start_us:
                details.insert(0, PAUSED.format((parts[n].duration - file.end_us + file.start_us) / SECOND))
            _store(work, session, chunk, file, done, "; ".join(details))
    log.info("recording of a browser cut", session=session.number, files=len(chunks), left=done.left)
    return done.left


def _cut(work: Work, original: Path, chunk_us: int) -> CutRecording:
    """Cut a recording in a child process, for anybody may have sent it."""
    work.require_room(work.media.bytes, work.media.bytes)
    command = [*PYTHON, "gatehouse_common.media.cutting", str(original), str(chunk_us), str(work.folder)]

    def hear(line: str) -> bool:
        with suppress(ValueError):  # its last line is no number
            work.told(float(line) * _CUTTING)
        return True

    return parse_cut(run(command, work.tools.limits, work.core.clock, work.ending, hear, folder=work.folder))


def _session_of(work: Work) -> int:
    if work.media.session is None:
        raise InvalidInput("it is the recording of no session")
    return work.media.session


def _tell(work: Work, part: float) -> None:
    work.check()
    work.told(part)


def began_us(session: RecorderSession, facts: Mapping[str, Any]) -> int:
    """Return when a recording began by the clock here, microseconds UTC.

    Args:
        session: which began before, by the clock here.
        facts: of the upload: ``started_after_ms``, how long after the answer that the session has begun, which needs no
            clock that is right; else ``started_us``, the time by the browser's clock, if that seems right.
    """
    after_ms, told_us = facts.get("started_after_ms"), facts.get("started_us")
    if isinstance(after_ms, int) and 0 <= after_ms * _MS <= _LATEST_START_US:
        return session.start_us + after_ms * _MS
    if isinstance(told_us, int) and 0 <= told_us - session.start_us <= _MOST_ASIDE_US:
        return told_us
    return session.start_us


def times_of(
    files: Sequence[CutFile], began_us: int, pauses: Sequence[Mapping[str, int]], latest_us: int
) -> list[Interval]:
    """Return from when to when files are, microseconds UTC, with the pauses in which a browser did not record.

    Args:
        files: that were cut.
        began_us: when the recording began.
        pauses: as facts of uploads have them, see ``PAUSES``; not believed, if it would end after ``latest_us``.
        latest_us: when all of it was here.
    """

    def paused(until_us: int, *, ends: bool) -> int:
        before = (
            one for one in pauses if one["at_ms"] * _MS < until_us or (one["at_ms"] * _MS == until_us and not ends)
        )
        return sum(one["lasted_ms"] * _MS for one in before)

    if pauses and began_us + files[-1].end_us + paused(files[-1].end_us, ends=True) > latest_us + _MOST_ASIDE_US:
        return times_of(files, began_us, (), latest_us)
    return [
        Interval(
            began_us + file.start_us + paused(file.start_us, ends=False),
            began_us + file.end_us + paused(file.end_us, ends=True),
        )
        for file in files
    ]


def _store(
    work: Work, session: RecorderSession, chunk: SessionChunk, file: CutFile, done: CutRecording, detail: str
) -> None:
    """Put a file into the store, and its row into the index."""
    made = replace(
        chunk,
        state="stored",
        width=done.width,
        height=done.height,
        frames=file.frames,
        detail=detail,
        stored_us=work.core.clock.now_us(),
    )
    path = work.folder / file.name
    _explain(path, session, made, done.container, Users(work.core.db).id_of(made.user))
    size = path.stat().st_size
    key = place_session_file(
        work.core,
        made,
        partial(FileSource, path),
        lambda _source, key: work.core.store.put_file(path, key),
        "webm" if done.container == "webm" else "mp4",
    )
    RecorderSessions(work.core.db).made(replace(made, key=key, bytes=size))


def _explain(path: Path, session: RecorderSession, chunk: SessionChunk, container: str, user_id: str) -> None:
    """Let a file say at its end what its row says."""
    try:
        with path.open("rb") as whole:
            digest = hashlib.file_digest(whole, "sha256").hexdigest()
    except OSError as error:
        raise from_os_error(error, "reading a file of a session") from error
    info = session_info(session, chunk, digest, user_id)
    build = build_session_box if container == "mp4" else build_session_element
    try:
        with path.open("ab") as out:
            out.write(build(info))
    except OSError as error:
        raise from_os_error(error, "writing a file of a session") from error
