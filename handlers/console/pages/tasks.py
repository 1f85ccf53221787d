"""事项: what waits for this person's decision, signature or call, worked through by keyboard."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from bot.desk.countdown import exact_moment
from bot.desk.taskcards import opinion, summary
from bot.desk.tasks import Pending
from bot.desk.wording import spoken_day
from handlers.console.pages.deciding import VERBS, decide
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import Rows, button, choose, keys_sheet, tag, waiting, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from knowledge.masking import mask
from storage.models import Task
from storage.terms import TaskKind

_SUBJECT = 120
_KEYS = {
    "j": "下一项",
    "k": "上一项",
    "d": "处理这一项，再按数字选",
    "Enter": "打开诉求",
    "l": "看最新的",
    "?": "这张表",
}


@ui.page("/tasks", response_timeout=PATIENCE)
async def tasks(request: Request, client: Client) -> None:
    await TasksPage(visit_of(request, client)).start()


class TasksPage:
    """The list of one browser tab, kept up to date while it is open."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._rows = Rows()
        self._found: list[Pending] = []
        self._shown: list[tuple[int | None, int]] | None = None
        self._help: ui.dialog | None = None
        with frame(visit, "事项", "kb kb-plain", "事项"):
            self._list = tag("div", "kb-rows").props('aria-live="polite"')
            with self._list:
                waiting("正在读取…")
        ui.on("console-key", lambda event: self._key(str(event.args)))

    async def start(self) -> None:
        await self.look()
        self.visit.pulse.listen(self.visit.page, self._hear)

    async def _hear(self) -> None:
        if await self.visit.alive():
            await self.look()
        else:
            self.visit.leave()

    @on_page
    async def look(self) -> None:
        """Show what waits now, if it is something else than before."""
        found = await self.visit.ask(self.visit.desk.tasks.pending, acting=False)
        if found is None:
            return
        shown = [(one.task.id, one.case.version) for one in found]
        if shown == self._shown:
            return
        self._shown, self._found, at = shown, found, self._rows.at
        self._list.clear()
        with self._list:
            if found:
                word(f"等您处理的 {len(found):,} 项，先到期的在前。", "kb-why soft", name="div")
            else:
                with tag("div", "nothing"):
                    word("没有等您处理的事项。", "nothing-title")
                    word("要您批准的延期、剔除，要您签收的转办，要您做的差评回访，会出现在这里。")
            self._rows.show([self._row(one) for one in found])
        if at >= 0:
            self._rows.stand(at)

    def _row(self, one: Pending) -> ui.element:
        task, case = one.task, one.case
        kind = TaskKind(task.kind)
        with tag("div", "kb-trouble kb-task"):
            word(kind.label, "kb-state")
            with tag("a", "who grow").props(f'href="/console/case/{case.id}"') as link:
                word(f"#{case.id} {mask(case.subject[:_SUBJECT]) or '（没有文字）'}")
            for verb, title in VERBS[kind].items():
                button(title).on_click(lambda verb=verb: self._decide(task, verb))
            with tag("div", "kb-trouble-why soft"):
                word(f"{one.account.name} · {case.category} · {case.department or '承办未定'}")
                for line in (*summary(task), *(opinion(case) if kind == TaskKind.CALLBACK else ())):
                    word(line)
                if task.due_at is not None:
                    late = task.due_at < self.visit.desk.office.now()
                    until = f"{'已过期，应在' if late else ''}{spoken_day(task.due_at)}前"
                    word(until, "bad" if late else "", exact_moment(task.due_at))
        return link

    @on_page
    async def _decide(self, task: Task, verb: str) -> None:
        if await decide(self.visit, task, verb):
            await self.look()

    @on_page
    async def _key(self, key: str) -> None:
        if key in ("j", "k"):
            self._rows.move(key)
        elif key == "d" and 0 <= self._rows.at < len(self._found):
            task = self._found[self._rows.at].task
            verb = await choose("怎么处理？", VERBS[TaskKind(task.kind)])
            if verb:
                await self._decide(task, verb)
        elif key == "l":
            await self.look()
        elif key == "?":
            self._help = self._help or keys_sheet(_KEYS)
            self._help.open()
