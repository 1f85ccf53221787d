"""When the next reminder is due, and what a citizen says of a grade."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.models

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = storage.models.UtcDateTime(timezone=True)
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("remind_at", moment, nullable=True))
        batch_op.add_column(sa.Column("comment", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("follow_up", sa.Text(), nullable=False, server_default=""))
        batch_op.create_index("ix_case_remind", ["state", "remind_at"], unique=False)
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("remind_at", moment, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_column("remind_at")
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_index("ix_case_remind")
        for name in ("follow_up", "comment", "remind_at"):
            batch_op.drop_column(name)
