"""what uploads and viewings were called in older programs: `videos` and `Records`, for reading"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
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
_TYPES = {
    "webm": ("video/webm", "audio/webm"),
    "mkv": ("video/x-matroska", "audio/x-matroska"),
    "mov": ("video/quicktime",),
    "mp4": ("video/mp4",),
}
_VIDEOS = """{create} videos AS SELECT
  m.number AS id, m.id AS uid, LOWER(m.owner_name) AS username, {created} AS created_date,
  {original} AS original_location, {compressed} AS compressed_location, {thumbnail} AS thumbnail_location,
  CASE {types} ELSE m.type END AS file_type,
  CASE WHEN m.state = 'processing' AND m.stage = 'merging' THEN 'merging' ELSE m.state END AS status,
  m.detail AS error
FROM media m WHERE m.state NOT IN ('trashed', 'deleted')"""

_STORED = "SELECT {0} FROM recorder_sessions s JOIN session_chunks c ON c.session = s.number" + (
    " WHERE s.viewing = v.id AND c.state = 'stored'"
)
_RECORDS = """{create} {name} AS SELECT
  v.number AS id, v.id AS uid, v.user AS user_id, v.user_name, v.camera, v.address AS ip_address,
  {start} AS login_time, {ended} AS logout_time, v.bytes, v.title, v.note,
  CASE WHEN EXISTS (""" + _STORED.format("1") + """) THEN 1 ELSE 0 END AS recording,
  (""" + _STORED.format("MIN(c.`key`)") + """) AS recording_path
FROM viewings v"""


def upgrade() -> None:
    kind = "sqlite" if op.get_bind().dialect.name == "sqlite" else "mysql"
    when = _TIME[kind].format
    made = {
        "videos": _VIDEOS.format(
            create=_CREATE[kind],
            created=when("m.created_us"),
            types=" ".join(
                f"WHEN m.type = '{type_}' OR m.type LIKE '{type_};%' THEN '{end}'"
                for end, types in _TYPES.items()
                for type_ in types
            ),
            **{of: _FILE.format(of) for of in ("original", "compressed", "thumbnail")},
        ),
        "Records": _RECORDS.format(
            create=_CREATE[kind], name="Records", start=when("v.start_us"), ended=when("v.ended_us")
        ),
    }
    # A table of another program stays, and is what it was: a name for reading is not worth an upgrade that is refused.
    others = {name.lower() for name in sa.inspect(op.get_bind()).get_table_names()}
    for name, statement in made.items():
        if name.lower() not in others:
            op.execute(statement)


def downgrade() -> None:
    for name in sa.inspect(op.get_bind()).get_view_names():
        if name.lower() in {"videos", "records"}:
            op.execute(f"DROP VIEW `{name}`")
