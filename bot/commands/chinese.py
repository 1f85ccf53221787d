"""The command line in Chinese: the words that typer itself would print in English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

_HELP = "显示帮助并退出。"
Source = Annotated[
    Path, typer.Argument(metavar="文件", exists=True, dir_okay=False, help="要读的文件。")
]
Target = Annotated[Path, typer.Argument(metavar="文件", help="要写的文件。")]


def _speak_chinese() -> None:
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE = "参数"
    rich_utils.OPTIONS_PANEL_TITLE = "选项"
    rich_utils.COMMANDS_PANEL_TITLE = "命令"
    rich_utils.DEFAULT_STRING = "[默认：{}]"
    rich_utils.REQUIRED_LONG_STRING = "[必填]"


class ChineseCommand(TyperCommand):
    """A command whose usage line and panels are in Chinese."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _speak_chinese()
        super().format_help(ctx, formatter)

    def get_help_option(self, ctx: Any) -> Any:
        return _chinese_help(super().get_help_option(ctx))


class ChineseGroup(TyperGroup):
    """A group of commands whose usage line and panels are in Chinese."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _speak_chinese()
        super().format_help(ctx, formatter)

    def get_help_option(self, ctx: Any) -> Any:
        return _chinese_help(super().get_help_option(ctx))


def group(text: str) -> typer.Typer:
    """A group of commands with this line of help."""
    return typer.Typer(
        cls=ChineseGroup,
        help=text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )


def _write_usage(command: Any, ctx: Any, formatter: Any) -> None:
    pieces = " ".join(command.collect_usage_pieces(ctx))
    pieces = pieces.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]...")
    formatter.write_usage(ctx.command_path, pieces, prefix="用法：")


def _chinese_help(option: Any) -> Any:
    if option is not None:
        option.help = _HELP
    return option


def explain_usage(error: Any) -> str:
    """What is wrong with the command line, and where to read more; for people."""
    context = getattr(error, "ctx", None)
    command = "wenban" if context is None else context.command_path
    return f"{_reason(error)}\n用 {command} --help 看用法。"


_REASONS = (
    (r"No such command '(.*?)'", "没有命令 {0}。"),
    (r"Missing command", "请写明要做什么。"),
    (r"unexpected extra argument.*\((.*)\)", "多出了参数 {0}，含空格的请加引号。"),
    (r"Option '(.*)' requires", "选项 {0} 后面要写值。"),
    (r"Option '(.*)' does not take", "选项 {0} 后面不要写值。"),
    (r"'(.*)' is not one of (.*)\.", "不能是 {0}，只能是 {1}。"),
    (r"file '(.*)' does not exist", "找不到文件 {0}，请核对路径。"),
    (r"file '(.*)' is a directory", "{0} 是文件夹，请写文件的路径。"),
    (r"'(.*)' does not match the formats", "{0} 不是日期，请写成 2026-01-31。"),
    (r"valid integer", "要填整数。"),
)


def _reason(error: Any) -> str:
    kind = type(error).__name__
    if kind == "MissingParameter":
        return f"缺少{_name(error.param)}。"
    if kind == "NoSuchOption":
        near = " ".join(error.possibilities or ())
        return f"没有选项 {error.option_name}。" + (f"是不是 {near}？" if near else "")
    name = f"{_name(error.param)}：" if getattr(error, "param", None) is not None else ""
    return name + _translate(error.message)


def _translate(message: str) -> str:
    for pattern, chinese in _REASONS:
        if found := re.search(pattern, message):
            return chinese.format(*(part.replace("'", "") for part in found.groups()))
    return message


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        return f"选项 {parameter.opts[0]}"
    return f"参数 {parameter.metavar or parameter.name.upper()}"
