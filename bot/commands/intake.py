"""wenban intake: a platform's export goes the way of every message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.chinese import Source
from bot.commands.common import (
    CommandError,
    actor,
    complain,
    complain_of,
    console,
    progress,
    refuse_overwrite,
    run,
    settings_of,
    table,
)

if TYPE_CHECKING:
    from bot.exports import Export
    from bot.settings import Settings
    from handlers.exported import Filing


def intake(
    context: typer.Context,
    file: Source,
    source: Annotated[
        str, typer.Option(metavar="名称", help="来源：配置里 [sources.名称] 的名称。")
    ],
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="项=列名",
            help="哪一列是什么，如 内容=评论文本；可写几次，记住供下次用。项："
            "编号、群众编号、昵称、内容、时间、修改时间、帖子、楼、类型。",
            show_default=False,
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="只看认出的列和头几行，不写入。")
    ] = False,
    direct: Annotated[
        bool, typer.Option("--direct", help="没有“类型”列时，都当作私信；不写则都是评论。")
    ] = False,
    rejected: Annotated[
        Path | None,
        typer.Option(
            metavar="文件", help="没收下的行和原因写到这个 CSV；不写则是“文件名-未导入.csv”。"
        ),
    ] = None,
) -> None:
    """导入平台导出的评论、私信（xlsx、csv、tsv），照常研判、答复；重复导入不会重复。"""
    from bot.exports import remembered
    from handlers.exported import Filing

    settings = _settings(context, source)
    report = rejected or Path(f"{file.stem}-未导入.csv")
    asked, folder = _chosen(mapping or []), settings.app.data_dir
    chosen = {**remembered(folder, source), **asked}
    export = _read(file, chosen, direct)
    _must_be_there(asked, export)
    _show(export, file)
    if preview:
        console().print("以上只是预览，没有写入。")
        return
    if rejected is not None:
        refuse_overwrite(rejected)
    if mapping:
        _keep(folder, source, chosen, export)
    filing = Filing(source, export)
    run(_take(settings, filing))
    _account_for(filing, report)


def _read(file: Path, chosen: Mapping[str, str], direct: bool) -> Export:
    from bot.exports import UnknownColumnsError, read

    try:
        return read(file, chosen, direct=direct)
    except UnknownColumnsError as error:
        raise CommandError(f"{error}请用 --map 内容=列名 --map 时间=列名 指明。") from None


def _keep(folder: Path, source: str, chosen: Mapping[str, str], export: Export) -> None:
    """Remember the columns for the next export of this source."""
    from bot.exports import remember

    known = export.columns
    kept = {key: known.get(key, "") for key in chosen if not chosen[key] or key in known}
    remember(folder, source, kept)


def _settings(context: typer.Context, source: str) -> Settings:
    settings = settings_of(context)
    if source not in settings.sources:
        known = "、".join(settings.sources) or "（还没有）"
        raise CommandError(f"配置里没有来源 {source}，请先写 [sources.{source}]；现有：{known}。")
    return settings


def _chosen(mapping: list[str]) -> dict[str, str]:
    from bot.exports import TITLES

    chosen = {}
    for one in mapping:
        title, mark, column = one.partition("=")
        if not mark or title.strip() not in TITLES or not column.strip():
            raise CommandError(
                f"--map {one}：应写成 项=列名，如 内容=评论文本；项可以是{'、'.join(TITLES)}。"
            )
        chosen[TITLES[title.strip()]] = column.strip()
    return chosen


def _must_be_there(asked: dict[str, str], export: Export) -> None:
    from bot.history import normal

    for key, column in asked.items():
        if normal(export.columns.get(key, "")) != normal(column):
            known = "、".join([*export.columns.values(), *export.ignored])
            raise CommandError(f"文件里没有“{column}”这一列，有的是：{known}。")


def _show(export: Export, file: Path) -> None:
    """Which column is taken for what, with the first rows."""
    from bot.exports import FIELDS
    from knowledge.masking import mask

    rows = [
        (
            one.title,
            export.columns.get(key, "（没有）"),
            *(mask(sample.get(key, "")) for sample in export.samples),
        )
        for key, one in FIELDS.items()
    ]
    heads = [f"第 {n} 条" for n in range(1, len(export.samples) + 1)]
    table(["项", "列", *heads], rows, title=f"{file.name} 各列")
    if export.ignored:
        console().print(f"没有用到的列：{'、'.join(export.ignored)}", markup=False)


async def _take(settings: Settings, filing: Filing) -> None:
    """Store the rows, and note it."""
    from bot.app import build
    from storage.ledger import audit

    watched = progress()
    async with build(settings) as app:
        with watched:
            bar = watched.add_task("导入", total=len(filing.export.rows))
            while not filing.done:
                watched.advance(bar, await filing.step(app.desk.ingesting.take))
        async with app.db.write() as session:
            rows = len(filing.export.rows)
            audit(session, actor(), "account.intake", filing.source, rows=rows, **filing.counts)


def _account_for(filing: Filing, report: Path) -> None:
    from bot.exports import report_of

    export, counts, bad = filing.export, filing.counts, filing.bad
    if bad:
        report.write_bytes(report_of(bad))
        complain("以下各行没有导入：")
        complain_of([f"{one.where}：{one.reason}" for one in bad])
        complain(f"全部写在 {report}，改好后重新导入整个文件即可，收过的不会重复。")
    days = sum(row.imprecise for row in export.rows)
    if days:
        console().print(f"其中 {days} 行的时间只有日期，从当天 0 点起计时。")
    shown = {
        "读到": len(export.rows) + len(export.skipped),
        "新收": counts["new"],
        "改动": counts["changed"],
        "已收过": counts["known"],
        "没收下": len(bad),
    }
    table(list(shown), [[f"{n:,}" for n in shown.values()]], title="导入结果")
    if not sum(counts.values()):
        raise CommandError("没有一行可用，请按上面的提示修改文件。")
