"""How many may send files at once: a slow line holds a thread for as long as it takes, and pages need some too."""

from __future__ import annotations

import threading

from flask import Flask, Response, g, request

from gatehouse_api.guard import brings_file
from gatehouse_api.problems import problem


def install_crowd(app: Flask, threads: int) -> None:
    """Let no more requests bring files than half of the threads can take; comes after the door.

    Args:
        app: the app.
        threads: how many requests are answered at once.
    """
    room = threading.BoundedSemaphore(max(1, threads // 2))

    @app.before_request
    def enter() -> Response | None:
        g.brings = False
        if request.method not in {"POST", "PATCH"} or not brings_file():
            return None
        if not room.acquire(blocking=False):
            told = "as many send files at this moment as may at once: go on in a moment (`api.threads`)."
            return problem(503, "unavailable", "Something that is needed does not answer", told)
        g.brings = True
        return None

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if g.pop("brings", False):
            room.release()
