"""管理 that changes something: synonyms added and taken out, backups made and taken along."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from fastapi import Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from nicegui import app, ui

from bot.desk.administering import Kept, WordGroup
from bot.desk.countdown import ago, exact_moment
from bot.desk.office import DeskError
from handlers.console.forms import message
from handlers.console.pages.forbidden import Forbidden
from handlers.console.pages.parts import button, choose, tag, word
from handlers.console.visit import Visit, on_page

_MOST = 100
_MEGA = 1_000_000
_PATH = "/console/admin/backup"


@app.get(_PATH.removeprefix("/console") + "/{name}")
async def backup(request: Request, name: str) -> Response:
    """A backup as a file, for whoever is 管理员 at this moment; noted in the audit."""
    visit: Visit = request.state.visit
    try:
        staff = await visit.signin.working(visit.token)
        path = await visit.desk.administering.hand_over(staff, name)
    except DeskError as error:
        return HTMLResponse(message("不能下载", str(error)), 403)
    return FileResponse(path, filename=name, media_type="application/zip")


async def show_words(visit: Visit) -> None:
    """The office's synonyms, and what must not be published."""
    await Words(visit).look()
    await Forbidden(visit).look()


class Words:
    """Groups of words with one meaning; each change is checked against the saved questions."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        word("同义词", "part-name big", name="h2")
        word(
            "写几个意思相同的词，用空格隔开；会让测试问题答错的不收。几秒内就用上，改动记在审计里。",
            "soft small",
            name="p",
        )
        with tag("div", "add-words"):
            self._fresh = ui.input("几个同义的词").props("outlined dense maxlength=200")
            self._fresh.on("keydown.enter", self._add)
            button("加上", strong=True).on_click(self._add)
            self._sought = ui.input("找词").props('outlined dense clearable debounce="300"')
            self._sought.on_value_change(self.look)
        self._list = tag("div", "sheet-box word-groups")

    @on_page
    async def look(self) -> None:
        """Show the groups the office changed, or those that are looked for."""
        text = str(self._sought.value or "")
        desk = self.visit.desk.administering
        found = await self.visit.latest("words", lambda staff: desk.words(staff, text))
        if found is None:
            return
        groups, alone = found
        self._list.clear()
        with self._list:
            if not groups and not alone:
                said = (
                    "没有这样的词。" if text else "本单位还没有改过同义词；自带的可以用“找词”查。"
                )
                word(said, "soft")
            for group in groups[:_MOST]:
                self._group(group)
            if len(groups) > _MOST:
                word(f"只列前 {_MOST} 组，请写得具体些再找。", "soft small")
            if alone:
                word("从自带的组里移出的：", "soft")
                word("、".join(alone))

    def _group(self, group: WordGroup) -> None:
        with tag("div", "word-group"):
            if group.shipped:
                word("、".join(group.shipped), hover="程序自带")
            for one in group.added:
                made = tag("button", "chip")
                made.props["aria-label"] = f"移出 {one}"
                made.on("click", lambda one=one: self._part(one))
                with made:
                    word(one)
                    word("×")

    @on_page
    async def _add(self) -> None:
        words = str(self._fresh.value or "").replace("、", " ").replace("，", " ").split()
        if len(words) < 2:
            self.visit.tell("请写两个以上的词，用空格隔开。", bad=True)
            return
        desk = self.visit.desk.administering
        done = await self.visit.ask(lambda staff: _true(desk.join(staff, words)))
        if done:
            self._fresh.value = ""
            self.visit.tell("已加上")
            await self.look()

    @on_page
    async def _part(self, one: str) -> None:
        if await choose(f"把“{one}”移出这一组？", {"yes": "移出"}):
            desk = self.visit.desk.administering
            if await self.visit.ask(lambda staff: _true(desk.part(staff, one))):
                self.visit.tell("已移出")
                await self.look()


async def show_backups(visit: Visit) -> None:
    """Backups in the program's folder."""
    await Backups(visit).look()


class Backups:
    """Make one, take it along, delete it; all of it noted in the audit."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        word("备份", "part-name big", name="h2")
        word(
            "备份里有群众的个人信息和登录口令的摘要，下载后请妥善保管。办公不受影响；"
            "恢复要停下程序，用 wenban db restore。",
            "soft small",
            name="p",
        )
        self._make = button("现在备份", strong=True)
        self._make.on_click(self._made)
        self._list = tag("div", "sheet-box")

    @on_page
    async def look(self) -> None:
        found = await self.visit.ask(self.visit.desk.administering.backups)
        self._list.clear()
        with self._list:
            if not found:
                word("还没有在这里做过备份。", "soft")
                return
            self._rows(found)

    def _rows(self, found: Sequence[Kept]) -> None:
        now = self.visit.desk.office.now()
        with tag("div", "scroll"), tag("table", "numbers wide-table starts"), tag("tbody"):
            for one in found:
                with tag("tr"):
                    word(one.name, "mono", name="th").props('scope="row"')
                    word(ago(one.made_at, now), "", exact_moment(one.made_at), name="td")
                    word(f"{one.size / _MEGA:,.1f} MB", name="td")
                    with tag("td"):
                        with tag("a", "page-way").props(f'href="{_PATH}/{one.name}" download'):
                            word("下载")
                        button("删除").on_click(lambda one=one: self._discard(one.name))

    @on_page
    async def _made(self) -> None:
        self._make.disable()
        self.visit.tell("正在备份…")
        made = await self.visit.ask(self.visit.desk.administering.back_up)
        self._make.enable()
        if made is not None:
            self.visit.tell(f"已备份到 {made.name}")
            await self.look()

    @on_page
    async def _discard(self, name: str) -> None:
        if await choose(f"删除备份 {name}？", {"yes": "删除，不能恢复"}):
            desk = self.visit.desk.administering
            if await self.visit.ask(lambda staff: _true(desk.discard(staff, name))):
                await self.look()


async def _true(work: Awaitable[None]) -> bool:
    """True when it was done; a refusal goes through."""
    await work
    return True
