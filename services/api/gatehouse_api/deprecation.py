"""Old routes say in each answer that they are old, and what there is in their place (RFC 9745, RFC 8288)."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

SUCCESSORS: Final = {
    "/api/start-recording": "/api/v1/footage",
    "/api/stop-recording": "/api/v1/footage",
    "/api/recording-status/<name>": "/api/v1/cameras",
    "/api/videos": "/api/v1/footage",
    "/api/videos/<name>": "/api/v1/footage",
    "/api/video/<int:chunk>": "/api/v1/footage",
    "/api/video/<int:chunk>/download": "/api/v1/footage",
    "/api/delete-video/<int:chunk>": "/api/v1/retention/plan",
    "/api/init-db": "/api/v1/health",
    "/api/health": "/api/v1/health",
    "/api/users": "/api/v1/users",
    "/api/users/<name>": "/api/v1/users",
    "/videos/<username>": "/api/v1/media",
    "/srce/api/videos/<username>": "/api/v1/media",
    "/video/stream/<int:video>": "/api/v1/media",
    "/srce/api/video/stream/<int:video>": "/api/v1/media",
    "/video/<int:video>": "/api/v1/media",
    "/srce/api/video/<int:video>": "/api/v1/media",
    "/camera_info": "/api/v1/cameras",
    "/recordings": "/api/v1/timeline",
    "/recordings/recording_index.json": "/api/v1/timeline",
    "/footage": "/api/v1/footage",
    "/v2/detection/latest": "/api/v1/plates",
    "/v2/detection/detect-from-camera": "/api/v1/plates",
    "/v2/detection/detect-from-image": "/api/v1/plates",
    "/v2/results/detections": "/api/v1/plates",
    "/v2/results/enhanced-results": "/api/v1/plates",
    "/v2/stream/video-feed": "/api/v1/cameras",
    "/v2/stream/snapshot": "/api/v1/cameras",
    "/v2/stream/annotated-snapshot": "/api/v1/cameras",
    "/v2/video/segments": "/api/v1/clips",
    "/v2/video/segments/<segment>": "/api/v1/clips",
    "/v2/video/segments/<segment>/download": "/api/v1/clips",
    "/v2/video/by-detection/<detection>": "/api/v1/clips",
    "/v2/video/cleanup": "/api/v1/clips",
    "/v2/video/stats": "/api/v1/clips",
    "/upload_blob": "/api/v1/uploads",
    "/upload_blob/": "/api/v1/uploads",
    "/upload_blob/complete": "/api/v1/uploads",
    "/srce/api/upload_blob/": "/api/v1/uploads",
    "/srce/api/upload_blob/complete": "/api/v1/uploads",
    "/upload/": "/api/v1/uploads",
    "/srce/api/upload/": "/api/v1/uploads",
}
"""By rule, what is in place of it; an answer that knows better, such as the very clip, says that."""
_SINCE: Final = "@1767225600"


def deprecate(answer: Response, successor: str) -> Response:
    """Mark an answer as that of an old route, and say where the new one is."""
    answer.headers["Deprecation"] = _SINCE
    answer.headers["Link"] = f'<{successor}>; rel="successor-version"'
    return answer


def install_deprecation(app: Flask) -> None:
    """Have errors of old routes say too that they are of old routes."""

    @app.after_request
    def mark(answer: Response) -> Response:
        successor = SUCCESSORS.get(request.url_rule.rule) if request.url_rule else None
        if successor is not None and "Deprecation" not in answer.headers:
            deprecate(answer, successor)
        return answer
