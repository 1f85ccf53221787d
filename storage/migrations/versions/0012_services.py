"""Openings of service links by day, the order of the service menu, steps citizens ticked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.models

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "link_open",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "entry_id", "account", "mark", name=op.f("pk_link_open")),
    )
    op.create_table(
        "menu_place",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_menu_place")),
    )
    op.create_table(
        "step_done",
        sa.Column("citizen_id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("at", storage.models.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizen.id"], name=op.f("fk_step_done_citizen_id_citizen")
        ),
        sa.PrimaryKeyConstraint("citizen_id", "mark", name=op.f("pk_step_done")),
    )


def downgrade() -> None:
    op.drop_table("step_done")
    op.drop_table("menu_place")
    op.drop_table("link_open")
