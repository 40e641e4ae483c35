"""indexes of what was recorded of a viewing and of the viewings of a user; pictures that did not come from cameras"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_recorder_sessions_viewing", "recorder_sessions", ["viewing", "user"], unique=False)
    op.create_index("ix_viewings_user", "viewings", ["user", "start_us", "number"], unique=False)
    asked = "frames per second asked for or stated, 0 when unknown"
    missed = "share of these that did not come lately, 0 to 1"
    count = "frames that did not come since it is recorded"
    op.add_column("cameras", sa.Column("asked_fps", sa.Float(), server_default="0", nullable=False, comment=asked))
    op.add_column("cameras", sa.Column("dropped", sa.Float(), server_default="0", nullable=False, comment=missed))
    op.add_column(
        "cameras", sa.Column("dropped_frames", sa.Integer(), server_default="0", nullable=False, comment=count)
    )


def downgrade() -> None:
    with op.batch_alter_table("cameras") as table:
        for column in ("dropped_frames", "dropped", "asked_fps"):
            table.drop_column(column)
    op.drop_index("ix_viewings_user", table_name="viewings")
    op.drop_index("ix_recorder_sessions_viewing", table_name="recorder_sessions")
