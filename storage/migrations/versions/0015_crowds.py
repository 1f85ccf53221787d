"""The posts that comments stand under, and which comments under one post ask the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.models

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_post_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint(
            "account_id", "external_id", name=op.f("uq_post_account_id_external_id")
        ),
    )
    op.create_table(
        "crowd",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("post", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("head_id", sa.Integer(), nullable=False),
        sa.Column("created_at", storage.models.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_crowd_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crowd")),
        sa.UniqueConstraint(
            "account_id",
            "post",
            "entry_id",
            "head_id",
            name=op.f("uq_crowd_account_id_post_entry_id_head_id"),
        ),
    )
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("post", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("crowd_id", sa.Integer(), nullable=True))
        batch_op.create_index("ix_case_crowd", ["crowd_id", "state"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_index("ix_case_crowd")
        batch_op.drop_column("crowd_id")
        batch_op.drop_column("post")
    op.drop_table("crowd")
    op.drop_table("post")
