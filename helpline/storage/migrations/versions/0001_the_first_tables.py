"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "contact",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("address_encrypted", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("district", sa.String(length=40), nullable=True),
        sa.Column("authority", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("channel", "address_hash", name=op.f("uq_contact_channel_address_hash")),
    )
    op.create_table(
        "conversation",
        sa.Column("contact_id", sa.String(length=32), nullable=False),
        sa.Column("assistant_id", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=True),
        sa.Column("answer", sa.String(length=64), nullable=True),
        sa.Column("more_page", sa.Integer(), nullable=False),
        sa.Column("expects", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("answers_since_asked", sa.Integer(), nullable=False),
        sa.Column("misunderstood_in_a_row", sa.Integer(), nullable=False),
        sa.Column("holding_for", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_conversation_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("assistant_id", name=op.f("uq_conversation_assistant_id")),
    )
    op.create_table(
        "danger_case",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("contact_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_danger_case_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_danger_case")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("danger_case", schema=None) as batch_op:
        batch_op.create_index(
            "uq_danger_case_one_open",
            ["contact_id", "kind"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "thread_entry",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("contact_id", sa.String(length=32), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_thread_entry_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_entry")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("thread_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_thread_entry_contact_id_id"), ["contact_id", "id"], unique=False)

    op.create_table(
        "case_evidence",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=12), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("reply_entry_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["danger_case.id"], name=op.f("fk_case_evidence_case_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["thread_entry.id"], name=op.f("fk_case_evidence_entry_id")),
        sa.ForeignKeyConstraint(["reply_entry_id"], ["thread_entry.id"], name=op.f("fk_case_evidence_reply_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_case_evidence")),
    )
    with op.batch_alter_table("case_evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_evidence_case_id"), ["case_id"], unique=False)

    op.create_table(
        "feedback",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=64), nullable=False),
        sa.Column("helped", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["thread_entry.id"], name=op.f("fk_feedback_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_feedback")),
    )
    op.create_table(
        "inbound",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("provider_id", sa.String(length=80), nullable=False),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_reason", sa.String(length=64), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["thread_entry.id"], name=op.f("fk_inbound_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("channel", "provider_id", name=op.f("uq_inbound_channel_provider_id")),
    )
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbound_state"), ["state"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("in_reply_to", sa.Integer(), nullable=True),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("encoding", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_message_id", sa.String(length=80), nullable=True),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("staff_note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["thread_entry.id"], name=op.f("fk_outbox_entry_id")),
        sa.ForeignKeyConstraint(["in_reply_to"], ["thread_entry.id"], name=op.f("fk_outbox_in_reply_to")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("in_reply_to", "purpose", name=op.f("uq_outbox_in_reply_to_purpose")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_state"), ["state"], unique=False)

    op.create_table(
        "turn_record",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("intent", sa.String(length=80), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=True),
        sa.Column("answer", sa.String(length=64), nullable=True),
        sa.Column("answer_confidence", sa.Double(), nullable=True),
        sa.Column("out_of_scope", sa.Boolean(), nullable=False),
        sa.Column("reply_text", sa.Text(), nullable=True),
        sa.Column("reply_options", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["thread_entry.id"], name=op.f("fk_turn_record_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_turn_record")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("turn_record")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_state"))

    op.drop_table("outbox")
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbound_state"))

    op.drop_table("inbound")
    op.drop_table("feedback")
    with op.batch_alter_table("case_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_evidence_case_id"))

    op.drop_table("case_evidence")
    with op.batch_alter_table("thread_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_thread_entry_contact_id_id"))

    op.drop_table("thread_entry")
    with op.batch_alter_table("danger_case", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_danger_case_one_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.drop_table("danger_case")
    op.drop_table("conversation")
    op.drop_table("contact")
