"""A case keeps the place of its person when their conversation begins anew."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("danger_case") as table:
        table.add_column(sa.Column("district", sa.String(length=40), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("danger_case") as table:
        table.drop_column("district")
