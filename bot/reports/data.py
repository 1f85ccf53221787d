"""Reports for other programs."""

from __future__ import annotations

import json

from bot.assessment import Figures
from bot.reports.model import CaseList, Report, Row


def to_json(report: Report) -> bytes:
    """The figures with stable keys, null where there is no data; and the lists, if any."""
    document = dict(report.figures)
    if report.lists:
        document["lists"] = {key: _list(one) for key, one in report.lists.items()}
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _list(cases: CaseList) -> Figures:
    return {
        "figure": cases.key,
        "by": cases.dimension or None,
        "group": cases.group if cases.dimension else None,
        "total": cases.total,
        "cases": [_case(row) for row in cases.rows],
    }


def _case(row: Row) -> Figures:
    turn = row.turn
    return {
        "case": turn.case_id,
        "turn": turn.turn,
        "account": turn.account,
        "channel": turn.channel,
        "department": turn.department,
        "person": turn.person,
        "category": turn.category,
        "started_at": turn.start.isoformat(timespec="seconds"),
        "due_at": turn.due.isoformat(timespec="seconds"),
        "original_due_at": turn.original_due.isoformat(timespec="seconds"),
        "provisional": turn.provisional,
        "answered_at": turn.stop.isoformat(timespec="seconds") if turn.stop else None,
        "natural_hours": round(turn.natural_hours, 4),
        "working_hours": round(turn.working_hours, 4),
        "stand": str(turn.stand),
        "excluded_by": turn.excluded_by.removeprefix("counts.excluded_by.") or None,
        "grade": turn.grade,
        "traces": list(turn.traces),
        "text": row.text,
    }
