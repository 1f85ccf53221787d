"""Many questions at once, from a file to a file, without a database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from knowledge.bundles import Bundle, composed
from knowledge.catalog import Problem
from knowledge.exchange import read_entries
from knowledge.matcher import Match, Matcher
from knowledge.tables import KnowledgeFileError, replacing
from knowledge.vectors import Meaning

Progress = Callable[[int, int], None]


@dataclass
class BatchReport:
    """What was done; every line that was not empty is either matched or among the problems."""

    entries: int = 0
    lines: int = 0
    matched: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    knowledge_problems: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def run(
    kb: Path,
    source: Path,
    target: Path,
    progress: Progress | None = None,
    *,
    meaning: Meaning | None = None,
    preparing: Progress | None = None,
    bundles: Sequence[Bundle] = (),
) -> BatchReport:
    """Match each JSON line of `source` by its `query` and write it with the result to `target`.

    Every entry counts as approved for automatic answering, and those `bundles` that stand on
    entries of the file are matched too. `progress` gets the lines done and
    the lines in all, `preparing` the same for the vectors that `meaning` lacks. `target` is
    replaced at the end. Raises KnowledgeFileError and SemanticError.
    """
    reading = read_entries(kb)
    entries = [replace(entry, automatic=True) for entry in reading.entries]
    lines = _lines(source)
    whole = composed(bundles, {entry.id: entry for entry in entries})
    matcher = Matcher([*entries, *(replace(one, automatic=True) for one in whole)], meaning=meaning)
    if meaning is not None:
        meaning.fill(preparing)
    report = BatchReport(len(entries), knowledge_problems=reading.problems)
    with replacing(target) as file:
        for number, line in enumerate(lines, 1):
            for result in _matched(matcher, number, line, report):
                file.write((json.dumps(result, ensure_ascii=False) + "\n").encode(errors="replace"))
            if progress:
                progress(number, len(lines))
    return report


def _lines(source: Path) -> list[bytes]:
    try:
        return source.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as error:
        raise KnowledgeFileError(f"无法读取“{source}”，请检查路径和权限。") from error


def _matched(
    matcher: Matcher, number: int, line: bytes, report: BatchReport
) -> Iterator[dict[str, object]]:
    if not line.strip():
        return
    report.lines += 1
    value = _value(line)
    if isinstance(value, str):
        report.problems.append(Problem(number, "", "query", value))
        return
    match = matcher.match(str(value["query"]))
    report.matched += 1
    report.decisions[match.decision.value] += 1
    yield {**value, **_outcome(match)}


def _value(line: bytes) -> dict[str, object] | str:
    """The object on a line, or what is wrong with it."""
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):
        return "不是有效的 JSON，请检查引号、逗号和 UTF-8 编码。"
    if not isinstance(value, dict):
        return '不是 JSON 对象，请写成 {"query": "…"} 的形式。'
    if not isinstance(value.get("query"), str):
        return "缺少文字字段 query，请补上要匹配的问题。"
    return value


def _outcome(match: Match) -> dict[str, object]:
    candidates = [
        {"entry_id": one.entry.id, "probability": round(one.probability, 6)}
        for one in match.candidates
    ]
    return {"decision": match.decision.value, "candidates": candidates}
