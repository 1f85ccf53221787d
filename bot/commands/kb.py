"""wenban kb import|export|check and wenban match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.commands.common import (
    CommandError,
    actor,
    bar,
    complain,
    complain_of,
    console,
    meaning_of,
    office_database,
    progress,
    refuse_overwrite,
    run,
    settings_of,
    table,
)
from bot.commands.gold import breaks, refuse_breaks
from bot.settings import Settings
from knowledge import catalog
from knowledge.catalog import Entry, Problem
from knowledge.exchange import read_entries, write_entries
from storage import entries
from storage.entries import Saved
from storage.ledger import audit


def import_file(
    context: Any, file: Path, *, automatic: bool | None, dry_run: bool, accept_broken: bool
) -> None:
    """Read a file and save its good rows in one transaction; every bad row is named.

    Saved questions that the import would break stop it, unless that is accepted.
    """
    settings = settings_of(context)
    reading = read_entries(file)
    good = reading.entries
    if automatic is not None:
        good = [replace(entry, automatic=automatic) for entry in good]
    _list(reading.problems)
    accepted = accept_broken or dry_run
    saved = run(_save(settings, good, file, automatic, dry_run=dry_run, accepted=accepted))
    bad = reading.rows - len(reading.entries)
    table(
        ("读到", "新增", "更新", "未变", "有误"),
        [[str(n) for n in (reading.rows, saved.added, saved.changed, saved.unchanged, bad)]],
        title=f"知识库导入 {file.name}" + ("（只检查，未写入）" if dry_run else ""),
    )
    if reading.rows and not good:
        raise CommandError("没有一行可用，什么都没有导入，请按上面的提示修改文件。")


async def _save(
    settings: Settings,
    good: list[Entry],
    file: Path,
    automatic: bool | None,
    *,
    dry_run: bool,
    accepted: bool,
) -> Saved:
    async with office_database(settings) as database:
        refuse_breaks(await breaks(settings, database, good), accepted)
        if dry_run:
            async with database.read() as session:
                return _foresee(await entries.load(session), good)
        async with database.write() as session:
            watched = progress()
            with watched:
                saved = await entries.save(
                    session, watched.track(good, description="写入知识库"), actor()
                )
            if automatic is not None:
                audit(session, actor(), "kb.approve", file.name, automatic=automatic, n=len(good))
            return saved


def _foresee(present: Iterable[Entry], wanted: Iterable[Entry]) -> Saved:
    known = {entry.id: entry for entry in present}
    fates = Counter(
        "added" if entry.id not in known else "same" if known[entry.id] == entry else "changed"
        for entry in wanted
    )
    return Saved(fates["added"], fates["changed"], fates["same"])


def export_file(context: Any, file: Path) -> None:
    """Write every entry in use to a file, in the format of its suffix."""
    settings = settings_of(context)
    refuse_overwrite(file)
    found = run(_load(settings))
    write_entries(found, file)
    console().print(f"已导出 {len(found)} 条到 {file}", markup=False)


def check_entries(context: Any, file: Path | None) -> None:
    """Name everything an editor should look at, in a file or in the database."""
    if file is None:
        found, problems = run(_load(settings_of(context))), []
    else:
        reading = read_entries(file)
        found, problems = reading.entries, reading.problems
    problems = [*problems, *_unless_known(catalog.check_entries(found), problems)]
    _list(problems)
    if problems:
        raise CommandError(f"共 {len(found)} 条可用，发现 {len(problems)} 处要改。")
    console().print(f"共 {len(found)} 条，没有发现问题。")


def match(
    context: Any, kb: Path, source: Path, target: Path, *, semantic: str, cache: Path | None
) -> None:
    """Match every line of a JSONL file against a knowledge base file."""
    from bot.config import read_bundles
    from knowledge import batch

    if semantic not in ("auto", "off", "bundled"):
        raise CommandError(f"--semantic 不能是“{semantic}”，请改为 auto、off 或 bundled。")
    bundles = read_bundles(settings_of(context).knowledge)
    with meaning_of((semantic, "", "", ""), cache) as meaning, progress() as watched:
        done = batch.run(
            kb,
            source,
            target,
            bar(watched, "匹配"),
            meaning=meaning,
            preparing=bar(watched, "计算语义向量"),
            bundles=bundles,
        )
    _list([*done.knowledge_problems, *done.problems])
    counts = [done.decisions[decision] for decision in ("answer", "clarify", "draft", "none")]
    table(
        ("行数", "已匹配", "直接答复", "请群众选", "给人工拟答", "无", "有误"),
        [[str(n) for n in (done.lines, done.matched, *counts, len(done.problems))]],
        title=f"用 {done.entries} 条知识库匹配，结果在 {target}",
    )


async def _load(settings: Settings) -> list[Entry]:
    async with office_database(settings) as database, database.read() as session:
        return await entries.load(session)


def _unless_known(found: list[Problem], known: list[Problem]) -> list[Problem]:
    seen = {(one.entry_id, one.field, one.reason) for one in known}
    return [one for one in found if (one.entry_id, one.field, one.reason) not in seen]


def _list(problems: list[Problem]) -> None:
    if problems:
        complain("以下各处有问题：")
    complain_of([_describe(problem) for problem in problems])


def _describe(problem: Problem) -> str:
    line = f"第 {problem.line} 行 " if problem.line else ""
    entry = f"［{problem.entry_id}］" if problem.entry_id else ""
    return f"{line}{entry}{problem.reason}"
