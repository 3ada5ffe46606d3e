"""bound families.

Nobody is logged out: every family is unbound until its first refresh with a proof.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("families") as batch:
        batch.add_column(sa.Column("revoked_ip", sa.String(length=45), nullable=True))
        batch.add_column(sa.Column("jkt", sa.String(length=43), nullable=True))
        batch.add_column(sa.Column("retries", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(
            sa.Column("burst_from", sa.BigInteger(), server_default="0", nullable=False)
        )
    op.execute("UPDATE families SET burst_from = rotated_at")


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("families") as batch:
        batch.drop_column("burst_from")
        batch.drop_column("retries")
        batch.drop_column("jkt")
        batch.drop_column("revoked_ip")
