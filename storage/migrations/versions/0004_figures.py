"""Facts for the reports with the queue that feeds them, and seals on the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.models
from storage.migrations.append_only import protect
from storage.migrations.feeding import feed

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEYS: dict[str, tuple[str, ...]] = {
    "figure_queue": ("case_id", "event_id"),
    "turn_fact": ("case_id", "number"),
    "turn_change": ("case_id", "turn", "number"),
}
_NUMBERS = {
    "turn_fact": "account_id department person category start stop exclusion marks tallies",
    "turn_change": "kind at until value",
}


def upgrade() -> None:
    for table, keys in _KEYS.items():
        op.create_table(
            table,
            *(sa.Column(key, sa.BigInteger(), autoincrement=False, nullable=False) for key in keys),
            *(
                sa.Column(name, sa.BigInteger(), nullable=False)
                for name in _NUMBERS.get(table, "").split()
            ),
            sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{table}")),
        )
    op.create_index("ix_turn_fact_start", "turn_fact", ["start"])
    op.create_table(
        "figure_word",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_word")),
        sa.UniqueConstraint("word", name=op.f("uq_figure_word_word")),
    )
    op.create_table(
        "seal",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("cases", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("sealed_at", storage.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_seal")),
    )
    op.create_index(op.f("ix_case_event_recorded_at"), "case_event", ["recorded_at"])
    protect("seal")
    feed("figure_queue", "case_event")


def downgrade() -> None:
    raise NotImplementedError("seals once made are kept")
