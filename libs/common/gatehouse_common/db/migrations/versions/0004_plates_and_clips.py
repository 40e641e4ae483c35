"""plate events, reads, texts to search, clips, and the view of clips as other programs read it"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A clip's events in the order in which they began. SQLite aggregates in the order of a subquery; MySQL refuses
# subqueries that refer further out than one level, and has an order of its own for it.
_IDS = {
    "sqlite": "(SELECT group_concat(event, ',') FROM (SELECT event FROM clip_plate_events WHERE clip = clips.id ORDER BY first_us, event))",
    "mysql": "(SELECT GROUP_CONCAT(event ORDER BY first_us, event SEPARATOR ',') FROM clip_plate_events WHERE clip = clips.id)",
}
_RESOLUTION = {"sqlite": "width || 'x' || height", "mysql": "CONCAT(width, 'x', height)"}
# The view must not ask for rights of whoever made it: that user may be gone.
_CREATE = {"sqlite": "CREATE VIEW", "mysql": "CREATE SQL SECURITY INVOKER VIEW"}


def upgrade() -> None:
    op.create_table(
        "clip_plate_events",
        sa.Column("clip", sa.String(length=36), nullable=False, comment="id of the clip"),
        sa.Column("event", sa.String(length=36), nullable=False, comment="id of the plate event"),
        sa.Column(
            "first_us",
            _BIG,
            nullable=False,
            comment="first read of the event that the clip is for: its events are in this order, microseconds UTC",
        ),
        sa.Column(
            "last_us", _BIG, nullable=False, comment="last read of the event that the clip is for, microseconds UTC"
        ),
        sa.PrimaryKeyConstraint("clip", "event", name=op.f("pk_clip_plate_events")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_clip_plate_events_event", "clip_plate_events", ["event", "clip"], unique=False)
    op.create_table(
        "clips",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="planned | stored | failed | archived | purged"
        ),
        sa.Column("start_us", _BIG, nullable=False, comment="wanted, then that of its first frame, microseconds UTC"),
        sa.Column("end_us", _BIG, nullable=False, comment="wanted, then when its last frame ends, microseconds UTC"),
        sa.Column(
            "wanted_start_us",
            _BIG,
            nullable=False,
            comment="where it should begin; stays when it is stored, microseconds UTC",
        ),
        sa.Column(
            "wanted_end_us",
            _BIG,
            nullable=False,
            comment="where it should end; stays when it is stored, microseconds UTC",
        ),
        sa.Column("first_us", _BIG, nullable=False, comment="first qualifying read that it is for, microseconds UTC"),
        sa.Column("last_us", _BIG, nullable=False, comment="last qualifying read that it is for, microseconds UTC"),
        sa.Column(
            "previous", sa.String(length=36), nullable=True, comment="id of the clip that it goes on from, null: none"
        ),
        sa.Column("key", sa.String(length=255), nullable=False, comment="object key; empty while planned"),
        sa.Column("bytes", _BIG, nullable=False, comment="size of the file, 0 while planned"),
        sa.Column("width", sa.Integer(), nullable=False, comment="pixels, 0 while planned"),
        sa.Column("height", sa.Integer(), nullable=False, comment="pixels, 0 while planned"),
        sa.Column("frames", sa.Integer(), nullable=False, comment="frames that are shown, 0 while planned"),
        sa.Column(
            "detail", sa.Text(), nullable=False, comment="why it failed or has gaps, one sentence; empty: nothing wrong"
        ),
        sa.Column("created_us", _BIG, nullable=False, comment="when it was planned, microseconds UTC"),
        sa.Column("stored_us", _BIG, nullable=True, comment="when it was stored, null while planned, microseconds UTC"),
        sa.CheckConstraint(
            "state IN ('planned', 'stored', 'failed', 'archived', 'purged')", name=op.f("ck_clips_state")
        ),
        sa.CheckConstraint("end_us - start_us <= 3600000000", name=op.f("ck_clips_length")),
        sa.CheckConstraint("end_us >= start_us", name=op.f("ck_clips_order")),
        sa.CheckConstraint("wanted_end_us - wanted_start_us <= 3600000000", name=op.f("ck_clips_wanted_length")),
        sa.CheckConstraint("wanted_end_us > wanted_start_us", name=op.f("ck_clips_wanted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clips")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_clips_camera", "clips", ["camera", "start_us", "id", "state", "end_us"], unique=False)
    op.create_index("ix_clips_start", "clips", ["start_us", "id", "state", "camera", "end_us"], unique=False)
    op.create_index("ix_clips_state", "clips", ["state", "camera", "end_us"], unique=False)
    op.create_index("ix_clips_wanted", "clips", ["camera", "wanted_start_us", "wanted_end_us"], unique=False)
    op.create_table(
        "plate_event_texts",
        sa.Column(
            "start_us",
            _BIG,
            autoincrement=False,
            nullable=False,
            comment="first qualifying read of the event, microseconds UTC",
        ),
        sa.Column("event", sa.String(length=36), nullable=False, comment="id of the plate event"),
        sa.Column("text", sa.String(length=16), nullable=False, comment="A-Z and 0-9"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.PrimaryKeyConstraint("start_us", "event", "text", name=op.f("pk_plate_event_texts")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index(
        "ix_plate_event_texts_text", "plate_event_texts", ["text", "start_us", "event", "camera"], unique=False
    )
    op.create_table(
        "plate_events",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column(
            "camera", sa.String(length=64), nullable=False, comment="slug; the camera may be gone, what it saw stays"
        ),
        sa.Column("state", sa.String(length=10), nullable=False, comment="open | closed; never goes back"),
        sa.Column("start_us", _BIG, nullable=False, comment="first qualifying read, microseconds UTC"),
        sa.Column("end_us", _BIG, nullable=False, comment="last qualifying read so far, microseconds UTC"),
        sa.Column("lasted_us", _BIG, nullable=False, comment="from the first to the last of them, microseconds"),
        sa.Column(
            "text",
            sa.String(length=16),
            nullable=False,
            comment="A-Z and 0-9: as a person corrected it, else as it was voted",
        ),
        sa.Column(
            "voted_text", sa.String(length=16), nullable=False, comment="as it was voted; corrections leave it alone"
        ),
        sa.Column("confidence", sa.Double(), nullable=False, comment="calibrated, of the voted text"),
        sa.Column("characters", sa.JSON(), nullable=False, comment="share of the votes of each voted character"),
        sa.Column("alternatives", sa.JSON(), nullable=False, comment="[[text, probability]], the likeliest first"),
        sa.Column(
            "region", sa.String(length=16), nullable=False, comment="table of syntaxes that it fits; empty: none"
        ),
        sa.Column("pattern", sa.String(length=32), nullable=False, comment="the syntax; empty: none"),
        sa.Column("direction", sa.String(length=12), nullable=False, comment="Direction"),
        sa.Column("reads", sa.Integer(), nullable=False, comment="qualifying reads so far"),
        sa.Column("best_read", sa.String(length=36), nullable=False, comment="id of the read that the pictures are of"),
        sa.Column(
            "best_us", _BIG, nullable=False, comment="when the frame of that read is on the screen, microseconds UTC"
        ),
        sa.Column(
            "quad", sa.JSON(), nullable=False, comment="[[x, y]] x 4 of that read, pixels, from the upper left one"
        ),
        sa.Column("picture_width", sa.Integer(), nullable=False, comment="of the whole picture, pixels"),
        sa.Column("picture_height", sa.Integer(), nullable=False, comment="of the whole picture, pixels"),
        sa.Column("area", sa.JSON(), nullable=False, comment="[x, y, width, height] of what was looked at, pixels"),
        sa.Column("frame_key", sa.String(length=255), nullable=False, comment="object key of the frame; empty: none"),
        sa.Column(
            "crop_key", sa.String(length=255), nullable=False, comment="object key of the plate in it; empty: none"
        ),
        sa.Column(
            "told_us",
            _BIG,
            nullable=False,
            comment="time of the message that it is from: older ones are ignored, microseconds UTC",
        ),
        sa.Column("rejected", sa.Boolean(), nullable=False, comment="a person said that it is no plate"),
        sa.Column("rejected_us", _BIG, nullable=True, comment="when, null: it is not, microseconds UTC"),
        sa.Column("rejected_by", sa.String(length=255), nullable=True, comment="who did, null: it is not"),
        sa.Column(
            "corrected_us",
            _BIG,
            nullable=True,
            comment="when a person corrected the text, null: it is as voted, microseconds UTC",
        ),
        sa.Column("corrected_by", sa.String(length=255), nullable=True, comment="who did, null: it is as voted"),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_plate_events_state")),
        sa.CheckConstraint("end_us >= start_us", name=op.f("ck_plate_events_order")),
        sa.CheckConstraint("lasted_us = end_us - start_us", name=op.f("ck_plate_events_lasted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_events")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index(
        "ix_plate_events_camera",
        "plate_events",
        ["camera", "start_us", "id", "end_us", "confidence", "rejected"],
        unique=False,
    )
    op.create_index("ix_plate_events_lasted", "plate_events", ["lasted_us"], unique=False)
    op.create_index(
        "ix_plate_events_start",
        "plate_events",
        ["start_us", "id", "camera", "end_us", "confidence", "rejected"],
        unique=False,
    )
    op.create_index("ix_plate_events_state", "plate_events", ["state", "camera"], unique=False)
    op.create_index("ix_plate_events_text", "plate_events", ["text", "rejected", "start_us", "camera"], unique=False)
    op.create_table(
        "plate_reads",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("event", sa.String(length=36), nullable=True, comment="id of its plate event, null: of none"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column("time_us", _BIG, nullable=False, comment="when the frame is on the screen, microseconds UTC"),
        sa.Column("run", sa.String(length=36), nullable=False, comment="id of the run"),
        sa.Column("pts", _BIG, nullable=False, comment="presentation time of the frame, ticks of 1/90000 s"),
        sa.Column("text", sa.String(length=16), nullable=False, comment="A-Z and 0-9"),
        sa.Column("confidence", sa.Double(), nullable=False, comment="calibrated"),
        sa.Column("threshold", sa.Double(), nullable=False, comment="what it had to be surer than"),
        sa.Column("qualifies", sa.Boolean(), nullable=False, comment="whether it was"),
        sa.Column("characters", sa.JSON(), nullable=False, comment="confidence of each character"),
        sa.Column("alternatives", sa.JSON(), nullable=False, comment="[[text, probability]], the likeliest first"),
        sa.Column(
            "region", sa.String(length=16), nullable=False, comment="table of syntaxes that it fits; empty: none"
        ),
        sa.Column("pattern", sa.String(length=32), nullable=False, comment="the syntax; empty: none"),
        sa.Column("quad", sa.JSON(), nullable=False, comment="[[x, y]] x 4, pixels, clockwise from the upper left one"),
        sa.Column("picture_width", sa.Integer(), nullable=False, comment="of the whole picture, pixels"),
        sa.Column("picture_height", sa.Integer(), nullable=False, comment="of the whole picture, pixels"),
        sa.Column("area", sa.JSON(), nullable=False, comment="[x, y, width, height] of what was looked at, pixels"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_reads")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index(
        "ix_plate_reads_camera", "plate_reads", ["camera", "time_us", "confidence", "qualifies"], unique=False
    )
    op.create_index("ix_plate_reads_event", "plate_reads", ["event", "time_us"], unique=False)
    op.create_table(
        "plate_text_suffixes",
        sa.Column("suffix", sa.String(length=16), nullable=False, comment="the end"),
        sa.Column("text", sa.String(length=16), nullable=False, comment="the text"),
        sa.PrimaryKeyConstraint("suffix", "text", name=op.f("pk_plate_text_suffixes")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_table(
        "plate_texts",
        sa.Column("text", sa.String(length=16), nullable=False, comment="A-Z and 0-9"),
        sa.Column(
            "folded",
            sa.String(length=16),
            nullable=False,
            comment="with characters that are taken for one another made one",
        ),
        sa.PrimaryKeyConstraint("text", name=op.f("pk_plate_texts")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_plate_texts_folded", "plate_texts", ["folded", "text"], unique=False)

    kind = "sqlite" if op.get_bind().dialect.name == "sqlite" else "mysql"
    # Whoever changes the table "clips" on SQLite drops this view first and makes it again.
    op.execute(
        f"{_CREATE[kind]} video_segments AS SELECT id, clips.`key` AS file_path, start_us / 1e6 AS start_time, "
        "end_us / 1e6 AS end_time, (end_us - start_us) / 1e6 AS duration_seconds, bytes AS file_size_bytes, "
        f"{_RESOLUTION[kind]} AS resolution, state <> 'stored' AS archived, "
        f"coalesce({_IDS[kind]}, '') AS detection_ids "
        "FROM clips WHERE state IN ('stored', 'archived', 'purged')"
    )


def downgrade() -> None:
    op.execute("DROP VIEW video_segments")
    op.drop_table("plate_texts")
    op.drop_table("plate_text_suffixes")
    op.drop_table("plate_reads")
    op.drop_table("plate_events")
    op.drop_table("plate_event_texts")
    op.drop_table("clips")
    op.drop_table("clip_plate_events")
