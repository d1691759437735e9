"""Alembic's entry: runs the migrations on the connection that migrate.py hands over."""

from typing import Any, Literal

from alembic import context

import helpline.storage.directory_models  # noqa: F401 (its tables belong to the metadata)
from helpline.storage.models import Base, UtcDateTime


def render_item(kind: str, item: Any, autogenerate_context: Any) -> str | Literal[False]:
    """Write our own column type as the type that the database has, so that a migration never changes with the code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
