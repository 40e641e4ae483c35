"""who watched which camera live, when, and what was recorded of it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "viewings",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="1, 2, 3, never again"),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column(
            "page", sa.String(length=36), nullable=False, comment="UUID that the page gave itself, empty: it gave none"
        ),
        sa.Column("user", sa.Integer(), nullable=False, comment="number of whoever watches, 0: nobody has to be known"),
        sa.Column("user_name", sa.String(length=255), nullable=False, comment="as it was then"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column("address", sa.String(length=45), nullable=False, comment="from where"),
        sa.Column("start_us", _BIG, nullable=False, comment="when it began, microseconds UTC"),
        sa.Column("seen_us", _BIG, nullable=False, comment="when something was taken last, microseconds UTC"),
        sa.Column("ended_us", _BIG, nullable=True, comment="when it ended, null: it goes on, microseconds UTC"),
        sa.Column("bytes", _BIG, nullable=False, comment="that were sent"),
        sa.Column("session", sa.Integer(), nullable=True, comment="recorder session that was begun last, null: none"),
        sa.Column("title", sa.String(length=200), nullable=False, comment="what people call it"),
        sa.Column("note", sa.String(length=2000), nullable=False, comment="what people say of it"),
        sa.Column("tags", sa.String(length=200), nullable=False, comment="words, with commas between"),
        sa.CheckConstraint("seen_us >= start_us", name=op.f("ck_viewings_order")),
        sa.ForeignKeyConstraint(
            ["session"], ["recorder_sessions.number"], name=op.f("fk_viewings_session_recorder_sessions")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_viewings")),
        sa.UniqueConstraint("id", name=op.f("uq_viewings_id")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_viewings_start", "viewings", ["start_us", "number"], unique=False)
    op.create_index("ix_viewings_who", "viewings", ["user", "camera", "seen_us"], unique=False)
    op.create_index("ix_viewings_page", "viewings", ["page"], unique=False)
    op.create_index("ix_viewings_ended", "viewings", ["ended_us", "seen_us"], unique=False)
    op.execute("INSERT INTO facts (name, value, noted_us) VALUES ('viewings.last', '0', 0)")


def downgrade() -> None:
    op.drop_table("viewings")
    op.execute("DELETE FROM facts WHERE name = 'viewings.last'")
