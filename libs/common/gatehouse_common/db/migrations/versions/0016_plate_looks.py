"""visits that people corrected and that are still to be looked for on watch lists"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "plate_looks",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("event", sa.String(length=36), nullable=False, comment="id of the plate event"),
        sa.Column("noted_us", BIG, nullable=False, comment="when it was corrected, microseconds UTC"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_looks")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index("ix_plate_looks_event", "plate_looks", ["event"], unique=False)


def downgrade() -> None:
    op.drop_table("plate_looks")
