from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.batch import run
from knowledge.bundles import Bundle, Stage, Step
from knowledge.catalog import Entry
from knowledge.exchange import KnowledgeFileError, write_entries
from knowledge.semantic import Light
from knowledge.vectors import Meaning


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    path = tmp_path / "kb.csv"
    entries = [
        Entry("lost", "居民身份证丢失如何补领", "到派出所办理。", ("身份证丢了怎么办",)),
        *(Entry(f"fund{n}", f"公积金第{n}类提取条件", "到窗口办理。") for n in range(12)),
    ]
    write_entries(entries, path)
    return path


def results(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_line_gets_decision_and_candidates(kb: Path, tmp_path: Path) -> None:
    source, target, seen = tmp_path / "in.jsonl", tmp_path / "out.jsonl", list[tuple[int, int]]()
    lines = [{"query": "身份证丢了怎么办", "n": 1}, {"query": "公积金提取"}, {"query": ""}]
    source.write_text("\n".join(json.dumps(line) for line in lines))
    report = run(kb, source, target, lambda done, total: seen.append((done, total)))
    first, second, third = results(target)
    assert first["n"] == 1
    assert first["decision"] == "answer"
    assert first["candidates"][0]["entry_id"] == "lost"  # type: ignore[index]
    assert len(second["candidates"]) == 10  # type: ignore[arg-type]
    assert third == {"query": "", "decision": "none", "candidates": []}
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert (report.entries, report.lines, report.matched) == (13, 3, 3)
    assert report.decisions.total() == 3


def test_what_is_put_together_of_entries_is_matched_too(kb: Path, tmp_path: Path) -> None:
    steps = (Step("lost", "补身份证"), Step("fund1", "提公积金"))
    own = Bundle("一件事-离职", "离职", "离职要办什么", (), (Stage("先办", steps),))
    foreign = replace(own, id="一件事-别处", stages=(Stage("先办", (Step("x"), Step("y"))),))
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"query": "离职要办什么"}')
    report = run(kb, source, target, bundles=[own, foreign])
    (line,) = results(target)
    assert line["decision"] == "answer"
    found = [one["entry_id"] for one in line["candidates"]]  # type: ignore[attr-defined]
    assert found[0] == own.id and foreign.id not in found
    assert report.entries == 13


def test_candidates_come_best_first(kb: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"query": "公积金怎么提取"}')
    run(kb, source, tmp_path / "out.jsonl")
    candidates: list[dict[str, float]] = results(tmp_path / "out.jsonl")[0]["candidates"]  # type: ignore[assignment]
    chances = [one["probability"] for one in candidates]
    assert chances == sorted(chances, reverse=True)


def test_malformed_lines_are_reported_and_the_rest_done(kb: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    good = b'{"query": "\xe8\xba\xab\xe4\xbb\xbd\xe8\xaf\x81"}'
    bad = [b"{", b"[1]", b'{"text": "x"}', b'{"query": 1}', b'{"query": "\xff"}']
    source.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([good, b"", *bad, good]))
    report = run(kb, source, target)
    assert [problem.line for problem in report.problems] == [3, 4, 5, 6, 7]
    assert all("请" in problem.reason for problem in report.problems)
    assert (report.lines, report.matched, len(results(target))) == (7, 2, 2)


def test_output_may_replace_the_input(kb: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"query": "身份证"}\n')
    run(kb, source, source)
    assert "decision" in results(source)[0]


def test_missing_files(kb: Path, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeFileError, match="无法读取"):
        run(kb, tmp_path / "none.jsonl", tmp_path / "out.jsonl")
    with pytest.raises(KnowledgeFileError, match="找不到"):
        run(tmp_path / "none.csv", kb, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_vectors_are_computed_first_and_reported(kb: Path, tmp_path: Path) -> None:
    source, target, seen = tmp_path / "in.jsonl", tmp_path / "out.jsonl", list[tuple[int, int]]()
    source.write_text('{"query": "公积金怎么取"}')
    meaning = Meaning(Light())
    run(kb, source, target, meaning=meaning, preparing=lambda *at: seen.append(at))
    assert seen[-1] == (27, 27)
    assert meaning.missing == 0
    assert len(results(target)) == 1
