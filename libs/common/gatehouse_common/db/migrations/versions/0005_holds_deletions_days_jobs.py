"""holds, deletions, what each camera has stored of each day, jobs, and facts"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_DAY_US = 86_400_000_000


def upgrade() -> None:
    op.create_table(
        "chunk_days",
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column(
            "day",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="days since 1970-01-01 UTC, of the chunks' starts",
        ),
        sa.Column("chunks", sa.Integer(), nullable=False, comment="stored chunks that begin in it"),
        sa.Column("bytes", _BIG, nullable=False, comment="their sizes"),
        sa.Column("changes", _BIG, nullable=False, comment="counts changes of its chunks"),
        sa.Column("counted", _BIG, nullable=False, comment="changes as of which the sums are"),
        sa.PrimaryKeyConstraint("camera", "day", name=op.f("pk_chunk_days")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_table(
        "deletions",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="chunk | clip | picture"),
        sa.Column(
            "subject", sa.String(length=36), nullable=False, comment="id of the chunk, the clip, or the plate event"
        ),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column("key", sa.String(length=255), nullable=False, comment="object key"),
        sa.Column("start_us", _BIG, nullable=False, comment="where it began, microseconds UTC"),
        sa.Column("end_us", _BIG, nullable=False, comment="where it ended, microseconds UTC"),
        sa.Column("bytes", _BIG, nullable=False, comment="size of the object, 0: not known"),
        sa.Column("reason", sa.String(length=20), nullable=False, comment="age | quota | emergency | asked"),
        sa.Column("marked_us", _BIG, nullable=False, comment="when it was decided, microseconds UTC"),
        sa.Column("tries", sa.Integer(), nullable=False, comment="how often the store refused"),
        sa.Column("trouble", sa.Text(), nullable=False, comment="what it said last, one sentence"),
        sa.Column("next_us", _BIG, nullable=False, comment="not to be tried before, microseconds UTC"),
        sa.CheckConstraint("kind IN ('chunk', 'clip', 'picture')", name=op.f("ck_deletions_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sa.UniqueConstraint("key", name=op.f("uq_deletions_key")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_deletions_next", "deletions", ["next_us", "id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("camera", sa.String(length=64), nullable=True, comment="slug, null: all cameras, or a clip alone"),
        sa.Column("clip", sa.String(length=36), nullable=True, comment="id of the clip that is held, null: a range is"),
        sa.Column("start_us", _BIG, nullable=False, comment="first instant that is held, microseconds UTC"),
        sa.Column(
            "end_us",
            _BIG,
            nullable=False,
            comment="first instant that is not held any more; of what goes on, the last there is, microseconds UTC",
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="why, for people"),
        sa.Column("case_name", sa.String(length=200), nullable=False, comment="what it belongs to; empty: nothing"),
        sa.Column("until_us", _BIG, nullable=True, comment="when it runs out by itself, null: never, microseconds UTC"),
        sa.Column("created_us", _BIG, nullable=False, comment="when it was placed, microseconds UTC"),
        sa.Column("created_by", sa.String(length=255), nullable=False, comment="who did; empty: not known"),
        sa.Column(
            "released_us", _BIG, nullable=True, comment="when it was released, null: it was not, microseconds UTC"
        ),
        sa.Column("released_by", sa.String(length=255), nullable=True, comment="who did, null: nobody"),
        sa.CheckConstraint("end_us > start_us", name=op.f("ck_holds_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index(
        "ix_holds_camera", "holds", ["camera", "released_us", "start_us", "end_us", "until_us"], unique=False
    )
    op.create_index("ix_holds_clip", "holds", ["clip", "released_us", "until_us"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("kind", sa.String(length=32), nullable=False, comment="what is done: consistency-check, ..."),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="queued | running | done | failed | cancelled"
        ),
        sa.Column("parameters", sa.JSON(), nullable=False, comment="what was asked for"),
        sa.Column("done", _BIG, nullable=False, comment="steps done so far"),
        sa.Column("total", _BIG, nullable=False, comment="steps in all, 0: not known"),
        sa.Column("detail", sa.Text(), nullable=False, comment="what is going on, or why it failed, one sentence"),
        sa.Column("result", sa.JSON(), nullable=True, comment="what came of it, null while there is nothing"),
        sa.Column("created_us", _BIG, nullable=False, comment="when it was asked for, microseconds UTC"),
        sa.Column("created_by", sa.String(length=255), nullable=False, comment="who did; empty: nobody, it was due"),
        sa.Column("started_us", _BIG, nullable=True, comment="when it was begun, null: not yet, microseconds UTC"),
        sa.Column("ended_us", _BIG, nullable=True, comment="when it ended, null: not yet, microseconds UTC"),
        sa.Column(
            "owner", sa.String(length=64), nullable=True, comment="name of the process that does it, null: nobody"
        ),
        sa.Column("renewals", _BIG, nullable=False, comment="counts signs of life of its owner"),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_jobs_created", "jobs", ["created_us", "id"], unique=False)
    op.create_index("ix_jobs_kind", "jobs", ["kind", "state", "created_us"], unique=False)

    op.create_table(
        "facts",
        sa.Column("name", sa.String(length=64), nullable=False, comment="what: store.id, janitor.success"),
        sa.Column("value", sa.Text(), nullable=False, comment="what is known"),
        sa.Column("noted_us", _BIG, nullable=False, comment="since when, microseconds UTC"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.execute("INSERT INTO facts (name, value, noted_us) VALUES ('retention.lock', '', 0)")
    op.create_index("ix_clips_end", "clips", ["state", "end_us", "id", "camera", "bytes"], unique=False)
    # Integer division is written differently; what is left over is taken off first, so that both agree.
    op.execute(
        "INSERT INTO chunk_days (camera, day, chunks, bytes, changes, counted) "
        f"SELECT camera, (start_us - start_us % {_DAY_US}) / {_DAY_US}, COUNT(*), SUM(bytes), 0, 0 "
        f"FROM chunks WHERE state = 'stored' GROUP BY camera, (start_us - start_us % {_DAY_US}) / {_DAY_US}"
    )


def downgrade() -> None:
    op.drop_index("ix_clips_end", table_name="clips")
    op.drop_table("facts")
    op.drop_index("ix_jobs_kind", table_name="jobs")
    op.drop_index("ix_jobs_created", table_name="jobs")
    op.drop_table("jobs")
    op.drop_index("ix_holds_clip", table_name="holds")
    op.drop_index("ix_holds_camera", table_name="holds")
    op.drop_table("holds")
    op.drop_index("ix_deletions_next", table_name="deletions")
    op.drop_table("deletions")
    op.drop_table("chunk_days")
