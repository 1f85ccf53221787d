"""How people say in words what is a command or a menu item elsewhere."""

from __future__ import annotations

import re

ALIASES = {
    "menu": ("菜单", "办事菜单", "服务菜单", "常办的事"),
    "mine": ("我的诉求", "我的问题", "查进度", "办理进度"),
    "rate": ("评价", "我要评价", "打分"),
    "mydata": ("我的信息", "我的数据"),
    "erase": ("删除我的信息", "删除我的数据"),
    "help": ("帮助", "使用帮助", "怎么用"),
}
_ENDING = re.compile(r"[\s。．.！!？?~～]+$")


def bare(text: str) -> str:
    """The words without what people put after them."""
    return _ENDING.sub("", text.strip())


def command_of(text: str) -> str:
    """The command that the words mean; "" for none."""
    said = bare(text)
    return next((command for command, words in ALIASES.items() if said in words), "")
