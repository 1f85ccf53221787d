"""wenban kb test, and what an import would break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import tables
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
    run,
    settings_of,
    table,
)
from bot.config import read_bundles, read_ranker
from bot.settings import Settings
from knowledge import gold as saved
from knowledge.bundles import composed
from knowledge.catalog import Entry
from knowledge.gold import Change, Gold, Verdict, check
from knowledge.matcher import Matcher
from knowledge.semantic import SemanticError
from storage import entries, gold, lexicon
from storage.db import Database

if TYPE_CHECKING:
    from knowledge.vectors import Meaning

_QUERY = {"问法", "问题", "query", "question"}
_ENTRY = {"编号", "条目编号", "entry_id", "id"}
_SOON = 60  # texts whose vectors are computed while an import waits: some 20 seconds at most
_DECISIONS = {"answer": "直接答复", "clarify": "请群众选", "draft": "给人工拟答", "none": "无"}


def test(context: Any, file: Path | None, semantic: str) -> None:
    """Add the questions of a file, if one is given, then try every saved question.

    ``semantic`` takes the place of the setting if it is not empty.
    """
    settings = settings_of(context)
    mode, *endpoint = settings.knowledge.embedder
    added = read(file) if file else []
    with meaning_of((semantic or mode, *endpoint), settings.vectors_dir) as meaning:
        verdicts = run(_test(settings, added, meaning))
    if not verdicts:
        raise CommandError("还没有保存测试问题，请用 wenban kb test 文件 导入（列：问法、编号）。")
    failed = [verdict for verdict in verdicts if not verdict.passed]
    _show(failed, "没有通过的问题")
    if failed:
        raise CommandError(f"{len(verdicts)} 个测试问题，{len(failed)} 个没有通过。")
    console().print(f"{len(verdicts)} 个测试问题全部通过。")


def read(path: Path) -> list[Gold]:
    """The usable questions of a file; the other lines are named. Raises KnowledgeFileError."""
    found: dict[str, Gold] = {}
    problems = []
    for line, query, entry_id in _records(path):
        if query:
            found[query] = Gold(query, entry_id)
        else:
            problems.append(f"第 {line} 行：没有问法，请填写群众会怎样问，或删去这一行。")
    complain_of(problems)
    return list(found.values())


async def breaks(
    settings: Settings,
    database: Database,
    wanted: Sequence[Entry] = (),
    own: Mapping[str, str] | None = None,
) -> list[Verdict]:
    """Saved questions that pass today and would not after these entries are saved.

    Or after these synonyms take the place of the office's present ones. By meaning too where
    vectors are at hand or soon computed.
    """
    async with database.read() as session:
        questions = await gold.load(session)
        present = await entries.load(session) if questions else []
        words = await lexicon.load(session)
    if not questions:
        return []
    weights = read_ranker(settings.knowledge)
    after, bundles = words if own is None else own, read_bundles(settings.knowledge)
    change = Change(present, wanted, words, after, bundles)
    try:
        with meaning_of(settings.knowledge.embedder, settings.vectors_dir) as meaning:
            return saved.breaks(
                change, questions, meaning=meaning, weights=weights, prepare=_fill_quickly
            )
    except SemanticError as error:
        complain(f"{error} 测试问题这次只按字词检验。")
        return saved.breaks(change, questions, weights=weights)


def _fill_quickly(matcher: Matcher) -> None:
    """Complete the vectors, or go by words if that would take long."""
    meaning = matcher.meaning
    if meaning is None:
        return
    if (missing := meaning.missing) <= _SOON:
        meaning.fill()
        return
    matcher.meaning = None
    complain(
        f"有 {missing} 段文字还没有语义向量，测试问题这次只按字词检验；"
        "导入后可用 wenban kb test 按语义再试。"
    )


def refuse_breaks(found: Sequence[Verdict], accepted: bool) -> None:
    """Show what a change breaks; without consent it goes no further."""
    if not found:
        return
    _show(found, "将不再通过的测试问题")
    if not accepted:
        raise CommandError(
            f"有 {len(found)} 个测试问题会因此答错，没有导入。请修改后再来；"
            "确认无误的，加 --accept-broken 再来一次。"
        )


async def _test(
    settings: Settings, added: Sequence[Gold], meaning: Meaning | None
) -> list[Verdict]:
    async with office_database(settings) as database:
        if added:
            async with database.write() as session:
                changed = await gold.save(session, added, actor())
            complain(f"测试问题：读到 {len(added)} 个，新增或修改 {changed} 个")
        async with database.read() as session:
            present, questions = await entries.load(session), await gold.load(session)
            own = await lexicon.load(session)
    weights = read_ranker(settings.knowledge)
    bundles = composed(read_bundles(settings.knowledge), {entry.id: entry for entry in present})
    matcher = Matcher([*present, *bundles], meaning=meaning, own=own, weights=weights)
    if meaning is not None and meaning.missing and questions:
        complain(f"先算 {meaning.missing} 段文字的语义向量，只算一次；不想等可加 --semantic off")
        with progress() as watched:
            meaning.fill(bar(watched, "计算语义向量"))
    return check(matcher, questions)


def _show(verdicts: Sequence[Verdict], title: str) -> None:
    if not verdicts:
        return
    rows = [
        (
            one.gold.query,
            one.gold.entry_id or "（不该有）",
            one.found or "（无）",
            f"{one.probability:.0%}",
            _DECISIONS[one.decision],
        )
        for one in verdicts
    ]
    table(("问法", "应为", "得到", "把握", "处理"), rows, title=title)


def _records(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, question and entry id of every row."""
    if path.suffix.lower() == ".jsonl":
        for line, record in tables.records(path):
            values = record if isinstance(record, dict) else {}
            yield line, _one_of(_QUERY, values), _one_of(_ENTRY, values)
        return
    for sheet in tables.sheets(path):
        _, header = next(sheet.rows, (0, []))
        names = [str(cell).strip().lower() for cell in header]
        if not _QUERY & set(names):
            raise CommandError(f"“{path.name}”里没有“问法”一列，请让第一行写明：问法、编号。")
        for line, cells in sheet.rows:
            values = dict(zip(names, cells, strict=False))
            yield line, _one_of(_QUERY, values), _one_of(_ENTRY, values)
        return


def _one_of(names: set[str], values: dict[str, Any]) -> str:
    found = next((values[name] for name in values if name in names and values[name]), "")
    return str(found).strip()
