"""人员: the 管理员's page of who works here, what they may do, and their first passwords."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from bot.desk.people import Member
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import button, choose, field, sheet, tag, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from storage.models import Staff
from storage.terms import Role


@ui.page("/staff", response_timeout=PATIENCE)
async def staff(request: Request, client: Client) -> None:
    await StaffPage(visit_of(request, client)).start()


class StaffPage:
    """The list with its actions; the desk refuses whoever is no 管理员."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        with frame(visit, "人员", "sheet-page"):
            with tag("div", "page-head"):
                word("人员", name="h1")
                button("登记人员", strong=True).on_click(self._add)
            self._list = tag("div", "people")

    async def start(self) -> None:
        members = await self.visit.ask(self.visit.desk.people.everyone)
        self._list.clear()
        with self._list:
            if members is None:
                word("这一页只给管理员看。", "soft")
            for member in members or ():
                self._row(member)

    def _row(self, member: Member) -> None:
        one = member.staff
        with tag("div", "person-row" + ("" if one.active else " off")):
            with tag("div", "person-who"):
                word(one.display_name, "who")
                word(one.login, "soft")
                word(one.role, "category")
            with tag("div", "person-what"):
                word(_range("账号", one.accounts), "soft")
                word(_range("单位", one.departments), "soft")
                word(_state(member), "soft")
            if one.active:
                with tag("div", "person-acts"):
                    button("改角色和范围").on_click(lambda: self._place(one))
                    button("重置密码").on_click(lambda: self._reset(one))
                    button("停用").on_click(lambda: self._disable(one))

    @on_page
    async def _add(self) -> None:
        with sheet("登记人员") as dialog:
            login, name = field("登录名（字母、数字）").props("autofocus"), field("姓名")
            department, telegram = field("所在单位（可不填）"), field("Telegram 编号（可不填）")
            role = ui.select([str(one) for one in Role], label="角色", value=str(Role.AGENT))
            role.props("outlined dense").classes("wide")
            with tag("div", "sheet-foot"):
                button("取消", "Esc").on_click(lambda: dialog.submit(False))
                button("登记", strong=True).on_click(lambda: dialog.submit(True))
        agreed = await dialog
        person = Staff(
            login=login.value.strip(),
            display_name=name.value.strip(),
            department=department.value.strip(),
            telegram_id=telegram.value.strip() or None,
            role=Role(role.value),
        )
        if agreed:
            await self._told(
                await self.visit.ask(lambda s: self.visit.desk.people.add(s, person)),
                person.display_name,
            )

    @on_page
    async def _reset(self, one: Staff) -> None:
        if await choose(f"给{one.display_name}换一个首次密码？", {"yes": "重置，并让其退出登录"}):
            await self._told(
                await self.visit.ask(lambda s: self.visit.desk.people.reset(s, one.login)),
                one.display_name,
            )

    async def _told(self, password: str | None, name: str) -> None:
        """Show a first password once."""
        if password is None:
            return
        with sheet(f"{name}的首次密码", lasting=True) as dialog:
            word(password, "secret", name="div")
            word("只显示这一次。请当面或电话告知，第一次登录要改掉。", "soft")
            with tag("div", "sheet-foot"):
                noted = button("记下了", strong=True).props("autofocus")
                noted.on_click(lambda: dialog.submit(True))
        await dialog
        await self.start()

    @on_page
    async def _disable(self, one: Staff) -> None:
        if await choose(f"停用{one.display_name}？", {"yes": "停用，记录保留"}):
            await self.visit.ask(lambda s: self.visit.desk.people.disable(s, one.login))
            await self.start()

    @on_page
    async def _place(self, one: Staff) -> None:
        accounts, departments, _ = await self.visit.errands.run(self.visit.desk.inbox.choices())
        known = await self.visit.errands.run(self.visit.desk.review.departments())
        with sheet(f"{one.display_name}的角色和范围") as dialog:
            role = ui.select([str(each) for each in Role], label="角色", value=one.role)
            role.props("autofocus")
            mine = [key for key in one.accounts if key in accounts]
            account = ui.select(
                accounts, label="只办这些账号（不选为全部）", value=mine, multiple=True
            )
            places = sorted({*known, *departments, *one.departments})
            department = ui.select(
                places, label="只办这些单位（不选为全部）", value=one.departments, multiple=True
            )
            for each in (role, account, department):
                each.props("outlined dense use-chips").classes("wide")
            with tag("div", "sheet-foot"):
                button("取消", "Esc").on_click(lambda: dialog.submit(False))
                button("保存", strong=True).on_click(lambda: dialog.submit(True))
        agreed = await dialog
        chosen = role.value, account.value or [], department.value or []
        if agreed:
            people = self.visit.desk.people
            await self.visit.ask(lambda s: people.place(s, one.login, *chosen))
            self.visit.tell("已保存")
            await self.start()


def _range(title: str, names: list[str]) -> str:
    return f"{title}：{'、'.join(names) or '全部'}"


def _state(member: Member) -> str:
    if not member.staff.active:
        return "已停用"
    return "可登录工作台" if member.signs_in else "还没有密码"
