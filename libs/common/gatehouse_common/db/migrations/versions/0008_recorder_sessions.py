"""sessions in which users record cameras, their files, and the table of an older recorder as a view of them"""

import sqlalchemy as sa
from alembic import op

from gatehouse_common.errors import Conflict

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Times of the older table are of the site, without a zone; here they are UTC.
_TIME = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {0} / 1000000.0, 'unixepoch')",
    "mysql": "TIMESTAMPADD(MICROSECOND, {0}, TIMESTAMP'1970-01-01 00:00:00.000000')",
}
# On MySQL a view has the rights of whoever made it unless it says otherwise; that user may be gone.
_CREATE = {"sqlite": "CREATE VIEW", "mysql": "CREATE SQL SECURITY INVOKER VIEW"}
_VIEW = """{create} video_chunks AS SELECT
  number AS id, position AS clip_id, user AS user_id, user_name, {start} AS recording_date,
  {name} AS file_name, `key` AS file_path, {start} AS start_time, {end} AS end_time,
  CAST(ROUND((end_us - start_us) / 1000000.0) AS {integer}) AS duration_seconds,
  chunk_seconds AS chunk_duration_seconds, {stored} AS created_at
FROM session_chunks WHERE state = 'stored'"""
_NAME = {
    "sqlite": "replace(`key`, rtrim(`key`, replace(`key`, '/', '')), '')",
    "mysql": "SUBSTRING_INDEX(`key`, '/', -1)",
}


_KINDS = {True: "'chunk', 'clip', 'picture', 'session'", False: "'chunk', 'clip', 'picture'"}
_DELETIONS = (
    "id, kind, subject, camera, `key`, start_us, end_us, bytes, reason, marked_us, tries, trouble, next_us"
)


def upgrade() -> None:
    _refuse_to_replace("video_chunks")  # MySQL keeps each table as soon as it is made: look before the first
    _let_deletions_be_of(sessions=True)
    op.create_table(
        "recorder_sessions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="1, 2, 3, never again"),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("user", sa.Integer(), nullable=False, comment="number of whoever records"),
        sa.Column("user_name", sa.String(length=255), nullable=False, comment="as it was then"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column("start_us", _BIG, nullable=False, comment="when it began, microseconds UTC"),
        sa.Column("ends_us", _BIG, nullable=False, comment="when it ends, or was stopped, microseconds UTC"),
        sa.Column("total_seconds", sa.Integer(), nullable=False, comment="how long it was to be"),
        sa.Column("chunk_seconds", sa.Integer(), nullable=False, comment="length of its files"),
        sa.Column(
            "stopped_us", _BIG, nullable=True, comment="when somebody stopped it, null: nobody did, microseconds UTC"
        ),
        sa.Column(
            "viewing",
            sa.String(length=36),
            nullable=True,
            comment="id of the viewing of a live picture that is recorded, null: somebody asked by name",
        ),
        sa.CheckConstraint("ends_us >= start_us", name=op.f("ck_recorder_sessions_order")),
        sa.ForeignKeyConstraint(["user"], ["users.number"], name=op.f("fk_recorder_sessions_user_users")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_recorder_sessions")),
        sa.UniqueConstraint("id", name=op.f("uq_recorder_sessions_id")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_recorder_sessions_start", "recorder_sessions", ["start_us", "number"], unique=False)
    op.create_index("ix_recorder_sessions_user", "recorder_sessions", ["user", "ends_us"], unique=False)
    op.create_table(
        "session_chunks",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="1, 2, 3, never again"),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("session", sa.Integer(), nullable=False, comment="of which session"),
        sa.Column("position", sa.Integer(), nullable=False, comment="1, 2, 3 in the session"),
        sa.Column("user", sa.Integer(), nullable=False, comment="number of whoever records"),
        sa.Column("user_name", sa.String(length=255), nullable=False, comment="as it was then"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column("chunk_seconds", sa.Integer(), nullable=False, comment="length of the session's files"),
        sa.Column("wanted_start_us", _BIG, nullable=False, comment="where it should begin, microseconds UTC"),
        sa.Column("wanted_end_us", _BIG, nullable=False, comment="where it should end, microseconds UTC"),
        sa.Column("start_us", _BIG, nullable=False, comment="wanted, then that of its first frame, microseconds UTC"),
        sa.Column("end_us", _BIG, nullable=False, comment="wanted, then when its last frame ends, microseconds UTC"),
        sa.Column(
            "state",
            sa.String(length=10),
            nullable=False,
            comment="planned | stored | failed | dropped | trashed | deleted",
        ),
        sa.Column(
            "name",
            sa.String(length=64),
            nullable=False,
            comment="what its file is called; empty: after its time and number",
        ),
        sa.Column("key", sa.String(length=255), nullable=False, comment="object key; empty while planned"),
        sa.Column("bytes", _BIG, nullable=False, comment="size of the file, 0 while planned"),
        sa.Column("width", sa.Integer(), nullable=False, comment="pixels, 0 while planned"),
        sa.Column("height", sa.Integer(), nullable=False, comment="pixels, 0 while planned"),
        sa.Column("frames", sa.Integer(), nullable=False, comment="frames that are shown, 0 while planned"),
        sa.Column(
            "detail",
            sa.Text(),
            nullable=False,
            comment="why it failed or has gaps, one sentence; empty: nothing wrong",
        ),
        sa.Column("stored_us", _BIG, nullable=True, comment="when it was stored, null while planned, microseconds UTC"),
        sa.Column(
            "trashed_us",
            _BIG,
            nullable=True,
            comment="when it was put into the trash, null: it was not, or was taken out, microseconds UTC",
        ),
        sa.CheckConstraint("wanted_end_us > wanted_start_us", name=op.f("ck_session_chunks_wanted")),
        sa.CheckConstraint(
            "state IN ('planned', 'stored', 'failed', 'dropped', 'trashed', 'deleted')", name=op.f("ck_session_chunks_state")
        ),
        sa.ForeignKeyConstraint(
            ["session"], ["recorder_sessions.number"], name=op.f("fk_session_chunks_session_recorder_sessions")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_session_chunks")),
        sa.UniqueConstraint("id", name=op.f("uq_session_chunks_id")),
        sa.UniqueConstraint("session", "position", name=op.f("uq_session_chunks_session")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_session_chunks_start", "session_chunks", ["start_us", "number"], unique=False)
    op.create_index(
        "ix_session_chunks_state", "session_chunks", ["state", "camera", "wanted_end_us"], unique=False
    )
    op.create_index("ix_session_chunks_user", "session_chunks", ["user", "start_us", "number"], unique=False)
    op.create_index("ix_session_chunks_user_name", "session_chunks", ["user_name", "start_us"], unique=False)
    op.execute("INSERT INTO facts (name, value, noted_us) VALUES ('sessions.lock', '', 0)")
    kind = "sqlite" if op.get_bind().dialect.name == "sqlite" else "mysql"
    times = {name: _TIME[kind].format(f"{name}_us") for name in ("start", "end", "stored")}
    integer = "INTEGER" if kind == "sqlite" else "SIGNED"
    op.execute(_VIEW.format(**times, create=_CREATE[kind], name=_NAME[kind], integer=integer))


def downgrade() -> None:
    op.execute("DROP VIEW video_chunks")
    op.drop_table("session_chunks")
    op.drop_table("recorder_sessions")
    op.execute("DELETE FROM facts WHERE name = 'sessions.lock'")
    op.execute("DELETE FROM deletions WHERE kind = 'session'")
    _let_deletions_be_of(sessions=False)


def _refuse_to_replace(name: str) -> None:
    """Raise Conflict if there is a table of that name: an older recorder's, which nobody may lose."""
    if name in sa.inspect(op.get_bind()).get_table_names():
        raise Conflict(
            f"this database has a table {name!r} of another program: give Gatehouse a database of its own, or rename "
            "that table"
        )


def _let_deletions_be_of(*, sessions: bool) -> None:
    check = f"kind IN ({_KINDS[sessions]})"
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE deletions DROP CONSTRAINT ck_deletions_kind")
        op.create_check_constraint(op.f("ck_deletions_kind"), "deletions", check)
        for column, length, comment in (
            ("kind", 10, "chunk | clip | picture | session"),
            ("subject", 36, "id of the chunk, the clip, the plate event, the file of a session"),
        ):
            op.alter_column(
                "deletions", column, existing_type=sa.String(length), existing_nullable=False, comment=comment
            )
        return
    # SQLite cannot change a check: the table is made anew around its rows.
    op.drop_index("ix_deletions_next", "deletions")
    op.rename_table("deletions", "deletions_before")
    op.create_table(
        "deletions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=36), nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("start_us", _BIG, nullable=False),
        sa.Column("end_us", _BIG, nullable=False),
        sa.Column("bytes", _BIG, nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("marked_us", _BIG, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("next_us", _BIG, nullable=False),
        sa.CheckConstraint(check, name=op.f("ck_deletions_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sa.UniqueConstraint("key", name=op.f("uq_deletions_key")),
    )
    op.execute(f"INSERT INTO deletions ({_DELETIONS}) SELECT {_DELETIONS} FROM deletions_before")
    op.drop_table("deletions_before")
    op.create_index("ix_deletions_next", "deletions", ["next_us", "id"], unique=False)
