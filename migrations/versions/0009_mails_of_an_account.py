"""An index for the messages of one kind about one account."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    columns = ["user_id", "kind", "created_at"]
    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.create_index("ix_mails_user_id_kind_created_at", columns, unique=False)
        batch_op.drop_index(batch_op.f("ix_mails_user_id"))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mails_user_id"), ["user_id"], unique=False)
        batch_op.drop_index("ix_mails_user_id_kind_created_at")
