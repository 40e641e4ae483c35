"""Files of a session that was recorded in a browser: cut at keyframes, not a sample encoded anew."""

from __future__ import annotations

from .work import Work


def cut(work: Work) -> None:
    """Cut the original of a session's recording into the files that its session has; called once it is probed.

    Idempotent: what was cut before by a process that died is found, not made twice.
    """
    work.check()
