"""erased_families: what the denylist needs of deleted accounts; an index of mails by address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "erased_families",
        sa.Column("family_id", sa.String(length=32), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("family_id", name=op.f("pk_erased_families")),
    )
    op.create_index(op.f("ix_erased_families_erased_at"), "erased_families", ["erased_at"])
    op.create_index(op.f("ix_mails_address"), "mails", ["address"])


def downgrade() -> None:
    """Go back."""
    op.drop_index(op.f("ix_mails_address"), table_name="mails")
    op.drop_index(op.f("ix_erased_families_erased_at"), table_name="erased_families")
    op.drop_table("erased_families")
