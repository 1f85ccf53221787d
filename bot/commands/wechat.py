"""wenban wechat: what is set up on the platform itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands.chinese import ChineseCommand, group
from bot.commands.common import CommandError, console, run, settings_of

if TYPE_CHECKING:
    from bot.settings import Settings

wechat = group("微信公众号：设置账号的菜单。")


@wechat.command("menu", cls=ChineseCommand)
def menu(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只显示，不设置。")] = False,
) -> None:
    """按知识库里常办的事设置公众号菜单，原有的菜单会被替换。"""
    made = run(_set_menu(settings_of(context), dry_run))
    out = console()
    for button in made["button"]:
        inner = "、".join(one["name"] for one in button.get("sub_button", ()))
        out.print(f"{button['name']}　{inner}".rstrip(), markup=False)
    done = "没有设置（--dry-run）。" if dry_run else "已设置，群众重新打开公众号就能看到。"
    out.print(done, markup=False)


async def _set_menu(settings: Settings, dry_run: bool) -> dict[str, Any]:
    from bot.app import build
    from bot.channels.base import SendError
    from bot.channels.wechat import WechatChannel
    from handlers.wechat.menu import account_menu

    async with build(settings) as app:
        made = account_menu(await app.desk.citizens.menu())
        channel = app.channels.get("wechat")
        if dry_run:
            return made
        if not isinstance(channel, WechatChannel):
            raise CommandError("没有启用公众号，请先设置 wechat.app_id 和三项口令。")
        try:
            await channel.api.call("/cgi-bin/menu/create", made)
        except SendError as error:
            raise CommandError(f"菜单没有设好：{error}") from None
        return made
