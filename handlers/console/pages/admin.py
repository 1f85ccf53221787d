"""管理: how the program is and what it was told; changed here is only what the database holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from fastapi import Request
from nicegui import Client, ui

from bot.clock import Spans
from bot.deadlines import Profile, profiles
from bot.desk.administering import Running
from bot.desk.countdown import ago, exact_moment
from bot.desk.premises import Level, Setting
from bot.reports.measures import NO_DATA
from handlers.console.pages import gauges
from handlers.console.pages.figures import STYLE
from handlers.console.pages.frame import frame
from handlers.console.pages.keeping import show_backups, show_words
from handlers.console.pages.parts import button, tag, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from storage.models import Account
from storage.terms import Role

_PARTS = {
    "running": "运行",
    "accounts": "账号",
    "rules": "时限与单位",
    "words": "词语",
    "backups": "备份",
    "settings": "设置",
}
_MINUTES, _HALF_A_DAY, _A_DAY = timedelta(minutes=30), timedelta(hours=14), timedelta(hours=26)
JOBS = {
    "outbox_sweep": ("补发没发出的消息", _MINUTES),
    "hand_over": ("没有反应的转人工", _MINUTES),
    "remind": ("督办提醒", _HALF_A_DAY),
    "resolve": ("无异议办结", _HALF_A_DAY),
    "pauses": ("到时恢复计时", _MINUTES),
    "transfers": ("转办逾期退回", _MINUTES),
    "digest": ("晨报", _A_DAY),
    "renew_dues": ("日历有变时重算期限", _MINUTES),
    "fold": ("汇总考核底数", _MINUTES),
    "expire": ("抹去保留期满的个人信息", _A_DAY),
    "menu": ("按需求重排办事菜单", _A_DAY),
    "links": ("查办事入口打不打得开", _A_DAY),
    "verify": ("每日封存、核对台账", _A_DAY),
}
"""What each job is called, and after what time without a run something is wrong."""
DOOR_JOBS = {
    "wechat_media": ("取公众号收到的照片和语音", _MINUTES),
    "wechat_comments": ("取公众号文章的留言", _A_DAY),
}
"""The same of jobs that not every office has: they stand there once they ran."""
_ACCOUNT = (
    *("账号", "平台", "主办单位", "主管单位", "责任人"),
    *("状态", "审核", "最后发布", "连接"),
)
_TONES = {Level.GOOD: "met", Level.NOTE: "near", Level.BAD: "bad"}


@ui.page("/admin", title="管理 · 问办", response_timeout=PATIENCE)
async def admin(request: Request, client: Client) -> None:
    await AdminPage(visit_of(request, client), "running").start()


@ui.page("/admin/{part}", title="管理 · 问办", response_timeout=PATIENCE)
async def admin_part(request: Request, client: Client, part: str) -> None:
    await AdminPage(visit_of(request, client), part if part in _PARTS else "running").start()


class AdminPage:
    """One part of the administration; the desk refuses whoever is no 管理员."""

    def __init__(self, visit: Visit, part: str) -> None:
        self.visit, self._part = visit, part
        with frame(visit, "管理", "sheet-page figures-page", _PARTS[part]):
            ui.add_head_html(STYLE)
            with tag("nav", "sub-ways").props('aria-label="管理"'):
                for key, title in _PARTS.items():
                    here = ' aria-current="page"' if key == part else ""
                    link = tag("a", "sub-way" + (" here" if key == part else ""))
                    with link.props(f'href="/console/admin/{key}"{here}'):
                        word(title)
            self._body = tag("div", "figures-body")

    async def start(self) -> None:
        shown: dict[str, Callable[[], Awaitable[None]]] = {
            "running": self._running,
            "accounts": self._accounts,
            "rules": self._rules,
            "words": lambda: show_words(self.visit),
            "backups": lambda: show_backups(self.visit),
            "settings": self._settings,
        }
        with self._body:
            if self.visit.seat.staff.role != Role.ADMIN:
                word("这一页只给管理员看。", "soft")
            else:
                await shown[self._part]()

    async def _running(self) -> None:
        found = await self.visit.ask(self.visit.desk.administering.running)
        if found is None:
            return
        with self._body:
            word("现在", "part-name big", name="h2")
            _counts(found)
            with tag("section", "sheet-box"):
                word("检查", "part-name", name="h2")
                word("与 wenban check 相同，会连一次各个平台，要几秒。", "soft small", name="p")
                button("检查一遍").classes("boxed").on_click(self._checked)
                self._findings = tag("div", "scroll")
            self._jobs(found)

    def _jobs(self, found: Running) -> None:
        now = self.visit.desk.office.now()
        with tag("section", "sheet-box"):
            word("定时任务", "part-name", name="h2")
            with tag("table", "numbers wide-table starts"):
                _head("任务", "上次")
                with tag("tbody"):
                    ran = {key: told for key, told in DOOR_JOBS.items() if key in found.runs}
                    for key, (title, most) in (JOBS | ran).items():
                        last = found.runs.get(key)
                        late = last is not None and now - last > most
                        with tag("tr"):
                            word(title, hover=key, name="th").props('scope="row"')
                            shown = ago(last, now) if last else "还没有运行过"
                            shown += "，早该再运行了，请看日志" if late else ""
                            hover = exact_moment(last) if last else ""
                            word(shown, "bad" if late else "", hover, name="td")

    @on_page
    async def _checked(self) -> None:
        self._findings.clear()
        with self._findings:
            word("正在检查…", "soft")
        found = await self.visit.ask(self.visit.desk.administering.findings)
        self._findings.clear()
        with self._findings:
            if not found:
                word("没有可说的。", "soft")
                return
            with tag("table", "numbers wide-table starts"):
                _head("项目", "结果", "说明")
                with tag("tbody"):
                    for one in found:
                        with tag("tr"):
                            word(one.subject, name="th").props('scope="row"')
                            with tag("td", "band"):
                                word(one.level, _TONES[one.level])
                            word(one.text, "words", name="td")

    async def _accounts(self) -> None:
        found = await self.visit.ask(self.visit.desk.administering.accounts)
        with self._body:
            word("账号", "part-name big", name="h2")
            word(
                "名称、主办单位等在 config.toml 的 [web]、[telegram] 里改，别的账号用 "
                "wenban account import 登记；令牌只能用环境变量或令牌文件。",
                "soft small",
                name="p",
            )
            with tag("div", "scroll"), tag("table", "numbers wide-table starts"):
                heads = (
                    "平台",
                    "主办单位",
                    "主管单位",
                    "责任人",
                    "状态",
                    "审核",
                    "最后发布",
                    "连接",
                )
                _head("账号", *heads)
                with tag("tbody"):
                    for one in found or ():
                        self._account(one)

    def _account(self, one: Account) -> None:
        now = self.visit.desk.office.now()
        with tag("tr"):
            word(one.name, "", one.key, name="th").props('scope="row"')
            for text in (one.platform, one.sponsor, one.supervisor, one.responsible, one.state):
                word(text or NO_DATA, name="td")
            word(f"{one.review_steps} 步", name="td")
            last = one.last_published_at
            hover = exact_moment(last) if last else ""
            word(ago(last, now) if last else "未登记", "", hover, name="td")
            with tag("td"):
                if self.visit.desk.administering.connected(one.key):
                    made = button("试一试")
                    made.on_click(lambda: self._probe(one.key, one.name))
                else:
                    word("只登记，不由本程序收发", "soft")

    @on_page
    async def _probe(self, key: str, name: str) -> None:
        desk = self.visit.desk.administering
        said = await self.visit.ask(lambda staff: desk.probe(staff, key))
        if said is not None:
            self.visit.tell(f"{name}：连得上（{said}）")

    async def _rules(self) -> None:
        rules = self.visit.desk.office.rules
        known = await self.visit.errands.run(self.visit.desk.review.departments())
        _profiles(rules.profile)
        calendar = rules.calendar
        with tag("section", "sheet-box"):
            word("日历和办公时段", "part-name", name="h2")
            _told("日历版本", calendar.version)
            _told("调整依据", calendar.source or "没有另给，用自带日历")
            _told("办公时段", _spans(calendar.spans))
            for name, spans in calendar.departments.items():
                _told(f"{name}的时段", _spans(spans))
            _where("clock.business_hours、clock.department_hours、clock.calendar_file")
        with tag("section", "sheet-box"):
            word("可转办的承办单位", "part-name", name="h2")
            word("、".join(known) or "还没有。", name="p")
            _where("desk.departments；空着的取知识库里出现的单位")
        with tag("section", "sheet-box"):
            word("保留", "part-name", name="h2")
            word(_kept(self.visit.desk.office.rules.keep_citizen_days), name="p")
            word("群众也可以随时要求删除自己的内容。台账和审计只增不改，不会清除。", name="p")
            _where("desk.keep_citizen_days")

    async def _settings(self) -> None:
        shown = self.visit.desk.office.premises.settings
        with self._body:
            word("设置", "part-name big", name="h2")
            word(
                "只能看。在 config.toml 或环境变量里改，重新启动后生效；口令和令牌只显示设没设。"
                "改过的排在每一节的前面，标“已改”。",
                "soft small",
                name="p",
            )
            with tag("table", "numbers wide-table starts case-rows settings"):
                _head("设置", "现在的值", "说明", "环境变量")
                with tag("tbody"):
                    for one in sorted(shown, key=_changed_first):
                        _setting(one)


def _changed_first(one: Setting) -> tuple[str, bool]:
    return one.key.split(".")[0], not one.changed


def _setting(one: Setting) -> None:
    with tag("tr", "chosen" if one.changed else ""):
        word(one.key, "mono", name="th").props('scope="row"')
        with tag("td", "value").props('data-name="现在的值"'):
            word(one.value)
            word("　已改", "near") if one.changed else None
        word(one.meaning, "words", name="td")
        word(one.variable, "mono soft", name="td").props('data-name="环境变量"')


def _counts(found: Running) -> None:
    with tag("div", "now"), tag("div", "tiles"):
        gauges.tile("待人工", f"{found.health.waiting:,}", "件", "/console/")
        gauges.tile("没发出的消息", f"{found.health.unsent:,}", "条")
        if found.health.unconfirmed:
            gauges.tile("交出、没有确认发布", f"{found.health.unconfirmed:,}", "条")
        gauges.tile("知识库", f"{found.entries:,}", "条在用")
        if found.semantic:
            gauges.tile("语义向量", f"{found.missing_vectors:,}", "段待补算")
        else:
            gauges.tile("语义匹配", NO_DATA, "这个进程只按字词")


def _profiles(chosen: Profile) -> None:
    with tag("section", "sheet-box"):
        word("时限方案", "part-name", name="h2")
        with tag("div", "scroll"), tag("table", "numbers wide-table starts"):
            _head("方案", "受理", "各类时限", "分级时限", "依据", "施行日期")
            with tag("tbody"):
                for one in profiles().values():
                    _profile(one, chosen=one.key == chosen.key)
        _where("clock.profile；改了以后，新收的按新方案，报表可用 --profile 指定")


def _profile(one: Profile, *, chosen: bool) -> None:
    limits = "，".join(f"{category} {limit}" for category, limit in one.limits.items())
    other = f"其他 {one.fallback}" if limits else str(one.fallback)
    grades = "，".join(f"{name} {limit}" for name, limit in one.grades.items())
    with tag("tr", "chosen" if chosen else ""):
        word(one.name + ("（现用）" if chosen else ""), "", one.key, name="th").props('scope="row"')
        word(str(one.acceptance) if one.acceptance else NO_DATA, name="td")
        word("，".join(filter(None, (limits, other))), "words", name="td")
        word(grades or NO_DATA, "words", name="td")
        word(one.basis, "words", name="td")
        word(one.effective, "words", name="td")


def _kept(days: int) -> str:
    if not days:
        return "群众的称呼和原话不自动抹去。"
    return f"群众最后一次来往 {days} 日后，没有未办完的事，其称呼和原话自动抹去，数字不变。"


def _told(name: str, text: str) -> None:
    with tag("p"):
        word(f"{name}：", "soft")
        word(text)


def _where(key: str) -> None:
    word(f"在 config.toml 里改：{key}。", "soft small", name="p")


def _spans(spans: Spans) -> str:
    return "、".join(f"{start:%H:%M}–{end:%H:%M}" for start, end in spans) or "全天"


def _head(*titles: str) -> None:
    with tag("thead"), tag("tr"):
        for title in titles:
            word(title, name="th").props('scope="col"')
