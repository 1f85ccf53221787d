"""When a person took each turn up (受理); all facts are told anew from the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("turn_fact", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("accepted", sa.BigInteger(), nullable=False, server_default="0")
        )
    _tell_anew()


def downgrade() -> None:
    with op.batch_alter_table("turn_fact", schema=None) as batch_op:
        batch_op.drop_column("accepted")
    _tell_anew()


def _tell_anew() -> None:
    op.execute("DELETE FROM turn_block")
    op.execute("DELETE FROM figure_queue")
    op.execute(
        "INSERT INTO figure_queue (case_id, event_id) "
        "SELECT case_id, max(id) FROM case_event GROUP BY case_id"
    )
