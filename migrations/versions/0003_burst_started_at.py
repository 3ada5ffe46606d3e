"""Rename families.burst_from to burst_started_at, as the other columns of time are named."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE families RENAME COLUMN burst_from TO burst_started_at")


def downgrade() -> None:
    """Go back."""
    op.execute("ALTER TABLE families RENAME COLUMN burst_started_at TO burst_from")
