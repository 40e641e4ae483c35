"""users, what they may do, their tokens and sessions, and what they did"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("number", _BIG, autoincrement=False, nullable=False, comment="1, 2, 3 without a hole"),
        sa.Column("time_us", _BIG, nullable=False, comment="when it was, microseconds UTC"),
        sa.Column(
            "actor", sa.String(length=255), nullable=False, comment="name of the user; empty: nobody who is known"
        ),
        sa.Column("actor_id", sa.String(length=36), nullable=True, comment="id of the user, null: nobody who is known"),
        sa.Column("token", sa.String(length=12), nullable=True, comment="by which token, null: none"),
        sa.Column(
            "address", sa.String(length=45), nullable=False, comment="from where; empty: this machine's command line"
        ),
        sa.Column("action", sa.String(length=64), nullable=False, comment="what, e.g. footage.exported"),
        sa.Column("subject", sa.String(length=300), nullable=False, comment="with what, e.g. camera gate"),
        sa.Column("detail", sa.JSON(), nullable=False, comment="what else there is to say; no secrets"),
        sa.Column("done", sa.Boolean(), nullable=False, comment="whether it was done, or refused"),
        sa.Column("note", sa.Text(), nullable=False, comment="why it was refused, or why it was done; mostly empty"),
        sa.Column("previous", sa.String(length=64), nullable=False, comment="digest of the row before"),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of this row and of that digest, hexadecimal",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_audit_action", "audit", ["action", "number"], unique=False)
    op.create_index("ix_audit_actor", "audit", ["actor", "number"], unique=False)
    op.create_index("ix_audit_time", "audit", ["time_us", "number"], unique=False)
    op.create_table(
        "login_attempts",
        sa.Column("subject", sa.String(length=300), nullable=False, comment="account:<key> | address:<network>"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("failed_us", _BIG, nullable=False, comment="when the last was, microseconds UTC"),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_login_attempts")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_login_attempts_failed", "login_attempts", ["failed_us"], unique=False)
    op.create_table(
        "users",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="1, 2, 3, never again"),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="as people see it"),
        sa.Column(
            "name_key", sa.String(length=255), nullable=False, comment="by which it is found; of who is removed, the id"
        ),
        sa.Column("role", sa.String(length=20), nullable=False, comment="admin | operator | viewer | uploader"),
        sa.Column("state", sa.String(length=10), nullable=False, comment="active | pending | disabled | removed"),
        sa.Column(
            "password", sa.String(length=255), nullable=True, comment="argon2id in PHC's form, null: none may be used"
        ),
        sa.Column("all_cameras", sa.Boolean(), nullable=False, comment="whether grants do not matter"),
        sa.Column("settings", sa.JSON(), nullable=False, comment="what pages remember: theme, order of cameras"),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts changes"),
        sa.Column("created_us", _BIG, nullable=False, comment="when it was added, microseconds UTC"),
        sa.Column("seen_us", _BIG, nullable=True, comment="when it logged in last, null: never, microseconds UTC"),
        sa.CheckConstraint("role IN ('admin', 'operator', 'viewer', 'uploader')", name=op.f("ck_users_role")),
        sa.CheckConstraint("state IN ('active', 'pending', 'disabled', 'removed')", name=op.f("ck_users_state")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_users")),
        sa.UniqueConstraint("id", name=op.f("uq_users_id")),
        sa.UniqueConstraint("name_key", name=op.f("uq_users_name_key")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=12), nullable=False, comment="what it is called in lists and logs"),
        sa.Column("user", sa.String(length=36), nullable=False, comment="whose it is"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="what it is for"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of all of it, hexadecimal"),
        sa.Column("scopes", sa.JSON(), nullable=False, comment="what it may be used for, of what its user may do"),
        sa.Column("cameras", sa.JSON(), nullable=True, comment="slugs, null: all that its user sees"),
        sa.Column("networks", sa.JSON(), nullable=True, comment="from where, e.g. 10.0.0.0/8, null: anywhere"),
        sa.Column("created_us", _BIG, nullable=False, comment="when it was made, microseconds UTC"),
        sa.Column("expires_us", _BIG, nullable=True, comment="when it ends by itself, null: never, microseconds UTC"),
        sa.Column(
            "used_us",
            _BIG,
            nullable=True,
            comment="when it was used last, to the minute, null: never, microseconds UTC",
        ),
        sa.Column("used_from", sa.String(length=45), nullable=True, comment="from which address, null: it was not"),
        sa.Column("revoked_us", _BIG, nullable=True, comment="when it was revoked, null: it was not, microseconds UTC"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_api_tokens_user_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_tokens_digest")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_api_tokens_user", "api_tokens", ["user"], unique=False)
    op.create_table(
        "camera_grants",
        sa.Column("user", sa.String(length=36), nullable=False, comment="whose"),
        sa.Column("camera", sa.String(length=64), nullable=False, comment="slug; there need be no such camera now"),
        sa.Column("permissions", sa.JSON(), nullable=False, comment="some of live, playback, export, control"),
        sa.Column("last_hours", sa.Float(), nullable=True, comment="how far back, null: all the way"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_camera_grants_user_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user", "camera", name=op.f("pk_camera_grants")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_camera_grants_camera", "camera_grants", ["camera"], unique=False)
    op.create_table(
        "logins",
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the cookie, hexadecimal"),
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7: what it is called in lists"),
        sa.Column("user", sa.String(length=36), nullable=False, comment="whose it is"),
        sa.Column("created_us", _BIG, nullable=False, comment="when somebody logged in, microseconds UTC"),
        sa.Column("seen_us", _BIG, nullable=False, comment="when it was used last, to the minute, microseconds UTC"),
        sa.Column("ends_us", _BIG, nullable=False, comment="when it ends, however much it is used, microseconds UTC"),
        sa.Column("address", sa.String(length=45), nullable=False, comment="from where"),
        sa.Column("agent", sa.String(length=300), nullable=False, comment="what the browser says that it is"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_logins_user_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_logins")),
        sa.UniqueConstraint("id", name=op.f("uq_logins_id")),
        mysql_collate="utf8mb4_bin",
        mysql_default_charset="utf8mb4",
    )
    op.create_index("ix_logins_seen", "logins", ["seen_us"], unique=False)
    op.create_index("ix_logins_user", "logins", ["user"], unique=False)
    op.execute("INSERT INTO facts (name, value, noted_us) VALUES ('users.lock', '', 0), ('audit.lock', '', 0)")


def downgrade() -> None:
    op.drop_table("logins")
    op.drop_table("camera_grants")
    op.drop_table("api_tokens")
    op.drop_table("users")
    op.drop_table("login_attempts")
    op.drop_table("audit")
    op.execute("DELETE FROM facts WHERE name IN ('users.lock', 'audit.lock')")
