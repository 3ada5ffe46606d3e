"""families.dismissed_at: when the owner dismissed the notice of a theft."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("families") as batch:
        batch.add_column(sa.Column("dismissed_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("families") as batch:
        batch.drop_column("dismissed_at")
