"""wenban kb learn list|accept|reject and wenban kb evidence."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from bot.clock import SHANGHAI
from bot.commands.common import (
    CommandError,
    actor,
    complain_of,
    console,
    office_database,
    refuse_overwrite,
    run,
    settings_of,
)
from bot.config import read_ranker
from bot.desk.learning import REMEMBERED, Learning, Outcome, Proposal
from bot.desk.office import DeskError, Office
from bot.outfit import open_library, rules
from bot.settings import Settings
from knowledge.proposals import Asked, impersonal
from knowledge.tables import replacing
from storage import evidence
from storage.coordination import LocalCoordination
from storage.ledger import audit

T = TypeVar("T")
_SHOWN_KEY, _SHOWN = 8, 60  # characters of a key and of an example
_SOON = "运行中的程序几秒内就会用上。"


def show(context: Any) -> None:
    """What could be learnt from decided questions."""
    found = _with_learning(settings_of(context), Learning.proposals)
    if not found:
        console().print("现在没有可以学的。工作人员换一条答复、群众按有帮助，都会积累出来。")
        return
    out = console()
    out.print(f"可以学的 {len(found)} 个（作用只按字词试）")
    for number, one in enumerate(found, 1):
        out.print("\n".join(_lines(number, one)), markup=False)
    out.print("\n接受：wenban kb learn accept 编号…　不要：wenban kb learn reject 编号…")


def accept(context: Any, keys: Sequence[str]) -> None:
    """Keep proposals; those that something speaks against are named."""
    outcomes: list[Outcome] = _with_learning(
        settings_of(context), lambda learning: learning.accept(actor(), keys)
    )
    kept = [one.text for one in outcomes if not one.refused]
    for text in kept:
        console().print(f"已记下：{text}", markup=False)
    if kept:
        console().print(_SOON)
    refused = [f"{one.text}：{one.refused}" for one in outcomes if one.refused]
    complain_of(refused)
    if refused:
        raise CommandError(f"有 {len(refused)} 个没有记下，原因见上。")


def reject(context: Any, keys: Sequence[str]) -> None:
    """Never propose these again."""
    texts = _with_learning(settings_of(context), lambda learning: learning.reject(actor(), keys))
    for text in texts:
        console().print(f"不再提出：{text}", markup=False)


def export(context: Any, file: Path) -> None:
    """Write the questions that people decided about, to train on."""
    settings = settings_of(context)
    refuse_overwrite(file)
    found = run(_evidence(settings, file.name))
    with replacing(file) as target:
        for one in found:
            target.write((json.dumps(_line(one), ensure_ascii=False) + "\n").encode())
    console().print(
        f"已导出 {len(found)} 个有人判断过的问题到 {file}（已打码，仍是群众的话，请妥善保管）",
        markup=False,
    )


def _with_learning(settings: Settings, call: Callable[[Learning], Awaitable[T]]) -> T:
    async def work() -> T:
        async with _learning(settings) as learning:
            return await call(learning)

    try:
        return run(work())
    except DeskError as error:
        raise CommandError(str(error)) from None


@asynccontextmanager
async def _learning(settings: Settings) -> AsyncIterator[Learning]:
    async with office_database(settings) as database:
        library = open_library(database, settings, read_ranker(settings.knowledge))
        try:
            await library.refresh()
            yield Learning(Office(database, library, LocalCoordination(), rules(settings)))
        finally:
            await library.close()


def _lines(number: int, one: Proposal) -> Iterator[str]:
    latest = f"{one.latest.astimezone(SHANGHAI):%Y-%m-%d}"
    key = one.key[:_SHOWN_KEY]
    asked = f"{one.proposer}提出" if one.proposer else f"{one.citizens} 人这样问"
    yield f"\n{number:>3}. {key}　{one.kind}　{asked}，最近 {latest}"
    yield f"     {one.text}"
    yield f"     {one.effect}"
    for text in one.examples:
        told = " ".join(text.split())
        yield f"     例：{told[:_SHOWN]}{'…' if len(told) > _SHOWN else ''}"


async def _evidence(settings: Settings, name: str) -> list[Asked]:
    async with office_database(settings) as database:
        async with database.read() as session:
            found = await evidence.asked(session, datetime.now(UTC) - REMEMBERED)
        found = [one for one in found if (one.chosen or one.rejected) and impersonal(one.text)]
        async with database.write() as session:
            audit(session, actor(), "kb.evidence", name, questions=len(found))
        return found


def _line(one: Asked) -> dict[str, Any]:
    return {
        "query": impersonal(one.text),
        "offered": one.offered,
        "chosen": one.chosen,
        "rejected": one.rejected,
        "by": one.by,
        "day": f"{one.at.astimezone(SHANGHAI):%Y-%m-%d}",
    }
