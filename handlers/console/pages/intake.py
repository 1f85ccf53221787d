"""导入留言: what a platform exports, looked at column by column before it is taken in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fastapi import Request
from nicegui import Client, ui
from nicegui.events import UploadEventArguments

from bot.desk.exports import FORMATS, MAX_ROWS
from bot.desk.uploads import MAX_BYTES
from bot.exports import FIELDS, NEEDED, Export, report_of
from bot.history import Skipped
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import button, pick, tag, upload, waiting, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from handlers.exported import Filing
from knowledge.masking import mask
from storage.models import Staff

_KINDS = {"comment": "评论", "direct": "私信"}
_WITHOUT = {
    "id": "没有就按昵称、时间、内容算出一个",
    "citizen": "没有就以昵称代替",
    "name": "没有就不写称呼",
    "edited": "没有就不认改过的文字",
    "post": "没有就不按帖子归在一起",
    "thread": "没有就不按楼归在一起",
}
"""What holds where a field has no column."""
_LISTED = 30
_LOOK = 0.5


@ui.page("/intake", response_timeout=PATIENCE)
async def intake(request: Request, client: Client) -> None:
    await IntakePage(visit_of(request, client)).start()


class IntakePage:
    """One file at a time: read, looked at, taken in, accounted for."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._file: tuple[str, bytes] | None = None
        self._chosen: dict[str, str] = {}
        self._direct = False
        with frame(visit, "导入留言", "kb kb-plain", "导入留言"):
            self._bar = tag("div", "kb-bar")
            self._root = tag("div", "kb-rows").props('aria-live="polite"')

    async def start(self) -> None:
        sources = await self.visit.ask(self.visit.desk.exports.sources)
        if not sources:
            with self._root, tag("div", "nothing"):
                word("没有您能导入的账号。", "nothing-title")
                word("导入要由主管或管理员来做；账号写在配置的 [sources.名称] 里。")
            return
        with self._bar:
            self._source = pick("哪个账号的", sources, "").classes("kb-pick")
            self._source.on_value_change(self._look_anew)
            upload(FORMATS, self._uploaded, self.visit)
        self._invite()

    def _invite(self) -> None:
        self._file = None
        self._root.clear()
        with self._root, tag("div", "nothing"):
            word("把平台后台导出的评论、私信放进来。", "nothing-title")
            limit = f"最大 {MAX_BYTES // 1_000_000} MB、{MAX_ROWS:,} 行"
            word(f"xlsx、csv、tsv，第一行是列名，至少有内容和时间；{limit}。")
            word("导入后照常研判、答复、计时。收过的不会重复，中途断了再导入一次即可。")

    @on_page
    async def _uploaded(self, event: UploadEventArguments) -> None:
        self._file = event.file.name, await event.file.read()
        event.sender.reset()  # type: ignore[attr-defined]
        await self._look(None)

    @on_page
    async def _look_anew(self) -> None:
        if self._file is not None:
            await self._look(None)

    async def _look(self, chosen: Mapping[str, str] | None) -> None:
        """Say what the file holds, by the columns named here or, at first, named last."""
        if self._file is None:
            return
        self._root.clear()
        with self._root:
            waiting("正在读取…")
        (name, content), source, desk = self._file, self._source.value, self.visit.desk.exports
        direct = self._direct

        async def read(staff: Staff) -> Export:
            return await desk.read(staff, source, name, content, chosen, direct=direct)

        export = await self.visit.latest("export", read)
        if export is None:
            self._invite()
            return
        self._chosen = dict(chosen or {})
        self._root.clear()
        with self._root:
            self._show(name, export)

    def _show(self, name: str, export: Export) -> None:
        ready = all(key in export.columns for key in NEEDED)
        with tag("div", "kb-bar"):
            word(f"{name}：{_counted(export)}" if ready else f"{name}：认不出哪一列是什么", "who")
            tag("span", "grow")
            button("不导入了").on_click(self._invite)
            if export.rows:
                count = f"{len(export.rows):,}"
                button(f"导入这 {count} 条", strong=True).on_click(lambda: self._import(export))
        if not ready:
            word("请在下面指明“内容”和“时间”各是哪一列，记住供下次用。", "kb-why warn", name="div")
        self._columns(export)
        _troubles(export.skipped)

    def _kind(self) -> None:
        """What the messages are, where no column says it."""
        value = "direct" if self._direct else "comment"
        made = pick("没有这一列，都当作", _KINDS, value)
        made.on_value_change(lambda event: self._turn_to(str(event.value)))

    @on_page
    async def _turn_to(self, kind: str) -> None:
        self._direct = kind == "direct"
        await self._look(self._chosen)

    def _columns(self, export: Export) -> None:
        titles = [*export.columns.values(), *export.ignored]
        with tag("div", "intake-columns"):
            for key, one in FIELDS.items():
                with tag("div", "intake-column"):
                    present = export.columns.get(key) or self._chosen.get(key, "")
                    options = {"": "（没有）", **{title: title for title in titles}}
                    made = pick(one.title, options, present).classes("wide")
                    made.on_value_change(lambda event, key=key: self._choose(key, event.value))
                    self._beside(key, export)
        if export.ignored and export.columns:
            word(f"没有用到的列：{'、'.join(export.ignored[:20])}", "kb-why soft", name="div")

    def _beside(self, key: str, export: Export) -> None:
        """The first rows of a column, or what holds without one."""
        if key in export.columns:
            with tag("div", "intake-samples soft"):
                for sample in export.samples:
                    word(mask(sample.get(key, "")), name="div")
        elif key == "kind":
            self._kind()
        else:
            word(_WITHOUT.get(key, ""), "soft")

    @on_page
    async def _choose(self, key: str, title: str) -> None:
        await self._look({**self._chosen, key: title})

    @on_page
    async def _import(self, export: Export) -> None:
        """Take it in lot by lot; it goes on when the page is left."""
        desk, source, chosen = self.visit.desk, self._source.value, dict(self._chosen)
        name = self._file[0] if self._file else ""

        async def begin(staff: Staff) -> Staff:
            await desk.exports.begin(staff, source, name, export, chosen)
            return staff

        staff = await self.visit.ask(begin)
        if staff is None:
            return
        filing = Filing(source, export)
        self._file = None
        self._bar.set_visibility(False)
        self._progress(filing)
        try:
            await self._take(filing, staff)
        except Exception:
            self._ended(lambda: self._broken_off(name, filing))
            raise
        self._ended(lambda: self._told(name, filing))

    def _ended(self, show: Callable[[], None]) -> None:
        """Show how it ended, unless the page was left meanwhile."""
        if not self._root.is_deleted:
            self._bar.set_visibility(True)
            show()

    async def _take(self, filing: Filing, staff: Staff) -> None:
        desk, errands = self.visit.desk, self.visit.errands
        while not filing.done:
            await errands.run(filing.step(desk.ingesting.take))
        rows = len(filing.export.rows)
        await errands.run(desk.exports.end(staff, filing.source, rows, filing.counts))

    def _broken_off(self, name: str, filing: Filing) -> None:
        self._root.clear()
        with self._root, tag("div", "nothing"):
            word("导入中断了。", "nothing-title")
            word(f"{name} 已收下 {filing.at:,} 条。请再导入一次，收过的不会重复，从断处接着来。")

    def _progress(self, filing: Filing) -> None:
        total = len(filing.export.rows)
        self._root.clear()
        with self._root, tag("div", "nothing"):
            said = word("", "nothing-title")
            bar = ui.linear_progress(0, show_value=False).props('aria-label="导入进度"')
            word("可以去别的页面，导入会接着做完。", "soft")

            def look() -> None:
                said.set_text(f"已导入 {filing.at:,} 条，共 {total:,} 条")
                bar.set_value(filing.at / total)

            look()
            ui.timer(_LOOK, look)

    def _told(self, name: str, filing: Filing) -> None:
        counts, bad = filing.counts, filing.bad
        days = sum(row.imprecise for row in filing.export.rows)
        self._root.clear()
        with self._root:
            with tag("div", "kb-bar"):
                word(f"{name}：导入好了", "who")
                tag("span", "grow")
                if bad:
                    title = f"下载没收下的 {len(bad):,} 行"
                    made = f"{name.rsplit('.', 1)[0]}-未导入.csv"
                    content = report_of(bad)
                    button(title).on_click(lambda: ui.download.content(content, made))
                button("再导入一个").on_click(self._invite)
            with tag("dl", "intake-told"):
                for title, number in (
                    ("新收", counts["new"]),
                    ("改动", counts["changed"]),
                    ("已收过", counts["known"]),
                    ("没收下", len(bad)),
                ):
                    word(title, "soft", name="dt")
                    word(f"{number:,} 条", name="dd")
            if days:
                told = f"其中 {days:,} 条的时间只有日期，从当天 0 点起计时。"
                word(told, "kb-why soft", name="div")
            if bad:
                told = "改好后重新导入整个文件即可，收过的不会重复。"
                word(told, "kb-why soft", name="div")
            _troubles(bad)


def _counted(export: Export) -> str:
    told = f"{len(export.rows):,} 条可以导入"
    return f"{told}，{len(export.skipped):,} 行用不了" if export.skipped else told


def _troubles(bad: Sequence[Skipped]) -> None:
    """The first rows that cannot be used, and why."""
    for one in bad[:_LISTED]:
        with tag("div", "kb-trouble"):
            word(one.where, "who")
            word(one.reason, "warn")
    if len(bad) > _LISTED:
        word(f"还有 {len(bad) - _LISTED:,} 行。", "kb-why soft", name="div")
