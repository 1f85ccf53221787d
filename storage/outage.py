"""Telling a database that is away from a program that is wrong."""

from __future__ import annotations

from sqlalchemy import exc

_WRONG = (exc.IntegrityError, exc.DataError, exc.ProgrammingError, exc.NotSupportedError)


def is_outage(error: BaseException) -> bool:
    """Whether trying again later, with nothing else changed, may succeed."""
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or not isinstance(error, _WRONG)
    return isinstance(error, exc.TimeoutError | exc.DisconnectionError | OSError)
