"""holds of media; an index of media by session"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_WHOSE = "slug, null: all cameras, or one object alone"
_WHOSE_BEFORE = "slug, null: all cameras, or a clip alone"


def upgrade() -> None:
    with op.batch_alter_table("holds") as table:
        table.add_column(
            sa.Column("media", sa.String(length=36), nullable=True, comment="id of the medium that is held, null: none is")
        )
        table.alter_column(
            "camera", existing_type=sa.String(length=64), existing_nullable=True,
            comment=_WHOSE, existing_comment=_WHOSE_BEFORE,
        )
    op.create_index("ix_holds_media", "holds", ["media", "released_us", "until_us"], unique=False)
    op.create_index("ix_media_session", "media", ["session"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_media_session", table_name="media")
    op.drop_index("ix_holds_media", table_name="holds")
    # Without the column it would be one of all cameras; so it is one of what browsers recorded then.
    op.execute(sa.text("UPDATE holds SET camera = '' WHERE media IS NOT NULL"))
    with op.batch_alter_table("holds") as table:
        table.alter_column(
            "camera", existing_type=sa.String(length=64), existing_nullable=True,
            comment=_WHOSE_BEFORE, existing_comment=_WHOSE,
        )
        table.drop_column("media")
