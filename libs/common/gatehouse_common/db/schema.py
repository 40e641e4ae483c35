"""Revisions of the schema: which one a database has, which one this program needs, and the way there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from gatehouse_common.errors import Conflict

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

_TABLE = "alembic_version"  # Alembic's own
_REVISION = text("SELECT version_num FROM alembic_version")


def current_revision(connection: Connection) -> str | None:
    """Return the revision of a database, None when it is empty.

    Raises:
        Conflict: it has several, as no version of this program makes it.
    """
    if not inspect(connection).has_table(_TABLE):
        return None
    found: list[str] = list(connection.execute(_REVISION).scalars())
    if len(found) > 1:
        raise Conflict(f"the database says that it has several schemas at once: {', '.join(sorted(found)[:5])}.")
    return found[0] if found else None


@cache
def newest_revision() -> str:
    """Return the newest revision that this program knows: a migration's file begins with its own, and they follow."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def upgrade_schema(connection: Connection, shown: str) -> None:
    """Run the migrations that are missing.

    Args:
        connection: in a transaction in which nobody else changes the schema, as ``Dialect.migrating`` yields it.
        shown: the database's URL without its password, for the error.

    Raises:
        Conflict: the database has a revision that this program does not know.
    """
    # Alembic loads three dialects and a template engine, for which every start and every command would wait.
    from alembic import command  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    try:
        command.upgrade(migrations(connection), "head")
    except CommandError as error:
        raise Conflict(
            f"database {shown} has a schema that this program does not know ({error}): "
            "it was used by a newer version, run that one."
        ) from error


def migrations(connection: Connection) -> Config:
    """Return what Alembic has to know to run migrations on a connection."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
