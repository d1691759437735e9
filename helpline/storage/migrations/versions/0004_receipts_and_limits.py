"""Delivery receipts, what sending costs, alarms about the machine, and messages that were found late."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "channel_state",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("next_free_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_state")),
    )
    op.create_table(
        "staff_alarm",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("period", sa.String(length=60), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_alarm")),
        sa.UniqueConstraint("kind", "period", name=op.f("uq_staff_alarm_kind_period")),
    )
    op.create_table(
        "unreachable_contact",
        sa.Column("contact_id", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_unreachable_contact_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_unreachable_contact")),
    )
    op.create_table(
        "delivery_receipt",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("provider_message_id", sa.String(length=80), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=True),
        sa.Column("progress", sa.String(length=12), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("progress_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("pence", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["outbox.entry_id"], name=op.f("fk_delivery_receipt_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_receipt")),
        sa.UniqueConstraint(
            "channel", "provider_message_id", name=op.f("uq_delivery_receipt_channel_provider_message_id")
        ),
    )
    with op.batch_alter_table("delivery_receipt") as table:
        table.create_index(op.f("ix_delivery_receipt_entry_id"), ["entry_id"])
        table.create_index(op.f("ix_delivery_receipt_handed_over_at"), ["handed_over_at"])
    with op.batch_alter_table("inbound") as table:
        table.add_column(sa.Column("late", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("outbox") as table:
        table.drop_column("not_before")
    with op.batch_alter_table("inbound") as table:
        table.drop_column("late")
    op.drop_table("delivery_receipt")
    op.drop_table("unreachable_contact")
    op.drop_table("staff_alarm")
    op.drop_table("channel_state")
