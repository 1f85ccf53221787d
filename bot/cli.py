"""The command line. Commands import what they need when they run, so that --help is quick."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import accounts, intake, keeping, learning, ledger, wechat
from bot.commands.chinese import ChineseCommand, Source, Target, explain_usage, group
from bot.commands.common import CommandError, complain
from storage.terms import ProcessRole, Role


class ReportFormat(StrEnum):
    JSON = "json"
    XLSX = "xlsx"
    DOCX = "docx"
    HTML = "html"


class Dimension(StrEnum):
    ACCOUNT = "account"
    DEPARTMENT = "department"
    PERSON = "person"
    CATEGORY = "category"
    CHANNEL = "channel"
    MONTH = "month"


app = group("问办：政务新媒体留言的答复、督办与考核。")
kb = group("知识库：导入、导出、检查。")
user = group("工作人员：登记、查看、停用。")
kb.add_typer(learning.words, name="words")
kb.add_typer(learning.learn, name="learn")
app.add_typer(kb, name="kb")
app.add_typer(user, name="user")
app.add_typer(keeping.db, name="db")
app.add_typer(ledger.ledger, name="ledger")
app.add_typer(accounts.account, name="account")
app.add_typer(wechat.wechat, name="wechat")
app.command("intake", cls=ChineseCommand)(intake.intake)

_DAY = ["%Y-%m-%d"]


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="文件", help="配置文件；不写则用当前目录的 config.toml（如果有）。"
        ),
    ] = None,
) -> None:
    context.obj = config


@app.command(cls=ChineseCommand)
def run(
    context: typer.Context,
    role: Annotated[
        ProcessRole,
        typer.Option(help="跑哪部分：bot 收消息，worker 办理发送，console 网页，scheduler 定时。"),
    ] = ProcessRole.ALL,
) -> None:
    """启动服务。"""
    from bot.app import run as serve
    from bot.commands.common import run as wait_for
    from bot.commands.common import settings_of

    wait_for(serve(settings_of(context), role))


@app.command(cls=ChineseCommand)
def check(context: typer.Context) -> None:
    """检查配置、数据库、知识库和各项连接，说明怎么改。"""
    from bot.commands import check as command

    command.check(context)


@kb.command("import", cls=ChineseCommand)
def kb_import(
    context: typer.Context,
    file: Source,
    automatic: Annotated[
        bool | None,
        typer.Option(
            "--automatic/--no-automatic",
            help="全部条目允许（或不允许）自动回复；不写则按文件里的“自动回复”列。",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入。")] = False,
    accept_broken: Annotated[
        bool, typer.Option("--accept-broken", help="即使有测试问题因此答错也导入。")
    ] = False,
) -> None:
    """导入知识库（csv、tsv、xlsx、jsonl），按编号新增或更新。"""
    from bot.commands import kb as command

    command.import_file(
        context, file, automatic=automatic, dry_run=dry_run, accept_broken=accept_broken
    )


@kb.command("test", cls=ChineseCommand)
def kb_test(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[文件]",
            exists=True,
            dir_okay=False,
            help="要加入的测试问题（列：问法、编号）；不写则只试已保存的。",
        ),
    ] = None,
    semantic: Annotated[
        str,
        typer.Option(
            "--semantic",
            metavar="auto|off|bundled|endpoint",
            help="按语义匹配的方式；不写则用配置里的。",
            show_default=False,
        ),
    ] = "",
) -> None:
    """用保存的测试问题检验知识库，每次导入前也会自动检验。"""
    from bot.commands import gold as command

    command.test(context, file, semantic)


@kb.command("export", cls=ChineseCommand)
def kb_export(context: typer.Context, file: Target) -> None:
    """导出知识库，格式看文件名后缀。"""
    from bot.commands import kb as command

    command.export_file(context, file)


@kb.command("evidence", cls=ChineseCommand)
def kb_evidence(context: typer.Context, file: Target) -> None:
    """导出有人判断过的问题（JSONL，已打码），供训练本单位自己的权重。"""
    from bot.commands import learn as command

    command.export(context, file)


@kb.command("check", cls=ChineseCommand)
def kb_check(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[文件]", exists=True, dir_okay=False, help="要查的文件；不写则查现有知识库。"
        ),
    ] = None,
) -> None:
    """检查知识库：重复、过期、该复核、链接不对等。"""
    from bot.commands import kb as command

    command.check_entries(context, file)


@kb.command("links", cls=ChineseCommand)
def kb_links(context: typer.Context) -> None:
    """打开每个办事入口看看，记下打不开的，报表里会列出。"""
    from bot.commands import links as command

    command.check_links(context)


@app.command("import", cls=ChineseCommand)
def import_history(
    context: typer.Context,
    file: Source,
    account: Annotated[str, typer.Option(metavar="名称", help="这些留言属于哪个政务账号。")],
    strict_replies: Annotated[
        bool,
        typer.Option("--strict-replies", help="敷衍的答复（如“已收悉”）不算答复，计时不停。"),
    ] = False,
) -> None:
    """导入以往的留言和答复（xlsx、csv、tsv、jsonl），重复导入不会重复。"""
    from bot.commands import history as command

    command.import_file(context, file, account, strict=strict_replies)


@app.command(cls=ChineseCommand)
def match(
    context: typer.Context,
    kb: Annotated[
        Path,
        typer.Option("--kb", metavar="文件", exists=True, dir_okay=False, help="知识库文件。"),
    ],
    source: Annotated[
        Path,
        typer.Option(
            "--input", metavar="文件", exists=True, dir_okay=False, help="JSONL，每行有 query。"
        ),
    ],
    target: Annotated[
        Path, typer.Option("--output", metavar="文件", help="结果 JSONL，每行对应一行输入。")
    ],
    semantic: Annotated[
        str,
        typer.Option(
            "--semantic",
            metavar="auto|off|bundled",
            help="按语义匹配：auto 有模型就用，off 只按字词，bundled 没有模型就报错。",
        ),
    ] = "auto",
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache", metavar="目录", file_okay=False, help="语义向量存放处，再次运行时免算。"
        ),
    ] = None,
) -> None:
    """批量匹配：每行问题找出知识库里的候选，不用数据库。"""
    from bot.commands import kb as command

    command.match(context, kb, source, target, semantic=semantic, cache=cache)


@app.command(cls=ChineseCommand)
def report(
    context: typer.Context,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=_DAY, metavar="日期", help="起始日（含），按留言的日子。"),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=_DAY, metavar="日期", help="截止日（含）。"),
    ] = None,
    profile: Annotated[
        str, typer.Option(metavar="方案", help="时限方案；不写则用配置里的。", show_default=False)
    ] = "",
    form: Annotated[ReportFormat, typer.Option("--format", help="格式。")] = ReportFormat.JSON,
    output: Annotated[
        Path | None, typer.Option(metavar="文件", help="写到文件；不写则显示（仅 json）。")
    ] = None,
    rank: Annotated[
        bool, typer.Option("--rank", help="计分卡排名；有一项没有评的不排。默认只分达标与否。")
    ] = False,
    cases: Annotated[
        str,
        typer.Option(
            "--cases",
            metavar="指标",
            help="列出这个数字背后的每一件，如 on_time.denominator；写 list 看有哪些。",
            show_default=False,
        ),
    ] = "",
    by: Annotated[
        Dimension | None, typer.Option("--by", help="与 --group 一起，只列其中一组的。")
    ] = None,
    group: Annotated[
        str, typer.Option("--group", metavar="名称", help="如 市公安局。", show_default=False)
    ] = "",
) -> None:
    """考核报表：及时率、响应时长、满意度、办结率、计分卡、账号健康，含数字背后的诉求。"""
    from bot.commands import report as command

    command.report(
        context,
        command.Asked(first, last, profile, form.value, output, rank=rank),
        cases=cases,
        by=by.value if by else "",
        group=group,
    )


@user.command("add", cls=ChineseCommand)
def user_add(
    context: typer.Context,
    login: Annotated[str, typer.Argument(metavar="登录名", help="字母、数字，不重复。")],
    name: Annotated[str, typer.Option(metavar="姓名", help="姓名。")],
    role: Annotated[Role, typer.Option(help="角色。")],
    department: Annotated[str, typer.Option(metavar="单位", help="所在单位。")] = "",
    telegram_id: Annotated[
        str, typer.Option(metavar="编号", help="Telegram 用户编号（数字）。")
    ] = "",
    password_prompt: Annotated[
        bool,
        typer.Option("--password-prompt", help="随后输入登录工作台的首次密码，第一次登录要改掉。"),
    ] = False,
) -> None:
    """登记一名工作人员；登录名已停用的重新启用。"""
    from bot.commands import user as command

    given = _new_password() if password_prompt else ""
    command.add(context, login, name, role.value, department, telegram_id, password=given)


@user.command("password", cls=ChineseCommand)
def user_password(
    context: typer.Context,
    login: Annotated[str, typer.Argument(metavar="登录名", help="给谁换密码。")],
) -> None:
    """换一个首次密码：原来的密码和动态口令作废，已登录的全部退出。"""
    from bot.commands import user as command

    command.password(context, login, _new_password())


def _new_password() -> str:
    given: str = typer.prompt("首次密码（10 位以上）", hide_input=True)
    if typer.prompt("再输一遍", hide_input=True) != given:
        raise CommandError("两遍密码不一样，没有保存，请重新运行。")
    return given


@user.command("list", cls=ChineseCommand)
def user_list(context: typer.Context) -> None:
    """列出全部工作人员。"""
    from bot.commands import user as command

    command.show(context)


@user.command("disable", cls=ChineseCommand)
def user_disable(
    context: typer.Context,
    login: Annotated[str, typer.Argument(metavar="登录名", help="要停用的登录名。")],
) -> None:
    """停用一名工作人员，记录保留。"""
    from bot.commands import user as command

    command.disable(context, login)


def main(arguments: list[str] | None = None) -> None:
    """The console script; ends the process with 0, 1 (refused, failed) or 2 (misused)."""
    try:
        code = app(arguments, standalone_mode=False, prog_name="wenban")
    except Exception as error:
        code = _explain(error)
    sys.exit(code if isinstance(code, int) else 0)


def _explain(error: Exception) -> int:
    if hasattr(error, "format_message"):
        if error.format_message():
            complain(explain_usage(error))
        return 2
    complain(_text_of(error))
    return 1


def _text_of(error: Exception) -> str:
    if isinstance(error, CommandError) or (isinstance(error, ValueError) and _chinese(error)):
        return str(error)
    if isinstance(error, typer.Abort):
        return "已停止。"
    return _text_of_trouble(error)


def _chinese(error: Exception) -> bool:
    """Whether the text was written for people; libraries raise ValueError in English."""
    return any("\u4e00" <= char <= "\u9fff" for char in str(error))


def _text_of_trouble(error: Any) -> str:
    reason = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
    if type(error).__module__.startswith("sqlalchemy") or isinstance(error, ConnectionError):
        return f"数据库出错：{reason}。请核对 database.url，看数据库是否在运行、有无权限。"
    if isinstance(error, PermissionError):
        return f"没有权限读写 {error.filename}，请核对文件的权限。"
    if isinstance(error, OSError):
        return f"读写出错：{reason}。请核对路径和磁盘空间。"
    return f"程序出错（{type(error).__name__}）：{reason}。请把这行文字告诉维护人员。"
