"""Who of the staff read a person's words, when and why."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "case_reading",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["danger_case.id"], name=op.f("fk_case_reading_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_reading")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_case_reading_case_id"), "case_reading", ["case_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("case_reading")
