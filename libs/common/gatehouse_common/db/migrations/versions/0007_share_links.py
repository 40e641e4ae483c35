"""links by which footage is shown to somebody without an account"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "share_links",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7: what it is called in lists"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of its secret, hexadecimal"),
        sa.Column("user", sa.String(length=36), nullable=False, comment="who gave it out"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug"),
        sa.Column("start_us", _BIG, nullable=False, comment="the first instant that it shows, microseconds UTC"),
        sa.Column("end_us", _BIG, nullable=False, comment="the first that it does not, microseconds UTC"),
        sa.Column("download", sa.Boolean(), nullable=False, comment="whether it may be saved, or played alone"),
        sa.Column("note", sa.String(length=300), nullable=False, comment="what it is for"),
        sa.Column("created_us", _BIG, nullable=False, comment="when it was made, microseconds UTC"),
        sa.Column("expires_us", _BIG, nullable=False, comment="when it ends by itself, microseconds UTC"),
        sa.Column("opened", sa.Integer(), nullable=False, comment="how often its page was opened"),
        sa.Column("opened_us", _BIG, nullable=True, comment="when last, null: never, microseconds UTC"),
        sa.Column("revoked_us", _BIG, nullable=True, comment="when it was revoked, null: it was not, microseconds UTC"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_share_links_user_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_share_links_digest")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_share_links_user", "share_links", ["user"], unique=False)


def downgrade() -> None:
    op.drop_table("share_links")
