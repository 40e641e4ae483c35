"""Writes down who looked at what, took what away, and changed what."""

from __future__ import annotations

import threading
from collections import OrderedDict
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, json, request

from gatehouse_api.problems import from_error
from gatehouse_common.accounts import Principal
from gatehouse_common.clock import MINUTE, Clock
from gatehouse_common.db import Audit, Deed
from gatehouse_common.errors import GatehouseError
from gatehouse_common.observability.secrets import mask

_ONCE_IN_US = 10 * MINUTE
"""A player asks for a film in many pieces, and a page for a picture each second: that is one deed."""
_REMEMBERED = 4096
_MOST_TEXT = 1000

DEEDS = {
    "footage.get_footage": "footage.downloaded",
    "compat.get_footage": "footage.downloaded",
    "exports.get_export": "footage.exported",
    "hls.get_vod": "footage.viewed",
    "hls.get_live": "live.viewed",
    "hls.get_chunk": "footage.viewed",
    "live.get_live_media": "live.viewed",
    "live.get_mjpeg": "live.viewed",
    "live.get_stream": "live.viewed",
    "live.get_snapshot": "live.viewed",
    "live.get_thumbnail": "footage.viewed",
    "v2_stream.get_video_feed": "live.viewed",
    "v2_stream.get_snapshot": "live.viewed",
    "v2_stream.get_annotated_snapshot": "live.viewed",
    "pages.get_root": "live.viewed",
    "clips.get_clip_media": "clip.viewed",
    "v2_video.get_download": "clip.downloaded",
    "plates.get_plates": "plates.searched",
    "plates.get_frame": "plate.viewed",
    "plates.change_plate": "plate.corrected",
    "cameras.add_camera": "camera.added",
    "cameras.change_camera": "camera.changed",
    "cameras.remove_camera": "camera.removed",
    "retention.place_hold": "hold.placed",
    "retention.release_hold": "hold.released",
    "jobs.ask_for_check": "check.asked_for",
    "v2_video.clean_up": "clips.archived",
}
"""What routes do, by their endpoints; those of users, tokens and sessions are written down where they are done."""
_VIEWS = (".viewed", ".searched")


def install_witness(app: Flask, audit: Audit, clock: Clock, *, is_open: bool) -> None:
    """Write down what requests did, before their answer is given: what cannot be written down is not done unseen.

    Args:
        app: the app; its door is installed before.
        audit: where it is written.
        clock: the time.
        is_open: nobody is known, so that there is nobody to name.
    """
    if is_open:
        return
    seen = _Seen()

    @app.after_request
    def witness(answer: Response) -> Response:
        asks: Principal | None = g.get("principal")
        action = DEEDS.get(request.endpoint or "")
        refused = answer.status_code == HTTPStatus.FORBIDDEN
        counts = request.method not in {"HEAD", "OPTIONS"} and (answer.status_code < HTTPStatus.BAD_REQUEST or refused)
        if asks is None or action is None or not counts:
            return answer
        now_us, detail = clock.now_us(), _detail()
        deed = Deed(
            action, _subject(), asks.name, asks.user, asks.token, request.remote_addr or "", detail, done=not refused
        )
        key = (asks.user, asks.token, action, deed.subject, refused, json.dumps(detail, sort_keys=True))
        if (refused or action.endswith(_VIEWS) or request.method == "GET") and not seen.is_new(key, now_us):
            return answer
        try:
            audit.write(deed, now_us)
        except GatehouseError as error:
            answer.close()
            return from_error(error)
        return answer


class _Seen:
    """Remembers what was written down lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: OrderedDict[object, int] = OrderedDict()

    def is_new(self, key: object, now_us: int) -> bool:
        """Return whether it is some time since this was done; it counts as done now."""
        with self._lock:
            before = self._at.get(key)
            if before is not None and 0 <= now_us - before < _ONCE_IN_US:
                return False
            self._at[key] = now_us
            self._at.move_to_end(key)
            while len(self._at) > _REMEMBERED:
                self._at.popitem(last=False)
        return True


def _subject() -> str:
    """Return with what it was done: what the path names, else the camera that the query does."""
    named = dict(request.view_args or {})
    if request.args.get("camera"):
        named.setdefault("camera", request.args["camera"])
    return ", ".join(f"{what} {str(name)[:100]}" for what, name in sorted(named.items())) or request.path


def _detail() -> dict[str, Any]:
    """Return what was asked for; passwords in addresses of cameras are masked."""
    detail: dict[str, Any] = {name: mask(value)[:_MOST_TEXT] for name, value in sorted(request.args.items())}
    detail.pop("camera", None)
    body = request.get_json(silent=True) if request.method != "GET" else None
    if body is not None:
        text = mask(json.dumps(body))
        detail["body"] = json.loads(text) if len(text) <= _MOST_TEXT else text[:_MOST_TEXT]
    return detail
