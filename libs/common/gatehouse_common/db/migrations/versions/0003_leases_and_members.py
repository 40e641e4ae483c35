"""leases, members, and the epoch of camera states"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WORK = "what is shared: camera, segmenter, indexer"


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("work", sa.String(length=32), nullable=False, comment=_WORK),
        sa.Column("resource", sa.String(length=64), nullable=False, comment="the part: a camera's id, a partition"),
        sa.Column(
            "owner", sa.String(length=64), nullable=True, comment="name of the member that does it, null: nobody"
        ),
        sa.Column(
            "epoch", _BIG, nullable=False, comment="counts its owners; only grows: later owners have greater ones"
        ),
        sa.Column(
            "renewals", _BIG, nullable=False, comment="counts signs of life of its owner, and changes of owner"
        ),
        sa.PrimaryKeyConstraint("work", "resource", name=op.f("pk_leases")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "members",
        sa.Column("work", sa.String(length=32), nullable=False, comment="what it shares: camera, segmenter, indexer"),
        sa.Column(
            "name", sa.String(length=64), nullable=False, comment="its name, of its own among all processes"
        ),
        sa.Column("renewals", _BIG, nullable=False, comment="counts its signs of life"),
        sa.PrimaryKeyConstraint("work", "name", name=op.f("pk_members")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.add_column(
        "cameras",
        sa.Column(
            "state_epoch",
            _BIG,
            server_default="0",
            nullable=False,
            comment="epoch of the worker that reported: older ones are ignored; 0: alone",
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("cameras") as table:
        table.drop_column("state_epoch")
    op.drop_table("members")
    op.drop_table("leases")
