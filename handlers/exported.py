"""A platform's export on its way to the desk: its rows as messages, a lot at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.desk.ingesting import Posted, Taken
from bot.exports import Export, Row
from bot.history import Skipped
from handlers.api.posts import explain_row

LOT = 500
_NAMES = {
    "external_id": "编号",
    "citizen_id": "群众编号",
    "citizen_name": "昵称",
    "text": "内容",
    "sent_at": "时间",
    "edited_at": "修改时间",
    "post_id": "帖子",
    "thread_id": "楼",
}
Take = Callable[[Sequence[Posted]], Awaitable[list[Taken]]]


class Filing:
    """One export: how far it is, how many rows had which outcome, and which could not be taken.

    Taking the same file again is no harm: what is there already is only counted.
    """

    def __init__(self, source: str, export: Export) -> None:
        self.source, self.export = source, export
        self.at = 0
        self.counts = {"new": 0, "changed": 0, "known": 0}
        self.refused: list[Skipped] = []

    @property
    def done(self) -> bool:
        return self.at >= len(self.export.rows)

    @property
    def bad(self) -> list[Skipped]:
        """Every row that was not taken so far."""
        return [*self.export.skipped, *self.refused]

    async def step(self, take: Take) -> int:
        """Take the next rows; how many."""
        lot = self.export.rows[self.at : self.at + LOT]
        good, posted = [], []
        for row in lot:
            found = explain_row(_as_post(row), self.source, _NAMES)
            if isinstance(found, str):
                self.refused.append(Skipped(row.where, found))
            else:
                good.append(row)
                posted.append(found)
        for row, taken in zip(good, await take(posted) if posted else [], strict=True):
            if taken.reason:
                why = taken.reason.replace("edited_at", "“修改时间”列")
                self.refused.append(Skipped(row.where, why))
            else:
                self.counts[taken.outcome] += 1
        self.at += len(lot)
        return len(lot)


def _as_post(row: Row) -> dict[str, Any]:
    return {
        "external_id": row.external_id,
        "kind": "direct" if row.direct else "comment",
        "citizen_id": row.citizen,
        "citizen_name": row.name,
        "text": row.text,
        "sent_at": row.sent_at.isoformat(),
        "edited_at": row.edited_at.isoformat() if row.edited_at else None,
        "post_id": row.post,
        "thread_id": row.thread,
    }
