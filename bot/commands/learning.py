"""The commands by which an office teaches the program; they import what they need when run."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.commands.chinese import ChineseCommand, Source, Target, group

words = group("同义词：查看、增加、移出、导入、导出。")

Words = Annotated[list[str], typer.Argument(metavar="词...", help="词，用空格分开。")]
AcceptBroken = Annotated[
    bool, typer.Option("--accept-broken", help="即使有测试问题因此答错也照办。")
]


@words.command("list", cls=ChineseCommand)
def words_list(
    context: typer.Context,
    word: Annotated[
        str, typer.Argument(metavar="[词]", help="只看含这个词的组。", show_default=False)
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="没有改过的自带的组也列出。")] = False,
) -> None:
    """查看本单位改过的同义词。"""
    from bot.commands import words as command

    command.show(context, word, everything=everything)


@words.command("add", cls=ChineseCommand)
def words_add(context: typer.Context, same: Words, accept_broken: AcceptBroken = False) -> None:
    """把几个词记为同义词；其中已有一组的，其余的加入那一组。"""
    from bot.commands import words as command

    command.add(context, same, accept_broken=accept_broken)


@words.command("remove", cls=ChineseCommand)
def words_remove(context: typer.Context, alone: Words, accept_broken: AcceptBroken = False) -> None:
    """把词从它的组里移出，自带的组也可以。"""
    from bot.commands import words as command

    command.remove(context, alone, accept_broken=accept_broken)


@words.command("import", cls=ChineseCommand)
def words_import(context: typer.Context, file: Source, accept_broken: AcceptBroken = False) -> None:
    """导入文本文件：一行一组，词之间用空格；行首写减号的词移出它的组。"""
    from bot.commands import words as command

    command.import_file(context, file, accept_broken=accept_broken)


@words.command("export", cls=ChineseCommand)
def words_export(context: typer.Context, file: Target) -> None:
    """导出本单位改过的同义词，可以再导入。"""
    from bot.commands import words as command

    command.export_file(context, file)


learn = group("从办过的问题里学：查看、接受、不要。")

Keys = Annotated[list[str], typer.Argument(metavar="编号...", help="列表里的编号，可写几个。")]


@learn.command("list", cls=ChineseCommand)
def learn_list(context: typer.Context) -> None:
    """列出可以学的相似问和同义词，各有多少群众这样问、学了有什么作用。"""
    from bot.commands import learn as command

    command.show(context)


@learn.command("accept", cls=ChineseCommand)
def learn_accept(context: typer.Context, keys: Keys) -> None:
    """接受：问法记为相似问，词记为同义词；会让测试问题答错的不记。"""
    from bot.commands import learn as command

    command.accept(context, keys)


@learn.command("reject", cls=ChineseCommand)
def learn_reject(context: typer.Context, keys: Keys) -> None:
    """不要：以后不再提出。"""
    from bot.commands import learn as command

    command.reject(context, keys)
