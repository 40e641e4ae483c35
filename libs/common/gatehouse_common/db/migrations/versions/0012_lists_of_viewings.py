"""indexes of what was recorded of a viewing, and of the viewings of a user"""

from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_recorder_sessions_viewing", "recorder_sessions", ["viewing", "user"], unique=False)
    op.create_index("ix_viewings_user", "viewings", ["user", "start_us", "number"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_viewings_user", table_name="viewings")
    op.drop_index("ix_recorder_sessions_viewing", table_name="recorder_sessions")
