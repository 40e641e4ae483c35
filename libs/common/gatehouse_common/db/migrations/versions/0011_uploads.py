"""uploads in pieces, media that were made of them, and whose jobs are"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


_KINDS = {True: "'chunk', 'clip', 'picture', 'session', 'media'", False: "'chunk', 'clip', 'picture', 'session'"}
_DELETIONS = (
    "id, kind, subject, camera, `key`, start_us, end_us, bytes, reason, marked_us, tries, trouble, next_us"
)


def upgrade() -> None:
    _let_deletions_be_of(media=True)
    op.create_table('media',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False, comment='1, 2, 3, never again'),
    sa.Column('id', sa.String(length=36), nullable=False, comment='UUIDv7'),
    sa.Column('owner', sa.Integer(), nullable=False, comment='number of the user whose it is, 0: nobody is known here'),
    sa.Column('owner_name', sa.String(length=255), nullable=False, comment='as it was then'),
    sa.Column('kind', sa.String(length=10), nullable=False, comment='upload | recording | export'),
    sa.Column('name', sa.String(length=255), nullable=False, comment='what people call it; only ever shown'),
    sa.Column('folder', sa.String(length=150), nullable=False, comment='prefix of the keys of all its files'),
    sa.Column('upload', sa.String(length=36), nullable=True, comment='id of the upload that it was, null: none'),
    sa.Column('session', sa.Integer(), nullable=True, comment='number of the recorder session, null: of none'),
    sa.Column('state', sa.String(length=10), nullable=False, comment='queued | processing | ready | failed | trashed | deleted'),
    sa.Column('stage', sa.String(length=20), nullable=False, comment='what is done to it now, or where it failed; empty: nothing'),
    sa.Column('detail', sa.Text(), nullable=False, comment='why it failed, one sentence; empty: nothing wrong'),
    sa.Column('type', sa.String(length=100), nullable=False, comment='media type by its first bytes'),
    sa.Column('bytes', _BIG, nullable=False, comment='size of the original'),
    sa.Column('digest', sa.String(length=64), nullable=False, comment='SHA-256 of the original, empty: not known yet'),
    sa.Column('lasted_us', _BIG, nullable=True, comment='how long it is, null: not known yet; microseconds'),
    sa.Column('width', sa.Integer(), nullable=False, comment='pixels, 0: no picture, or not known yet'),
    sa.Column('height', sa.Integer(), nullable=False, comment='pixels, 0: no picture, or not known yet'),
    sa.Column('fps', sa.Float(), nullable=False, comment='frames per second, 0: not known'),
    sa.Column('video_codec', sa.String(length=40), nullable=False, comment="by ffmpeg's name, empty: no picture"),
    sa.Column('audio_codec', sa.String(length=40), nullable=False, comment="by ffmpeg's name, empty: no sound"),
    sa.Column('start_us', _BIG, nullable=True, comment='when it was recorded, as its client says, null: it does not, microseconds UTC'),
    sa.Column('created_us', _BIG, nullable=False, comment='when it was whole here, microseconds UTC'),
    sa.Column('ready_us', _BIG, nullable=True, comment='when all was made of it that belongs to it, null: not yet, microseconds UTC'),
    sa.Column('trashed_us', _BIG, nullable=True, comment='when it was put into the trash, null: it was not, or was taken out, microseconds UTC'),
    sa.Column('before_trash', sa.String(length=10), nullable=False, comment='its state before it was put there'),
    sa.Column('version', sa.Integer(), nullable=False, comment='counts changes by people'),
    sa.CheckConstraint("kind IN ('upload', 'recording', 'export')", name=op.f('ck_media_kind')),
    sa.CheckConstraint("state IN ('queued', 'processing', 'ready', 'failed', 'trashed', 'deleted')", name=op.f('ck_media_state')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_media')),
    sa.UniqueConstraint('id', name=op.f('uq_media_id')),
    sa.UniqueConstraint('upload', name=op.f('uq_media_upload')),
    mysql_collate='utf8mb4_bin',
    mysql_default_charset='utf8mb4'
    )
    with op.batch_alter_table('media', schema=None) as batch_op:
        batch_op.create_index('ix_media_created', ['created_us', 'number'], unique=False)
        batch_op.create_index('ix_media_owner', ['owner', 'created_us', 'number'], unique=False)
        batch_op.create_index('ix_media_state', ['state', 'trashed_us'], unique=False)

    op.create_table('media_files',
    sa.Column('media', sa.Integer(), autoincrement=False, nullable=False, comment='number of its medium'),
    sa.Column('kind', sa.String(length=20), nullable=False, comment='original | playable | compressed | thumbnail | sprite | audio | video | hls | preview'),
    sa.Column('variant', sa.String(length=64), nullable=False, comment='what it was made with, as text; empty: there is only one of the kind'),
    sa.Column('key', sa.String(length=255), nullable=False, comment='object key'),
    sa.Column('type', sa.String(length=100), nullable=False, comment='media type'),
    sa.Column('bytes', _BIG, nullable=False, comment='size'),
    sa.Column('state', sa.String(length=10), nullable=False, comment='ready | gone'),
    sa.Column('facts', sa.JSON(), nullable=False, comment='lasted_us, width, height, codec, as far as they are its own'),
    sa.Column('made_us', _BIG, nullable=False, comment='when it was made, microseconds UTC'),
    sa.CheckConstraint("state IN ('ready', 'gone')", name=op.f('ck_media_files_state')),
    sa.PrimaryKeyConstraint('media', 'kind', 'variant', name=op.f('pk_media_files')),
    sa.UniqueConstraint('key', name=op.f('uq_media_files_key')),
    mysql_collate='utf8mb4_bin',
    mysql_default_charset='utf8mb4'
    )
    op.create_table('upload_pieces',
    sa.Column('upload', sa.String(length=36), nullable=False, comment='id of its upload'),
    sa.Column('position', _BIG, autoincrement=False, nullable=False, comment='offset of its first byte; of a blob its number'),
    sa.Column('bytes', _BIG, nullable=False, comment='size'),
    sa.Column('digest', sa.String(length=64), nullable=False, comment='SHA-256 of its bytes, hexadecimal'),
    sa.Column('key', sa.String(length=255), nullable=False, comment='object key'),
    sa.CheckConstraint('bytes > 0', name=op.f('ck_upload_pieces_bytes')),
    sa.CheckConstraint('position >= 0', name=op.f('ck_upload_pieces_position')),
    sa.PrimaryKeyConstraint('upload', 'position', name=op.f('pk_upload_pieces')),
    mysql_collate='utf8mb4_bin',
    mysql_default_charset='utf8mb4'
    )
    with op.batch_alter_table('upload_pieces', schema=None) as batch_op:
        batch_op.create_index('ix_upload_pieces_key', ['key'], unique=False)

    op.create_table('uploads',
    sa.Column('id', sa.String(length=36), nullable=False, comment='UUIDv7'),
    sa.Column('owner', sa.Integer(), nullable=False, comment='number of the user whose it is, 0: nobody is known here'),
    sa.Column('owner_name', sa.String(length=255), nullable=False, comment='as it was then'),
    sa.Column('door', sa.String(length=10), nullable=False, comment='tus | resumable | blob | form: how it comes'),
    sa.Column('role', sa.String(length=10), nullable=False, comment='whole | partial | final, of tus'),
    sa.Column('state', sa.String(length=10), nullable=False, comment='receiving | complete | cancelled | expired | failed'),
    sa.Column('name', sa.String(length=255), nullable=False, comment='what the client calls the file; only ever shown'),
    sa.Column('name_digest', sa.String(length=64), nullable=False, comment='SHA-256 of that name, by which blobs find each other'),
    sa.Column('open_name', sa.String(length=100), nullable=True, comment='owner and name_digest while blobs of it are received, null otherwise: one at a time'),
    sa.Column('claimed_type', sa.String(length=100), nullable=False, comment='media type that the client claims; not relied on'),
    sa.Column('length', _BIG, nullable=True, comment='size that the client announced, null: not yet known'),
    sa.Column('received', _BIG, nullable=False, comment='bytes that are durable here; of whole files from the start on'),
    sa.Column('digest', sa.String(length=64), nullable=False, comment='SHA-256 that the client announced, empty: none'),
    sa.Column('facts', sa.JSON(), nullable=False, comment='what else it told: started_at, session, parts'),
    sa.Column('last_position', _BIG, nullable=True, comment='of blobs: number of the last one, null: not known'),
    sa.Column('media', sa.Integer(), nullable=True, comment='number of the medium that it became, null: not yet'),
    sa.Column('detail', sa.Text(), nullable=False, comment='why it failed, one sentence; empty: nothing wrong'),
    sa.Column('created_us', _BIG, nullable=False, comment='when it was begun, microseconds UTC'),
    sa.Column('changed_us', _BIG, nullable=False, comment='when something of it came last, microseconds UTC'),
    sa.Column('expires_us', _BIG, nullable=False, comment='when it is let go of, unless it is complete, microseconds UTC'),
    sa.CheckConstraint("door IN ('tus', 'resumable', 'blob', 'form')", name=op.f('ck_uploads_door')),
    sa.CheckConstraint("role IN ('whole', 'partial', 'final')", name=op.f('ck_uploads_role')),
    sa.CheckConstraint("state IN ('receiving', 'complete', 'cancelled', 'expired', 'failed')", name=op.f('ck_uploads_state')),
    sa.CheckConstraint('received >= 0', name=op.f('ck_uploads_received')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_uploads')),
    sa.UniqueConstraint('open_name', name=op.f('uq_uploads_open_name')),
    mysql_collate='utf8mb4_bin',
    mysql_default_charset='utf8mb4'
    )
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.create_index('ix_uploads_expires', ['state', 'expires_us'], unique=False)
        batch_op.create_index('ix_uploads_name', ['owner', 'name_digest', 'created_us'], unique=False)
        batch_op.create_index('ix_uploads_owner', ['owner', 'state'], unique=False)

    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('user', sa.Integer(), nullable=True, comment='number of the user whose it is, null: of the house'))
        batch_op.add_column(sa.Column('media', sa.Integer(), nullable=True, comment='number of the medium that it is about, null: of none'))
        batch_op.add_column(sa.Column('not_before_us', _BIG, nullable=True, comment='while it waits, not to be begun before, null: at any time, microseconds UTC'))
        batch_op.create_index('ix_jobs_media', ['media', 'created_us'], unique=False)
        batch_op.create_index('ix_jobs_user', ['user', 'created_us', 'id'], unique=False)

    op.execute("INSERT INTO facts (name, value, noted_us) VALUES ('media.lock', '', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM facts WHERE name = 'media.lock'")
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_index("ix_jobs_user")
        batch_op.drop_index("ix_jobs_media")
        batch_op.drop_column("not_before_us")
        batch_op.drop_column("media")
        batch_op.drop_column("user")
    op.drop_table("uploads")
    op.drop_table("upload_pieces")
    op.drop_table("media_files")
    op.drop_table("media")
    op.execute("DELETE FROM deletions WHERE kind = 'media'")
    _let_deletions_be_of(media=False)


def _let_deletions_be_of(*, media: bool) -> None:
    check = f"kind IN ({_KINDS[media]})"
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE deletions DROP CONSTRAINT ck_deletions_kind")
        op.create_check_constraint(op.f("ck_deletions_kind"), "deletions", check)
        for column, length, comment in (
            ("kind", 10, "chunk | clip | picture | session" + (" | media" if media else "")),
            ("subject", 36, "id of the chunk, the clip, the plate event, the file of a session" + (", the medium" if media else "")),
        ):
            op.alter_column(
                "deletions", column, existing_type=sa.String(length), existing_nullable=False, comment=comment
            )
        return
    # SQLite cannot change a check: the table is made anew around its rows.
    op.drop_index("ix_deletions_next", "deletions")
    op.rename_table("deletions", "deletions_before")
    op.create_table(
        "deletions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=36), nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("start_us", _BIG, nullable=False),
        sa.Column("end_us", _BIG, nullable=False),
        sa.Column("bytes", _BIG, nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("marked_us", _BIG, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("next_us", _BIG, nullable=False),
        sa.CheckConstraint(check, name=op.f("ck_deletions_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sa.UniqueConstraint("key", name=op.f("uq_deletions_key")),
    )
    op.execute(f"INSERT INTO deletions ({_DELETIONS}) SELECT {_DELETIONS} FROM deletions_before")
    op.drop_table("deletions_before")
    op.create_index("ix_deletions_next", "deletions", ["next_us", "id"], unique=False)
