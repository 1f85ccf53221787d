"""wenban kb words list|add|remove|import|export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.commands.common import (
    CommandError,
    actor,
    complain_of,
    console,
    office_database,
    refuse_overwrite,
    run,
    settings_of,
    table,
)
from bot.commands.gold import breaks, refuse_breaks
from bot.settings import Settings
from knowledge.lexicon import ALONE, Lexicon, LexiconError, clean, join, part, shipped
from knowledge.tables import KnowledgeFileError, decode, replacing
from knowledge.text import normalize
from storage import lexicon

Own = Mapping[str, str]
MAX_BYTES = 5_000_000
_SOON = "运行中的程序几秒内就会用上。"


def show(context: Any, word: str, *, everything: bool) -> None:
    """The groups the office changed, or all, or those with a word in which this one stands."""
    own = run(_load(settings_of(context)))
    chosen = [
        (common, added)
        for common, added in _groups(own)
        if (added or everything or word) and any(word in one for one in (*common, *added))
    ]
    alone = [one for one, kin in own.items() if kin == ALONE and word in one]
    if chosen:
        table(("自带", "本单位加的"), [("、".join(a), "、".join(b)) for a, b in chosen], "同义词")
    if alone:
        console().print(f"从自带的组里移出的：{'、'.join(alone)}", markup=False)
    if not chosen and not alone:
        console().print("没有这样的同义词。" if word else "本单位还没有改过同义词。")


def add(context: Any, same: Sequence[str], *, accept_broken: bool) -> None:
    """Words that mean the same from now on."""
    own = _change(context, lambda own: join(own, same), "kb.words.add", accept_broken)
    group = Lexicon(own).group_of(clean(same[0]))
    words = "、".join(group.words if group else same)
    console().print(f"现在是同义词：{words}。{_SOON}", markup=False)


def remove(context: Any, alone: Sequence[str], *, accept_broken: bool) -> None:
    """Words that stand alone from now on."""
    _change(context, lambda own: part(own, alone), "kb.words.remove", accept_broken)
    console().print(f"已移出：{'、'.join(alone)}。{_SOON}", markup=False)


def import_file(context: Any, file: Path, *, accept_broken: bool) -> None:
    """Groups of a file, one a line; unusable lines are named and the others taken."""
    lines = list(_lines(file))
    problems: list[str] = []
    _change(context, lambda own: _taken(own, lines, problems), "kb.words.import", accept_broken)
    complain_of(problems)
    if lines and len(problems) == len(lines):
        raise CommandError("没有一行可用，什么都没有导入，请按上面的提示修改文件。")
    console().print(f"读到 {len(lines)} 行，{len(problems)} 行有误。{_SOON}", markup=False)


def export_file(context: Any, file: Path) -> None:
    """What the office changed, as lines that can be imported."""
    settings = settings_of(context)
    refuse_overwrite(file)
    own = run(_load(settings))
    known = shipped()
    lines = [f"-{word}" for word in own if known.group_of(word)]
    lines += [" ".join((*common, *added)) for common, added in _groups(own) if added]
    with replacing(file) as target:
        target.write("".join(f"{line}\n" for line in lines).encode())
    console().print(f"已导出 {len(lines)} 行到 {file}", markup=False)


def _groups(own: Own) -> Iterator[tuple[list[str], list[str]]]:
    """For each group the shipped words in it, and those that the office added."""
    for group in Lexicon(own).groups:
        yield (
            [word for word in group.words if word not in own],
            [word for word in group.words if word in own],
        )


def _change(
    context: Any, changed: Callable[[Own], dict[str, str]], action: str, accept_broken: bool
) -> Own:
    return run(_changed(settings_of(context), changed, action, accept_broken))


async def _changed(
    settings: Settings, changed: Callable[[Own], dict[str, str]], action: str, accepted: bool
) -> Own:
    """Saved questions that the change would break stop it, unless that is accepted."""
    async with office_database(settings) as database:
        async with database.read() as session:
            wanted = changed(await lexicon.load(session))
        refuse_breaks(await breaks(settings, database, own=wanted), accepted)
        async with database.write_alone() as session:
            await lexicon.change(session, changed, actor(), action)
            return await lexicon.load(session)


async def _load(settings: Settings) -> dict[str, str]:
    async with office_database(settings) as database, database.read() as session:
        return await lexicon.load(session)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Numbered lines with their words; comments begin with #."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise KnowledgeFileError(f"文件“{path.name}”超过 5 MB，不像是同义词表，请核对。")
        text = decode(path.read_bytes(), path.name)
    except OSError as error:
        raise KnowledgeFileError(f"无法读取“{path}”，请检查路径和权限。") from error
    for number, line in enumerate(text.splitlines(), 1):
        if words := line.partition("#")[0].replace("、", " ").replace("，", " ").split():
            yield number, words


def _bare(words: Sequence[str]) -> list[str]:
    return [normalize(word.removeprefix("-")) for word in words]


def _taken(own: Own, lines: Sequence[tuple[int, list[str]]], problems: list[str]) -> dict[str, str]:
    """The office's words after every usable line; `problems` is what is wrong with the others."""
    problems.clear()
    for number, words in lines:
        try:
            if words[0].startswith("-"):
                own = part(own, [word for word in _bare(words) if Lexicon(own).group_of(word)])
            else:
                own = join(own, words)
        except LexiconError as error:
            problems.append(f"第 {number} 行：{error}")
    return dict(own)
