"""webhooks, what is to be told to them, and what happened that they may want to be told of"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _us(name: str, comment: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _BIG, nullable=nullable, comment=f"{comment}, microseconds UTC")


def _text(name: str, kind: Any, comment: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, comment=comment)


def upgrade() -> None:
    op.create_table(
        "webhooks",
        _text("id", sa.String(36), "UUIDv7"),
        _text("url", sa.Text(), "where to; sealed where there is a key: paths may be secrets"),
        _text("note", sa.String(200), "what it is for"),
        _text("events", sa.JSON(), "names of events, each may end in *"),
        _text("cameras", sa.JSON(), "slugs, null: all cameras", nullable=True),
        _text("active", sa.Boolean(), "whether it is told anything"),
        _text("secret", sa.Text(), "whsec_...; sealed where there is a key"),
        _text("old_secret", sa.Text(), "the one before, empty: none; sealed where there is a key"),
        _us("old_until_us", "until when the one before signs too, null: it does not", nullable=True),
        _text("not_before_us", _BIG, "nothing is sent before, microseconds UTC: it asked for that"),
        _text("ended", sa.String(300), "why it was made inactive by itself; empty: it was not"),
        _us("created_us", "when it was made"),
        _text("created_by", sa.String(255), "who did"),
        _text("version", sa.Integer(), "counts changes by people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index("ix_webhooks_active", "webhooks", ["active"], unique=False)
    op.create_table(
        "happenings",
        _text("id", sa.String(36), "UUIDv7: the webhook-id of what is sent"),
        _text("name", sa.String(40), "of the event: plate.detected, ..."),
        _text("subject", sa.String(64), "id of what it happened to"),
        _text("camera", sa.String(64), "slug; empty: it is of none"),
        _us("time_us", "when it happened"),
        _text("data", sa.Text(), "what is told of it, JSON; null: it is looked up", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_happenings")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index("ix_happenings_subject", "happenings", ["subject", "name"], unique=False)
    op.create_table(
        "deliveries",
        _text("id", sa.String(36), "UUIDv7"),
        _text("webhook", sa.String(36), "to whom"),
        _text("event", sa.String(36), "id of the happening: the webhook-id"),
        _text("name", sa.String(40), "of the event"),
        _text("subject", sa.String(64), "id of what it happened to"),
        _text("camera", sa.String(64), "slug; empty: it is of none"),
        _us("time_us", "when it happened"),
        _text("data", sa.Text(), "what is told of it, JSON; null: it is looked up", nullable=True),
        _text("body", sa.Text(), "as it was sent first; every try sends the same", nullable=True),
        _text("state", sa.String(10), "waiting | delivered | failed"),
        _text("tries", sa.Integer(), "begun so far"),
        _us("next_us", "while it waits, not to be tried before; while it is sent, when its sender is given up"),
        _text("owner", sa.String(100), "who sends it now, null: nobody", nullable=True),
        _text("status", sa.Integer(), "of the last answer, null: there was none", nullable=True),
        _text("answer", sa.Text(), "how the last answer began"),
        _text("detail", sa.String(500), "what was wrong last, one sentence; empty: nothing"),
        _text("lasted_us", _BIG, "how long the last try took, microseconds"),
        _us("created_us", "when it was put here"),
        _us("tried_us", "when it was tried last, null: not yet", nullable=True),
        _us("ended_us", "when it was delivered or given up, null: it waits", nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'failed')", name=op.f("ck_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["webhook"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_webhooks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("webhook", "event", name=op.f("uq_deliveries_webhook")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index("ix_deliveries_due", "deliveries", ["webhook", "state", "next_us", "id"], unique=False)
    op.create_index("ix_deliveries_list", "deliveries", ["webhook", "created_us", "id"], unique=False)
    op.create_index("ix_deliveries_old", "deliveries", ["created_us"], unique=False)
    op.create_table(
        "told_states",
        _text("subject", sa.String(64), "slug of a camera, id of a session"),
        _text("name", sa.String(40), "of the event that its state is"),
        _us("noted_us", "when it was seen last"),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_told_states")),
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


def downgrade() -> None:
    for table in ("told_states", "deliveries", "happenings", "webhooks"):
        op.drop_table(table)
