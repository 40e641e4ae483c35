"""inner address of the worker that wrote a run"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column(
            "spool_url",
            sa.String(length=255),
            server_default="",
            nullable=False,
            comment="inner address of the worker whose spool has its open chunk",
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.drop_column("spool_url")
