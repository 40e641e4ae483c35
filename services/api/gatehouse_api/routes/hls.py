"""HLS: playlists whose segments are byte ranges of the chunk files, and those files."""

from __future__ import annotations

from flask import Response, redirect
from flask_openapi3 import Tag
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.chunk_ranges import asks_beside, too_old
from gatehouse_api.context import Context, context
from gatehouse_api.delivery import deliver
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.problems import problem
from gatehouse_api.routes.footage import not_recorded
from gatehouse_api.routes.models import CameraPath, ChunkPath, RangeQuery
from gatehouse_api.times import clamp, parse_range, request_zone
from gatehouse_api.visible_library import VisibleLibrary
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import FootageReader, Visible
from gatehouse_common.errors import NotFound, TooLarge
from gatehouse_common.media.hls import find_segments, vod_playlist
from gatehouse_common.media.hls_live import LOOKBACK_US
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile

api = Routes("hls", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="HLS")])

HOUR_US = 3600 * SECOND
MOST_US = 48 * HOUR_US
"""A playlist names every segment: two days are 43,000 lines, and 300 sample indexes to read."""
_MIME = "application/vnd.apple.mpegurl"


@api.get("/hls/<camera>/vod.m3u8", summary="A range of up to two days as an HLS playlist")
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_vod(path: CameraPath, query: RangeQuery) -> Response:
    """Return the playlist of a range; players that know ``EXT-X-START`` begin at ``from``, others at its GOP."""
    ctx = context()
    ctx.cameras.get(path.camera)
    asked = parse_range(query.from_, query.to, request_zone(query.tz))
    if asked.duration > MOST_US:
        raise TooLarge(f"one playlist is at most {MOST_US // HOUR_US} h; ask for the next when it has been played.")
    try:
        wanted, _ = clamp(path.camera, asked)
    except NotFound as error:
        raise not_recorded(path.camera, asked, error) from error
    found = ctx.library.find(path.camera, wanted.start, wanted.end)
    # A segment is given whole: none may begin before what there is for who asks.
    since = caller().earliest_us(path.camera, ctx.core.clock.now_us()) or 0
    segments = [
        s
        for s in find_segments(found.media)
        if s.start_us < wanted.end and s.start_us + s.duration_us > wanted.start and s.start_us >= since
    ]
    if not segments:
        raise not_recorded(path.camera, asked, NotFound("nothing is recorded in that range"))
    return _playlist(vod_playlist(segments, _url, wanted.start), cached=found.sealed and not since)


@api.get("/hls/<camera>/live.m3u8", summary="The live edge as an HLS playlist")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_live(path: CameraPath) -> Response:
    """Return the playlist of the newest whole segments."""
    ctx = context()
    ctx.cameras.get(path.camera)
    now = ctx.core.clock.now_us()
    # The numbers of segments are the same for all who watch, so they are counted over the same ones.
    segments = find_segments(ctx.everything.find(path.camera, now - LOOKBACK_US, now).media, whole_only=True)
    if not segments:
        raise NotFound("there is no whole segment yet")
    return _playlist(ctx.hls.playlist(path.camera, segments, _url), cached=False)


@api.get("/media/chunks/<chunk>.mp4", summary="A chunk file, by ranges")
@needs(Scope.FOOTAGE_READ, Scope.LIVE_VIEW)
def get_chunk(path: ChunkPath) -> BaseResponse:
    """Return a chunk file up to its last whole part; or where the store has it, if the settings say so.

    Of one that begins before what there is for who asks, only what is in the playlists: 416 for other bytes.
    """
    ctx = context()
    visible = _playable(ctx)
    library = VisibleLibrary(ctx.everything, FootageReader(ctx.core.db, visible), visible)
    row, media = library.chunk(path.chunk)
    since = None if visible is None else visible.since_us.get(row.camera)
    hidden = None if since is None else too_old(media, since)
    # Whoever has that address has the whole file.
    may_go = row.state == "stored" and hidden is None
    elsewhere = ctx.core.store.redirect_url(row.key) if may_go else None
    if elsewhere is not None:
        answer = redirect(elsewhere, 307)
        answer.headers["Cache-Control"] = "private, no-store"  # the address is a key for as long as it is good
        return answer
    file = VirtualFile((ObjectRange(media.key, 0, media.indexed_bytes, media.chunk_id),))
    if hidden is not None and not asks_beside(hidden, file.size):
        return problem(416, "range-not-satisfiable", "No such bytes", "ask for the ranges that the playlist names")
    return deliver(file, ctx.reader, sealed=row.state == "stored")


def _playable(ctx: Context) -> Visible | None:
    """Return what a playlist may name to who asks: what can be played back, and of what can be seen live the end."""
    asks, now = caller(), ctx.core.clock.now_us()
    found = ctx.visible(Permission.PLAYBACK) if asks.may(Scope.FOOTAGE_READ) else Visible(frozenset())
    live = ctx.visible(Permission.LIVE) if asks.may(Scope.LIVE_VIEW) else Visible(frozenset())
    if found is None:
        return None
    # Of all cameras to who may see all of them live, but play back none or only some.
    watched = frozenset(c.id for c in ctx.camera_records.list()) if live is None else live.cameras
    only_live = dict.fromkeys(watched - found.cameras, now - LOOKBACK_US)
    return Visible(found.cameras | watched, {**found.since_us, **only_live})


def _url(chunk: ChunkMedia) -> str:
    return f"/api/v1/media/chunks/{chunk.chunk_id}.mp4"


def _playlist(text: str, *, cached: bool) -> Response:
    answer = Response(text, content_type=_MIME)
    answer.headers["Cache-Control"] = "private, max-age=3600" if cached else "private, no-cache"
    return answer
