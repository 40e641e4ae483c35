"""How Alembic reaches the database: over the connection that ``Database.upgrade`` hands it."""

from __future__ import annotations

from alembic import context

from gatehouse_common.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
