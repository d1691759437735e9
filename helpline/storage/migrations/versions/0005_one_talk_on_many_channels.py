"""A conversation may go on over several channels: it has an id of its own, and keeps what is known of the place."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOVED = ("district", "authority")


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("conversation") as table:
        table.drop_constraint(op.f("fk_conversation_contact_id"), type_="foreignkey")
        table.alter_column("contact_id", new_column_name="id", existing_type=sa.String(length=32))
        table.add_column(sa.Column("began_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("district", sa.String(length=40), nullable=True))
        table.add_column(sa.Column("authority", sa.String(length=16), nullable=True))
        table.add_column(sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("answered", sa.JSON(none_as_null=True), nullable=True))
    # SQLite adds no reference to a table that others refer to.
    op.add_column("contact", sa.Column("conversation_id", sa.String(length=32), nullable=False, server_default="-"))
    op.add_column("contact", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contact", sa.Column("forget_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_contact_conversation_id"), "contact", ["conversation_id"])
    op.execute("UPDATE contact SET conversation_id = id")
    for name in ("began_at", *_MOVED):
        column = "created_at" if name == "began_at" else name
        op.execute(
            f"UPDATE conversation SET {name} = (SELECT {column} FROM contact WHERE contact.id = conversation.id)"
        )
    with op.batch_alter_table("conversation") as table:
        table.alter_column("began_at", nullable=False, existing_type=sa.DateTime(timezone=True))
    for name in _MOVED:
        # Not in a batch: SQLite would make the table anew, which others refer to.
        op.execute(f"ALTER TABLE contact DROP COLUMN {name}")
    op.create_table(
        "join_code",
        sa.Column("contact_id", sa.String(length=32), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_join_code_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_join_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_join_code_code_hash")),
    )
    op.create_table(
        "wrong_join_code",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("contact_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_wrong_join_code_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrong_join_code")),
    )
    op.create_index(op.f("ix_wrong_join_code_at"), "wrong_join_code", ["at"])


def downgrade() -> None:
    """Take back: a conversation on several channels stays with the first of them, and the others begin anew."""
    op.drop_table("wrong_join_code")
    op.drop_table("join_code")
    op.add_column("contact", sa.Column("district", sa.String(length=40), nullable=True))
    op.add_column("contact", sa.Column("authority", sa.String(length=16), nullable=True))
    for name in _MOVED:
        op.execute(
            f"UPDATE contact SET {name} = (SELECT {name} FROM conversation WHERE conversation.id = conversation_id)"
        )
    op.execute("UPDATE conversation SET id = (SELECT min(id) FROM contact WHERE conversation_id = conversation.id)")
    op.execute("DELETE FROM conversation WHERE id IS NULL")
    op.drop_index(op.f("ix_contact_conversation_id"), "contact")
    for name in ("conversation_id", "joined_at", "forget_at"):
        op.execute(f"ALTER TABLE contact DROP COLUMN {name}")
    with op.batch_alter_table("conversation") as table:
        for name in ("began_at", "district", "authority", "paused_until", "answered"):
            table.drop_column(name)
        table.alter_column("id", new_column_name="contact_id", existing_type=sa.String(length=32))
    # A batch of its own: the one before knows the column by its old name.
    with op.batch_alter_table("conversation") as table:
        table.create_foreign_key(op.f("fk_conversation_contact_id"), "contact", ["contact_id"], ["id"])
