"""How many answers a platform allows under a post, and the 置顶答复 that serves the rest.

All facts are told anew from the ledger: they say who was answered by one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.models

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pinned_id", sa.Integer(), nullable=True))
        batch_op.create_index("ix_case_pinned", ["pinned_id", "state"], unique=False)
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("post", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column("left_at", storage.models.UtcDateTime(timezone=True), nullable=True)
        )
        batch_op.create_index("ix_delivery_post", ["account_id", "post", "left_at"], unique=False)
    _tell_anew()


def downgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_post")
        batch_op.drop_column("left_at")
        batch_op.drop_column("post")
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_index("ix_case_pinned")
        batch_op.drop_column("pinned_id")
    _tell_anew()


def _tell_anew() -> None:
    op.execute("DELETE FROM turn_block")
    op.execute("DELETE FROM figure_queue")
    op.execute(
        "INSERT INTO figure_queue (case_id, event_id) "
        "SELECT case_id, max(id) FROM case_event GROUP BY case_id"
    )
