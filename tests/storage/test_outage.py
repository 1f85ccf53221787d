"""Which failures pass by themselves."""

from __future__ import annotations

import pytest
from sqlalchemy import exc

from storage.outage import is_outage

STATEMENT: tuple[str, dict[str, str], Exception] = ("SELECT 1", {}, Exception())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exc.OperationalError(*STATEMENT), True),
        (exc.InterfaceError(*STATEMENT), True),
        (exc.DBAPIError(*STATEMENT), True),
        (exc.TimeoutError(), True),
        (ConnectionRefusedError(), True),
        (exc.ProgrammingError(*STATEMENT, connection_invalidated=True), True),
        (exc.ProgrammingError(*STATEMENT), False),
        (exc.IntegrityError(*STATEMENT), False),
        (exc.NoResultFound(), False),
        (ValueError(), False),
    ],
)
def test_outages(error: Exception, expected: bool) -> None:
    assert is_outage(error) is expected
