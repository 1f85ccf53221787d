"""What accounts are for, what came of opening service links, and facts packed in blocks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.models

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "link_check",
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("reachable", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("checked_at", storage.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("failing_since", storage.models.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_link_check")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("description", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_turn_fact_stop", "turn_fact", ["stop"])
    op.create_table(
        "turn_block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("form", sa.BigInteger(), nullable=False),
        sa.Column("turns", sa.LargeBinary(), nullable=False),
        sa.Column("changes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_turn_block")),
    )
    if op.get_bind().dialect.name == "postgresql":  # read whole and often: not worth compressing
        for name in ("turns", "changes"):
            op.execute(f"ALTER TABLE turn_block ALTER COLUMN {name} SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("turn_block")
    op.drop_index("ix_turn_fact_stop", "turn_fact")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_column("description")
    op.drop_table("link_check")
