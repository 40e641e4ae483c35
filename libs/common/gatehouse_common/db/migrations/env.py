"""How Alembic reaches the database: over the connection that ``Database.upgrade`` hands it."""

from __future__ import annotations

from alembic import context

from gatehouse_common.db.models import Base
from gatehouse_common.db.stepwise import revision_applied

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    on_version_apply=revision_applied,
)
with context.begin_transaction():
    context.run_migrations()
