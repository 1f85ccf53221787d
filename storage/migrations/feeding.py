"""A trigger that queues every new event of the ledger, for migrations to call."""

from __future__ import annotations

from alembic import op

_FUNCTION = """
CREATE OR REPLACE FUNCTION feed_{queue}() RETURNS trigger AS $$
BEGIN INSERT INTO {queue} (case_id, event_id) VALUES (NEW.case_id, NEW.id); RETURN NULL; END
$$ LANGUAGE plpgsql
"""


def feed(queue: str, table: str) -> None:
    """Put the rows that are there and those to come into the queue."""
    op.execute(f"INSERT INTO {queue} (case_id, event_id) SELECT case_id, id FROM {table}")  # noqa: S608
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTION.format(queue=queue))
        op.execute(
            f"CREATE TRIGGER {queue}_feed AFTER INSERT ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION feed_{queue}()"
        )
        return
    op.execute(
        f"CREATE TRIGGER {queue}_feed AFTER INSERT ON {table} "  # noqa: S608
        f"BEGIN INSERT INTO {queue} (case_id, event_id) VALUES (NEW.case_id, NEW.id); END"
    )
