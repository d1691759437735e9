"""Cases are watched until somebody has seen them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Cases that were open before are due for an alert at once."""
    with op.batch_alter_table("danger_case") as table:
        table.add_column(sa.Column("tier", sa.Integer(), nullable=False, server_default="1"))
        table.add_column(sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("last_evidence_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("alert_due_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("alerts_raised", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("acknowledged_by", sa.String(length=80), nullable=True))
        table.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("closed_by", sa.String(length=80), nullable=True))
        table.add_column(sa.Column("closed_because", sa.Text(), nullable=True))
        table.add_column(sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("reply_refused_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("denied_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("follow_up_due_at", sa.DateTime(timezone=True), nullable=True))
        table.create_index("ix_danger_case_alert_due_at", ["alert_due_at"])
        table.create_index("ix_danger_case_follow_up_due_at", ["follow_up_due_at"])
    op.execute("UPDATE danger_case SET alert_due_at = opened_at, last_evidence_at = opened_at")
    with op.batch_alter_table("danger_case") as table:
        table.alter_column("last_evidence_at", nullable=False, existing_type=sa.DateTime(timezone=True))
    with op.batch_alter_table("case_evidence") as table:
        table.add_column(sa.Column("score", sa.Double(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("case_evidence") as table:
        table.drop_column("score")
    with op.batch_alter_table("danger_case") as table:
        table.drop_index("ix_danger_case_follow_up_due_at")
        table.drop_index("ix_danger_case_alert_due_at")
        for column in (
            "follow_up_due_at",
            "denied_at",
            "reply_refused_at",
            "opted_out_at",
            "closed_because",
            "closed_by",
            "closed_at",
            "acknowledged_by",
            "acknowledged_at",
            "alerts_raised",
            "alert_due_at",
            "last_evidence_at",
            "urgent",
            "tier",
        ):
            table.drop_column(column)
