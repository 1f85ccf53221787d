"""What citizens sent beside words that their platform still keeps, for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Message

KEY = "media_id"
"""The detail of an attachment by which its platform gives it out."""


async def newest(session: AsyncSession) -> int:
    """The number of the message written last, 0 before there is one."""
    return (await session.exec(select(func.max(Message.id)))).one() or 0


async def abroad(
    session: AsyncSession, account_id: int, since: datetime, after: int, limit: int
) -> list[Message]:
    """Messages that hold such things, numbered higher and come later than this, oldest first."""
    query = select(Message).where(
        col(Message.id) > after,
        Message.account_id == account_id,
        Message.received_at > since,
        cast(col(Message.attachments), Text).contains(f'"{KEY}"'),
    )
    return list(await session.exec(query.order_by(col(Message.id)).limit(limit)))


def is_abroad(held: Mapping[str, Any]) -> bool:
    """Whether an attachment can still be asked for."""
    return KEY in held["details"]


def settled(held: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The attachment as one that is not to be asked for any more; ``size`` in bytes if it came."""
    size = changes.pop("size", None)
    details = {name: value for name, value in held["details"].items() if name != KEY}
    if size is not None:
        details["file_size"] = size
    return {**held, **changes, "details": details}
