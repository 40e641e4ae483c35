"""sessions in which users record cameras, their files, and the table of an older recorder as a view of them"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Times of the older table are of the site, without a zone; here they are UTC.
_TIME = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {0} / 1000000.0, 'unixepoch')",
    "mysql": "TIMESTAMPADD(MICROSECOND, {0}, '1970-01-01 00:00:00')",
}
_VIEW = """CREATE VIEW video_chunks AS SELECT
  number AS id, position AS clip_id, user AS user_id, user_name, {start} AS recording_date,
  {name} AS file_name, `key` AS file_path, {start} AS start_time, {end} AS end_time,
  CAST(ROUND((end_us - start_us) / 1000000.0) AS {integer}) AS duration_seconds,
  chunk_seconds AS chunk_duration_seconds, {stored} AS created_at
FROM session_chunks WHERE state = 'stored'"""
_NAME = {
    "sqlite": "replace(`key`, rtrim(`key`, replace(`key`, '/', '')), '')",
    "mysql": "SUBSTRING_INDEX(`key`, '/', -1)",
}


def upgrade() -> None:
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
        sa.Column("state", sa.String(length=10), nullable=False, comment="planned | stored | failed | deleted"),
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
        sa.CheckConstraint("wanted_end_us > wanted_start_us", name=op.f("ck_session_chunks_wanted")),
        sa.CheckConstraint(
            "state IN ('planned', 'stored', 'failed', 'deleted')", name=op.f("ck_session_chunks_state")
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
    op.execute("INSERT INTO facts (name, value, noted_us) VALUES ('sessions.lock', '', 0)")
    kind = "sqlite" if op.get_bind().dialect.name == "sqlite" else "mysql"
    times = {name: _TIME[kind].format(f"{name}_us") for name in ("start", "end", "stored")}
    integer = "INTEGER" if kind == "sqlite" else "SIGNED"
    op.execute(_VIEW.format(**times, name=_NAME[kind], integer=integer))


def downgrade() -> None:
    op.execute("DROP VIEW video_chunks")
    op.drop_table("session_chunks")
    op.drop_table("recorder_sessions")
    op.execute("DELETE FROM facts WHERE name = 'sessions.lock'")
