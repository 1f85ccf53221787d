"""一件事 to be read: what it is put together of, and what citizens get; it is written in a file."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from handlers.console.pages.parts import tag, word
from handlers.console.pages.preview import show_previews
from handlers.console.pages.shelf import entry_link, shelf
from handlers.console.visit import PATIENCE, Visit, visit_of
from knowledge.bundles import Bundle, check_bundles, step_title
from knowledge.catalog import Entry


@ui.page("/knowledge/bundle", response_timeout=PATIENCE)
async def bundle(request: Request, client: Client) -> None:
    await BundlePage(visit_of(request, client)).show(request.query_params.get("id", ""))


class BundlePage:
    """Nothing can be changed here: the steps are entries, the rest stands in the file."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        with shelf(visit, "", "kb-entry"):
            self._head = tag("div", "kb-entry-head")
            with tag("div", "kb-entry-body"):
                self._steps = tag("section", "kb-form").props('aria-label="步骤"')
                self._beside = tag("aside", "kb-beside").props('aria-label="检查与预览"')

    async def show(self, bundle_id: str) -> None:
        library = self.visit.desk.office.library
        found, entry = library.bundle(bundle_id), library.get(bundle_id)
        self._show_head(found, entry)
        if found is None:
            return
        with self._steps:
            self._list(found)
        with self._beside:
            self._checks(found)
            if entry is not None:
                with tag("section", "part"):
                    word("群众看到的样子", "part-title", name="h2")
                    previews = self.visit.desk.catalogue.previews
                    show_previews(await self.visit.ask(lambda _: previews(entry)) or [])

    def _show_head(self, found: Bundle | None, entry: Entry | None) -> None:
        with self._head:
            with tag("a", "act kb-back").props('href="/console/knowledge"'):
                word("‹ 条目")
            word(found.question if found else "没有这件一件事", "kb-entry-title", name="h1")
            if found is None:
                word("清单里已经没有它了。", "soft")
                return
            word("一件事", "kb-state")
            if entry is None:
                word("步骤的条目都不在用，不会用来答复", "kb-state late")
            else:
                word("批准自动答复" if entry.automatic else "人工审核", "kb-state")

    def _list(self, found: Bundle) -> None:
        library = self.visit.desk.office.library
        told = (
            f"由 {len(found.steps)} 个条目合成，部门、办事入口、有效期跟着条目变；"
            "先后、标题和材料写在配置的一件事清单文件里。"
        )
        word(told, "soft", name="div")
        if found.similar:
            word(f"也这样问：{'；'.join(found.similar)}", "soft", name="div")
        number = 0
        for stage in found.stages:
            word(stage.name, "part-title", name="h2")
            for step in stage.steps:
                number += 1
                entry = library.get(step.entry_id)
                with tag("div", "kb-trouble kb-step"):
                    word(f"{number}. {step_title(step, entry)}", "who grow")
                    word(entry.department or "承办未定", "soft") if entry else None
                    with tag("div", "kb-trouble-why"):
                        if entry is None:
                            word(f"条目 {step.entry_id} 不在用", "bad")
                        else:
                            entry_link(entry)
                        if step.materials:
                            word(f"材料：{'、'.join(step.materials)}", "soft")

    def _checks(self, found: Bundle) -> None:
        office = self.visit.desk.office
        with tag("section", "part"):
            word("检查", "part-title", name="h2")
            problems = check_bundles((found,), office.library.get, office.today())
            for _, text in problems:
                word(f"注意：{text}", "warn", name="div")
            if not problems:
                word("没有发现问题。", "soft", name="div")
