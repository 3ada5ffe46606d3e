"""When and how each family's holder last proved who they are.

Workers of the former release go on: the rows that they insert get the defaults, and a time of 0 is
read as that of the log-in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("families") as batch:
        batch.add_column(
            sa.Column("auth_time", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch.add_column(
            sa.Column("amr", sa.String(length=64), server_default="pwd", nullable=False)
        )
    op.execute("UPDATE families SET auth_time = created_at")


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("families") as batch:
        batch.drop_column("amr")
        batch.drop_column("auth_time")
