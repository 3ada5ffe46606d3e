"""When the address of an account changed, and under which address a message was written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    changed_at = sa.Column("email_changed_at", sa.BigInteger(), server_default="0", nullable=False)
    op.add_column("users", changed_at)
    op.add_column("mails", sa.Column("email_epoch", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Go back."""
    # Without a copy of the table, which other tables refer to.
    op.drop_column("mails", "email_epoch")
    op.drop_column("users", "email_changed_at")
