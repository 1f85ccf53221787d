"""Assessment figures as documents: JSON for programs, a workbook, a 通报 and a page for people."""

from __future__ import annotations

from bot.reports.model import CaseList, Letterhead, Report, Row, describe

__all__ = [
    "FORMATS",
    "LISTED",
    "LISTED_ALONE",
    "CaseList",
    "Letterhead",
    "Report",
    "Row",
    "describe",
    "render",
]

FORMATS = ("json", "xlsx", "docx", "html")
LISTED = {"json": 0, "xlsx": 1000, "docx": 200, "html": 100}
"""How many cases of each list come with a report."""
LISTED_ALONE = {"json": 0, "xlsx": 50_000, "html": 5_000}
"""How many cases a list on its own has at most; 0 for all."""


def render(report: Report, form: str) -> bytes:
    """The report as a file of one of FORMATS."""
    if form == "json":
        from bot.reports.data import to_json

        return to_json(report)
    if form == "xlsx":
        from bot.reports.workbook import to_xlsx

        return to_xlsx(report)
    if form == "docx":
        from bot.reports.notice import to_docx

        return to_docx(report)
    from bot.reports.page import to_html

    return to_html(report)
