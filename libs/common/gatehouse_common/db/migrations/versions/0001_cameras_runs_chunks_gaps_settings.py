"""cameras, runs, chunks, gaps, settings"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cameras",
        sa.Column("id", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column("name", sa.String(length=200), nullable=False, comment="what people call it"),
        sa.Column("url", sa.Text(), nullable=False, comment="source; may hold credentials: never shown unmasked"),
        sa.Column("enabled", sa.Boolean(), nullable=False, comment="whether it should record"),
        sa.Column("timezone", sa.String(length=64), nullable=True, comment="IANA zone of its days, null: the site's"),
        sa.Column("settings", sa.JSON(), nullable=False, comment="settings of this camera alone"),
        sa.Column(
            "created_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="when it was added: its ledger begins here, microseconds UTC",
        ),
        sa.Column("state", sa.String(length=20), nullable=False, comment="CameraState"),
        sa.Column("state_cause", sa.String(length=20), nullable=True, comment="GapCause, null while it records"),
        sa.Column(
            "state_since_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="since when it is in this state, microseconds UTC",
        ),
        sa.Column("state_detail", sa.Text(), nullable=False, comment="one sentence, without credentials"),
        sa.Column(
            "reported_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="when it reported, microseconds UTC: older reports are ignored",
        ),
        sa.Column("width", sa.Integer(), nullable=False, comment="pixels, 0 when unknown"),
        sa.Column("height", sa.Integer(), nullable=False, comment="pixels, 0 when unknown"),
        sa.Column("fps", sa.Float(), nullable=False, comment="frames per second measured, 0 when unknown"),
        sa.Column("codec", sa.String(length=64), nullable=False, comment="RFC 6381 codec string of the video"),
        sa.Column(
            "fallback", sa.String(length=200), nullable=True, comment="device used in place of the configured one"
        ),
        sa.Column("backend", sa.String(length=20), nullable=False, comment="how it is read: RTSP, V4L2..."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cameras")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "chunks",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column(
            "camera", sa.String(length=64), nullable=False, comment="slug; the camera may be gone, its footage stays"
        ),
        sa.Column("run", sa.String(length=36), nullable=False, comment="id of its run; its row may come later"),
        sa.Column("key", sa.String(length=255), nullable=False, comment="object key: of the spool while open"),
        sa.Column("state", sa.String(length=10), nullable=False, comment="open | stored; never goes back"),
        sa.Column(
            "start_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="first frame, microseconds UTC",
        ),
        sa.Column(
            "end_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="end of the last frame, at most an hour later; grows while open, microseconds UTC",
        ),
        sa.Column(
            "origin_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="wall time of media time zero of its run, as start and end assume it, microseconds UTC",
        ),
        sa.Column(
            "bytes",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="bytes of whole parts; grows while open",
        ),
        sa.Column("recovered", sa.Boolean(), nullable=False, comment="adopted after a crash"),
        sa.Column(
            "stored_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="when it was stored, null while open, microseconds UTC",
        ),
        sa.CheckConstraint("state IN ('open', 'stored')", name=op.f("ck_chunks_state")),
        sa.CheckConstraint("bytes >= 0", name=op.f("ck_chunks_bytes")),
        sa.CheckConstraint("end_us - start_us <= 3600000000", name=op.f("ck_chunks_length")),
        sa.CheckConstraint("end_us >= start_us", name=op.f("ck_chunks_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunks")),
        sa.UniqueConstraint("key", name=op.f("uq_chunks_key")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    with op.batch_alter_table("chunks", schema=None) as batch_op:
        batch_op.create_index(
            "ix_chunks_range",
            [
                "camera",
                "start_us",
                "end_us",
                "id",
                "run",
                "key",
                "state",
                "origin_us",
                "bytes",
                "recovered",
                "stored_us",
            ],
            unique=False,
            mysql_length={"key": 191},
        )
        batch_op.create_index("ix_chunks_run", ["run", "start_us"], unique=False)
        batch_op.create_index("ix_chunks_state", ["state", "start_us"], unique=False)

    op.create_table(
        "gaps",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
            comment="means nothing",
        ),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column(
            "start_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="first missing instant, microseconds UTC",
        ),
        sa.Column(
            "end_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="first instant that is there again, microseconds UTC",
        ),
        sa.Column("cause", sa.String(length=20), nullable=False, comment="GapCause"),
        sa.Column("detail", sa.Text(), nullable=False, comment="one sentence, without credentials"),
        sa.Column("run", sa.String(length=36), nullable=True, comment="the run after it, null when it lies inside one"),
        sa.CheckConstraint(
            "cause IN ('camera_offline', 'service_down', 'storage_full', 'disabled', 'dropped', 'clock_step', 'corrupt', 'purged', 'deleted')",
            name=op.f("ck_gaps_cause"),
        ),
        sa.CheckConstraint("end_us > start_us", name=op.f("ck_gaps_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gaps")),
        sa.UniqueConstraint("camera", "start_us", name=op.f("uq_gaps_camera")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    with op.batch_alter_table("gaps", schema=None) as batch_op:
        batch_op.create_index("ix_gaps_range", ["camera", "end_us", "start_us"], unique=False)
        batch_op.create_index("ix_gaps_run", ["run"], unique=False)

    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column(
            "camera", sa.String(length=64), nullable=False, comment="slug; the camera may be gone, its footage stays"
        ),
        sa.Column(
            "started_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="first frame, microseconds UTC",
        ),
        sa.Column(
            "ended_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="end of the last frame, null while it goes on, microseconds UTC",
        ),
        sa.Column("end_cause", sa.String(length=20), nullable=True, comment="GapCause, null while it goes on"),
        sa.Column(
            "origin_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="wall time of media time zero, microseconds UTC",
        ),
        sa.Column(
            "init",
            sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mariadb").with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=False,
            comment="init segment: ftyp and moov",
        ),
        sa.Column("video_codec", sa.String(length=64), nullable=False, comment="RFC 6381 codec string"),
        sa.Column(
            "audio_codec", sa.String(length=64), nullable=True, comment="RFC 6381 codec string, null without sound"
        ),
        sa.Column("width", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("height", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column(
            "fps", sa.Float(), nullable=False, comment="frames per second as the camera states it, 0 if it does not"
        ),
        sa.Column(
            "interruptions",
            sa.JSON(),
            nullable=False,
            comment="[{cause, since_us}]: why nothing was recorded before it",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index("ix_runs_camera_started_us", ["camera", "started_us"], unique=False)

    op.create_table(
        "settings",
        sa.Column("key", sa.String(length=128), nullable=False, comment="dotted name, e.g. recording.fsync"),
        sa.Column("value", sa.Text(), nullable=False, comment="as it would stand in the environment"),
        sa.Column(
            "changed_us",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="when it was changed, microseconds UTC",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "chunk_index",
        sa.Column("chunk", sa.String(length=36), nullable=False, comment="id of the chunk"),
        sa.Column(
            "data",
            sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mariadb").with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=False,
            comment="sample tables, byte-shuffled and deflated",
        ),
        sa.ForeignKeyConstraint(["chunk"], ["chunks.id"], name=op.f("fk_chunk_index_chunk_chunks"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("chunk", name=op.f("pk_chunk_index")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


def downgrade() -> None:
    op.drop_table("chunk_index")
    op.drop_table("settings")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index("ix_runs_camera_started_us")

    op.drop_table("runs")
    with op.batch_alter_table("gaps", schema=None) as batch_op:
        batch_op.drop_index("ix_gaps_run")
        batch_op.drop_index("ix_gaps_range")

    op.drop_table("gaps")
    with op.batch_alter_table("chunks", schema=None) as batch_op:
        batch_op.drop_index("ix_chunks_state")
        batch_op.drop_index("ix_chunks_run")
        batch_op.drop_index("ix_chunks_range", mysql_length={"key": 191})

    op.drop_table("chunks")
    op.drop_table("cameras")
