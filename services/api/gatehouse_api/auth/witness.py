"""Writes down who looked at what, took what away, and changed what."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, json, request

from gatehouse_api.idempotency import REPLAYED
from gatehouse_api.problems import from_error
from gatehouse_common.accounts import Principal
from gatehouse_common.accounts.addresses import network_of
from gatehouse_common.clock import MINUTE, Clock
from gatehouse_common.db import Audit, Deed
from gatehouse_common.errors import GatehouseError
from gatehouse_common.observability.secrets import MASK, mask

log = structlog.get_logger(__name__)

_ONCE_IN_US = 10 * MINUTE
"""A player asks for a film in many pieces, and a page for a picture each second: that is one deed."""
_REMEMBERED = 4096
_MOST_TEXT, _MOST_VALUE, _MOST_BODY = 1000, 100, 1 << 20
_MOST_NAMES = 4200
"""Which cameras were looked at is written down to the last."""
_SECRET = re.compile(r"pass|secret|token|key|current|credential", re.IGNORECASE)
_STREAM = "multipart/x-mixed-replace"
_PARAMETERS = frozenset({"from", "to", "at", "tz", "q", "match", "cameras", "format", "codec", "gaps", "download"})
"""What of a query is kept: what was looked at, or looked for."""

DEEDS = {
    "footage.get_footage": "footage.downloaded",
    "compat.get_footage": "footage.downloaded",
    "exports.get_export": "footage.exported",
    "exports.ask_for_export": "footage.exported",
    "hls.get_vod": "footage.viewed",
    "hls.get_live": "live.viewed",
    "hls.get_chunk": "footage.viewed",
    "live.get_live_media": "live.viewed",
    "live.get_mjpeg": "live.viewed",
    "live.get_stream": "live.viewed",
    "live_grid.get_grid": "live.viewed",
    "live.get_snapshot": "live.viewed",
    "live.get_thumbnail": "footage.viewed",
    "v2_stream.get_video_feed": "live.viewed",
    "v2_stream.get_snapshot": "live.viewed",
    "v2_stream.get_annotated_snapshot": "live.viewed",
    "pages.get_root": "live.viewed",
    "clips.get_clip_media": "clip.viewed",
    "v2_video.get_download": "clip.downloaded",
    "plates.get_plates": "plates.searched",
    "plates.get_plate": "plate.viewed",
    "plates.get_crop": "plate.viewed",
    "v2_detection.get_detections": "plates.searched",
    "v2_detection.get_enhanced_results": "plates.searched",
    "v2_detection.get_latest": "plates.searched",
    "v2_detection.detect_from_camera": "live.viewed",
    "events.get_stream": "live.viewed",
    "plate_pages.get_video_browser": "plates.searched",
    "audit.get_audit": "audit.read",
    "audit.get_table": "audit.read",
    "audit.get_lines": "audit.read",
    "user_pages.get_audit": "audit.read",
    "plates.get_frame": "plate.viewed",
    "plates.change_plate": "plate.corrected",
    "watch_lists.get_table": "watch_list.exported",
    "list_pages.get_table": "watch_list.exported",
    "cameras.add_camera": "camera.added",
    "cameras.change_camera": "camera.changed",
    "cameras.remove_camera": "camera.removed",
    "retention.place_hold": "hold.placed",
    "retention.release_hold": "hold.released",
    "media_pages.post_hold": "hold.placed",
    "media_pages.post_release": "hold.released",
    "jobs.ask_for_check": "check.asked_for",
    "v2_video.clean_up": "clips.archived",
    "compat_s0.get_download": "footage.downloaded",
    "uploads.begin_upload": "upload.begun",
    "uploads.cancel_upload": "upload.cancelled",
    "media.upload_media": "media.uploaded",
    "upload_blobs.upload_file": "media.uploaded",
}
"""What routes do, by their endpoints; those of users, tokens and sessions are written down where they are done."""
_SHOWN = frozenset({"plates", "clips"})
_VIEWS = (".viewed", ".searched", ".read")


def install_witness(app: Flask, audit: Audit, clock: Clock, *, is_open: bool) -> None:
    """Write down what requests did, before their answer is given.

    What is only looked at is not given if that cannot be written down. A change is made by then; whoever asked for it
    is told that it could not be written down, and so is the log.

    Args:
        app: the app; its door is installed before.
        audit: where it is written.
        clock: the time.
        is_open: nobody is known, so that there is nobody to name.
    """
    if is_open:
        return
    seen = Lately()

    @app.after_request
    def witness(answer: Response) -> Response:
        deed = _deed(answer)
        if deed is None:
            return answer
        now_us, refused = clock.now_us(), not deed.done
        action, detail = deed.action, dict(deed.detail)
        key = (deed.actor_id, deed.token, deed.address, action, deed.subject, json.dumps(detail, sort_keys=True))
        if (refused or action.endswith(_VIEWS) or request.method == "GET") and not seen.is_new(key, now_us):
            return answer
        try:
            audit.write(deed, now_us)
        except GatehouseError as error:
            log.error("a deed could not be written down", action=action, reason=error.message)  # noqa: TRY400
            answer.close()
            return from_error(error)
        return answer


def _deed(answer: Response) -> Deed | None:
    """Return what a request did, or was not allowed to; None: nothing that counts."""
    if request.method in {"HEAD", "OPTIONS"} or REPLAYED in answer.headers:
        return None
    asks: Principal | None = g.get("principal")
    address, status = request.remote_addr or "", answer.status_code
    if asks is None:
        shown = request.authorization is not None or "X-API-Key" in request.headers
        if status == HTTPStatus.UNAUTHORIZED and shown:
            return Deed("token.refused", "a token", address=network_of(address), done=False)
        return None
    action = DEEDS.get(request.endpoint or "")
    if request.endpoint == "pages.get_root" and answer.mimetype != _STREAM:
        action = None
    if request.endpoint == "events.get_stream" and not _SHOWN & set(request.args.get("topics", "plates").split(",")):
        action = None  # what happens on the site, as every page says it, shows nobody
    if status == HTTPStatus.FORBIDDEN:
        action = action or "request.refused"
    elif status >= HTTPStatus.BAD_REQUEST or action is None:
        return None
    done = status != HTTPStatus.FORBIDDEN
    detail = _detail() if done else {}  # what was refused may be a password in a wrong place
    return Deed(action, _subject(), asks.name, asks.user, asks.token, address, detail, done=done)


class Lately:
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
    """Return with what it was done: what the path names, and the camera that was looked up; else which route."""
    named = {what: str(name)[:100] for what, name in (request.view_args or {}).items()}
    camera = g.get("camera") or request.args.get("camera", "")[:100]
    if camera:
        named.setdefault("camera", camera)
    return ", ".join(f"{what} {name}" for what, name in sorted(named.items())) or _route()


def _route() -> str:
    return f"{request.method} {request.url_rule}"


def _detail() -> dict[str, Any]:
    """Return what was asked for; passwords in addresses of cameras are masked, and what no route knows is left out."""
    detail: dict[str, Any] = {
        name: mask(request.args[name])[: _MOST_NAMES if name == "cameras" else _MOST_VALUE]
        for name in sorted(_PARAMETERS & request.args.keys())
    }
    told = request.method != "GET" and (request.content_length or 0) <= _MOST_BODY  # more is a file, whatever it says
    body = request.get_json(silent=True) if told else None
    if isinstance(body, dict):
        told = _masked(body)
        text = json.dumps(told)
        detail["body"] = told if len(text) <= _MOST_TEXT else text[:_MOST_TEXT]
    return detail


def _masked(value: Any, name: str = "") -> Any:
    """Return a value of a body with no secret in it: masked one by one, for a text of JSON would be torn."""
    if isinstance(value, dict):
        return {key: _masked(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, name) for one in value]
    if not isinstance(value, str):
        return value
    return MASK if _SECRET.search(name) else mask(value)
