"""What debug and node sessions ask for, and what was made for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("holder", sa.String(length=128), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("debug", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("made", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("made", "debug", "holder"):
        op.drop_column("sessions", name)
