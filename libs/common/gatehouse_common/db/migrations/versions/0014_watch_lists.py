"""watch lists, their entries, and what they matched"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KIND = "kind IN ('deny', 'watch', 'allow')"


def upgrade() -> None:
    op.create_table(
        "watch_lists",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("name", sa.String(length=100), nullable=False, comment="what people call it"),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="deny | watch | allow"),
        sa.Column("note", sa.String(length=1000), nullable=False, comment="what people want to know of it"),
        sa.Column("disabled", sa.Boolean(), nullable=False, comment="nothing matches it for now"),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts changes of the list itself"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="counts changes of the list and of its entries"),
        sa.Column("created_us", BIG, nullable=False, comment="when it was made, microseconds UTC"),
        sa.CheckConstraint(KIND, name=op.f("ck_watch_lists_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_lists")),
        sa.UniqueConstraint("name", name=op.f("uq_watch_lists_name")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "watch_entries",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("list", sa.String(length=36), nullable=False, comment="id of the list"),
        sa.Column(
            "plate",
            sa.String(length=64),
            nullable=False,
            comment="A-Z and 0-9; in a pattern * is any text, ? any character",
        ),
        sa.Column(
            "distance", sa.Integer(), nullable=False, comment="characters that may be wrong, missing or too many"
        ),
        sa.Column("owner", sa.String(length=200), nullable=False, comment="whose car it is"),
        sa.Column("note", sa.String(length=1000), nullable=False, comment="what people want to know of it"),
        sa.Column("from_us", BIG, nullable=True, comment="from when on it matches, null: always has, microseconds UTC"),
        sa.Column("to_us", BIG, nullable=True, comment="before when it matches, null: for ever, microseconds UTC"),
        sa.Column(
            "schedule",
            sa.String(length=500),
            nullable=False,
            comment="when in a week, in the site's zone; empty: always",
        ),
        sa.Column("disabled", sa.Boolean(), nullable=False, comment="it does not match for now"),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts changes"),
        sa.Column("created_us", BIG, nullable=False, comment="when it was added, microseconds UTC"),
        sa.CheckConstraint("distance BETWEEN 0 AND 2", name=op.f("ck_watch_entries_distance")),
        sa.CheckConstraint(
            "to_us IS NULL OR from_us IS NULL OR to_us > from_us", name=op.f("ck_watch_entries_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_entries")),
        sa.UniqueConstraint("list", "plate", name=op.f("uq_watch_entries_list")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index("ix_watch_entries_list", "watch_entries", ["list", "created_us", "id"], unique=False)
    op.create_table(
        "plate_listings",
        sa.Column("event", sa.String(length=36), nullable=False, comment="id of the plate event"),
        sa.Column("entry", sa.String(length=36), nullable=False, comment="id of the entry"),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7, that of the message that tells it"),
        sa.Column("list", sa.String(length=36), nullable=False, comment="id of the list"),
        sa.Column("list_name", sa.String(length=100), nullable=False, comment="as it was called"),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="deny | watch | allow, as it was"),
        sa.Column("plate", sa.String(length=64), nullable=False, comment="what the entry said"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column(
            "text", sa.String(length=16), nullable=False, comment="what the plate said when it matched last"
        ),
        sa.Column(
            "distance", sa.Integer(), nullable=False, comment="0: to the letter; else how far they are apart"
        ),
        sa.Column("stands", sa.Boolean(), nullable=False, comment="what the plate says by now still matches"),
        sa.Column("noted_us", BIG, nullable=False, comment="when it matched first, microseconds UTC"),
        sa.Column("told", sa.Boolean(), nullable=False, comment="that was told"),
        sa.CheckConstraint(KIND, name=op.f("ck_plate_listings_kind")),
        sa.PrimaryKeyConstraint("event", "entry", name=op.f("pk_plate_listings")),
        sa.UniqueConstraint("id", name=op.f("uq_plate_listings_id")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index("ix_plate_listings_noted", "plate_listings", ["noted_us", "id"], unique=False)
    op.create_index("ix_plate_listings_told", "plate_listings", ["told", "noted_us"], unique=False)
    # What is locked while lists change: how many there are, and what they are called, is of them all.
    op.execute("INSERT INTO facts (name, value, noted_us) VALUES ('watch_lists.lock', '', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM facts WHERE name = 'watch_lists.lock'")
    op.drop_table("plate_listings")
    op.drop_table("watch_entries")
    op.drop_table("watch_lists")
