"""versions of cameras' settings, and answers that are kept for who asks again"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.add_column(
        "cameras",
        sa.Column("version", sa.Integer(), server_default="0", nullable=False, comment="counts changes of settings"),
    )
    op.create_table(
        "kept_answers",
        sa.Column("id", sa.String(length=64), nullable=False, comment="SHA-256 of who asks and key, hexadecimal"),
        sa.Column(
            "request", sa.String(length=64), nullable=False, comment="SHA-256 of method, address and body, hexadecimal"
        ),
        sa.Column("attempt", sa.String(length=36), nullable=False, comment="UUIDv7 of who works on it, or has"),
        sa.Column("begun_us", _BIG, nullable=False, comment="when it was asked, microseconds UTC"),
        sa.Column("status", sa.Integer(), nullable=True, comment="of the answer, null: there is none yet"),
        sa.Column("headers", sa.JSON(), nullable=False, comment="those that belong to the answer"),
        sa.Column("body", _LONG, nullable=False, comment="of the answer; sealed where there is a key"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_answers")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_kept_answers_begun", "kept_answers", ["begun_us"], unique=False)


def downgrade() -> None:
    op.drop_table("kept_answers")
    with op.batch_alter_table("cameras") as table:
        table.drop_column("version")
