"""what uploads and viewings were called in older programs: `videos` and `Records`, for reading"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Times of the older tables are of the site, without a zone; here they are UTC.
_TIME = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {0} / 1000000.0, 'unixepoch')",
    "mysql": "TIMESTAMPADD(MICROSECOND, {0}, TIMESTAMP'1970-01-01 00:00:00.000000')",
}
# On MySQL a view has the rights of whoever made it unless it says otherwise; that user may be gone.
_CREATE = {"sqlite": "CREATE VIEW", "mysql": "CREATE SQL SECURITY INVOKER VIEW"}

_FILE = "(SELECT MIN(f.`key`) FROM media_files f WHERE f.media = m.number AND f.kind = '{0}' AND f.state = 'ready')"
# As `extension_of` gave them when this was written.
_ENDS = {
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/webm": "webm",
    "audio/x-wav": "wav",
    "image/gif": "gif",
    "video/mp2t": "ts",
    "video/mp4": "mp4",
    "video/mpeg": "mpg",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/x-matroska": "mkv",
    "video/x-ms-asf": "wmv",
    "video/x-msvideo": "avi",
}
_VIDEOS = """{create} videos AS SELECT
  m.number AS id, m.id AS uid, LOWER(m.owner_name) AS username, {created} AS created_date,
  {original} AS original_location, {compressed} AS compressed_location, {thumbnail} AS thumbnail_location,
  CASE {types} ELSE 'bin' END AS file_type,
  CASE WHEN m.state = 'processing' AND m.stage = 'merging' THEN 'merging' ELSE m.state END AS status,
  m.detail AS error
FROM media m WHERE m.state NOT IN ('trashed', 'deleted')"""

# From the few sessions of a viewing to their files; the other way each viewing would look through all files.
_STORED = (
    "SELECT {0} FROM recorder_sessions s {join} session_chunks c ON c.session = s.number"
    " WHERE s.viewing = v.id AND c.state = 'stored'"
)
_JOIN = {"sqlite": "CROSS JOIN", "mysql": "STRAIGHT_JOIN"}
_RECORDS = """{create} {name} AS SELECT
  v.number AS id, v.id AS uid, v.user AS user_id, v.user_name, v.camera, v.address AS ip_address,
  {start} AS login_time, {ended} AS logout_time, v.bytes, v.title, v.note,
  CASE WHEN EXISTS ({any}) THEN 1 ELSE 0 END AS recording,
  ({first} ORDER BY c.number LIMIT 1) AS recording_path
FROM viewings v"""


def upgrade() -> None:
    kind = "sqlite" if op.get_bind().dialect.name == "sqlite" else "mysql"
    when = _TIME[kind].format
    made = {
        "videos": _VIDEOS.format(
            create=_CREATE[kind],
            created=when("m.created_us"),
            types=" ".join(
                f"WHEN m.type = '{type_}' OR m.type LIKE '{type_};%' THEN '{end}'" for type_, end in _ENDS.items()
            ),
            **{of: _FILE.format(of) for of in ("original", "compressed", "thumbnail")},
        ),
        "Records": _RECORDS.format(
            create=_CREATE[kind],
            name="Records",
            start=when("v.start_us"),
            ended=when("v.ended_us"),
            any=_STORED.format("1", join=_JOIN[kind]),
            first=_STORED.format("c.`key`", join=_JOIN[kind]),
        ),
    }
    # What another program calls so stays what it was: a name for reading is not worth an upgrade that is refused.
    taken = _names()
    for name, statement in made.items():
        if name.lower() not in taken:
            op.execute(statement)


def downgrade() -> None:
    for name in ("videos", "Records"):
        if _is_ours(name):
            op.execute(f"DROP VIEW `{name}`")


def _names() -> set[str]:
    """Return what views cannot be called any more, in lower case; a view of ours that is there already among it."""
    found = sa.inspect(op.get_bind())
    names = {*found.get_table_names(), *found.get_view_names()}
    if op.get_bind().dialect.name == "sqlite":
        names |= set(op.get_bind().execute(sa.text("SELECT name FROM sqlite_master")).scalars())
    return {name.lower() for name in names}


def _is_ours(name: str) -> bool:
    found = sa.inspect(op.get_bind())
    if name not in found.get_view_names():
        return False
    definition = found.get_view_definition(name) or ""
    return "media_files" in definition or "recorder_sessions" in definition
