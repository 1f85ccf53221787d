"""Precision and recall of finding perfunctory replies.

`python -m benchmarks.evasion draw EXPORT SAMPLE` draws the sample that people label: 240 replies at
random, 110 more of the 300 shortest and 60 more of the 400 next, each put into one of two
halves. `python -m benchmarks.evasion measure EXPORT LABELS [--half held] [--meaning]` compares the
rules with the labels. EXPORT is a file that `wenban import` reads. A line of LABELS is
{"id", "label", "stratum", "half"}; the label is "substantive" or a kind of `bot.evasion`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.evasion import Alike, Evasion, Kind, find
from bot.history import Line, read
from knowledge.risk import lower_bound, upper_bound

STRATA = (("short", 300), ("middle", 400), ("long", None))
AT_RANDOM, EXTRA, SEED = 240, {"short": 110, "middle": 60}, 20260401
RESAMPLED = 4_000
SUBSTANTIVE = "substantive"


@dataclass(frozen=True)
class Judged:
    """One reply as a person and as the rules see it, and how many replies it stands for."""

    line: Line
    label: str
    stratum: str
    weight: float
    found: Evasion | None

    @property
    def evasive(self) -> bool:
        return self.label != SUBSTANTIVE


def strata(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """The replies by how long they are, the shortest first."""
    ordered = sorted(lines, key=lambda line: (_size(line), line.external_id))
    found, start = {}, 0
    for name, size in STRATA:
        end = len(ordered) if size is None else start + size
        found[name], start = ordered[start:end], end
    return found


def draw(lines: Sequence[Line]) -> Iterator[dict[str, str]]:
    """The sample with its strata and halves; the same for the same export."""
    rng = random.Random(SEED)
    chosen = rng.sample(sorted(lines, key=lambda line: line.external_id), AT_RANDOM)
    layers = strata(lines)
    for name, more in EXTRA.items():
        taken = {line.external_id for line in chosen}
        chosen += rng.sample([one for one in layers[name] if one.external_id not in taken], more)
    for name, layer in layers.items():
        mine = {line.external_id for line in layer}
        ids = [line.external_id for line in chosen if line.external_id in mine]
        rng.shuffle(ids)
        for place, key in enumerate(ids):
            yield {"id": key, "stratum": name, "half": ("dev", "held")[place % 2]}


def judge(lines: Sequence[Line], labels: Path, half: str, alike: Alike | None) -> list[Judged]:
    """Every labelled reply of a half, weighted by how many of its stratum it stands for."""
    by_id = {line.external_id: line for line in lines}
    rows = [json.loads(row) for row in labels.read_text(encoding="utf-8").splitlines() if row]
    kept = [row for row in rows if half in ("", row["half"])]
    sampled = Counter(row["stratum"] for row in kept)
    sizes = {name: len(layer) for name, layer in strata(lines).items()}
    found = []
    for row in kept:
        line, stratum = by_id[row["id"]], row["stratum"]
        weight = sizes[stratum] / sampled[stratum]
        verdict = find(line.reply, f"{line.subject}\n{line.text}", alike)
        found.append(Judged(line, row["label"], stratum, weight, verdict))
    return found


def precision(judged: Iterable[Judged]) -> float:
    flagged = [one for one in judged if one.found]
    return _share((one.weight for one in flagged if one.evasive), (one.weight for one in flagged))


def recall(judged: Iterable[Judged]) -> float:
    evasive = [one for one in judged if one.evasive]
    return _share((one.weight for one in evasive if one.found), (one.weight for one in evasive))


def interval(
    judged: Sequence[Judged], figure: Callable[[Iterable[Judged]], float]
) -> tuple[float, float]:
    """95 % of the figures of samples drawn again from the strata of this one."""
    rng = random.Random(SEED)
    layers = [[one for one in judged if one.stratum == name] for name, _ in STRATA]
    figures = sorted(
        figure([one for layer in layers for one in rng.choices(layer, k=len(layer))])
        for _ in range(RESAMPLED)
    )
    return figures[RESAMPLED // 40], figures[-RESAMPLED // 40]


def report(judged: Sequence[Judged]) -> Iterator[str]:
    """Figures of the sample with exact bounds, of the population, and of each kind."""
    evasive = [one for one in judged if one.evasive]
    flagged = [one for one in judged if one.found]
    right = sum(one.evasive for one in flagged)
    share = _share((one.weight for one in evasive), (one.weight for one in judged))
    yield f"{len(judged)} replies labelled, {len(evasive)} perfunctory; of all replies {share:.1%}"
    yield "sample (one-sided 95 % bounds, Clopper-Pearson)"
    yield f"  precision {_exact(right, len(flagged))}"
    yield f"  recall    {_exact(right, len(evasive))}"
    yield "all replies (95 % interval, stratified bootstrap)"
    for name, figure in (("precision", precision), ("recall", recall)):
        low, high = interval(judged, figure)
        yield f"  {name:9} {figure(judged):.3f} [{low:.3f}, {high:.3f}]"
    yield "by kind: labelled, found as any kind, found as this kind, said by the rules"
    for kind in sorted({one.label for one in evasive} | set(Kind)):
        ours = [one for one in evasive if one.label == kind]
        same = sum(one.found is not None and one.found.kind == kind for one in ours)
        said = sum(one.found is not None and one.found.kind == kind for one in judged)
        yield f"  {kind:16}{len(ours):5}{sum(bool(one.found) for one in ours):5}{same:5}{said:5}"
    yield from (f"wrong {_where(one)}" for one in judged if bool(one.found) != one.evasive)


def mispaired(judged: Sequence[Judged], alike: Alike) -> str:
    """How often an answer is found to be that of another question, each put to the next one."""
    answers = [one for one in judged if not one.evasive]
    asked = [*answers[1:], *answers[:1]]
    wrong = sum(
        find(one.line.reply, f"{other.line.subject}\n{other.line.text}", alike) is not None
        for one, other in zip(answers, asked, strict=True)
    )
    return f"answers put to another question: {_exact(wrong, len(answers))} found"


def bundled() -> Alike:
    """The cosine of the model that the threshold was set for."""
    from knowledge.semantic import Bundled

    model = Bundled()

    def alike(question: str, reply: str) -> float:
        return float(model.embed_queries([question])[0] @ model.embed_passages([reply])[0])

    return alike


def _size(line: Line) -> int:
    return len("".join(line.reply.split()))


def _share(part: Iterable[float], whole: Iterable[float]) -> float:
    total = sum(whole)
    return sum(part) / total if total else float("nan")


def _exact(hits: int, of: int) -> str:
    low, high = lower_bound(hits, of), upper_bound(hits, of)
    return f"{hits}/{of} = {hits / max(1, of):.3f} [{low:.3f}, {high:.3f}]"


def _where(one: Judged) -> str:
    said = one.found.kind if one.found else SUBSTANTIVE
    return f"{one.line.external_id} ({one.stratum}): labelled {one.label}, said {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("draw", "measure"))
    parser.add_argument("export", type=Path)
    parser.add_argument("file", type=Path, help="the sample to write or the labels to read")
    parser.add_argument("--half", choices=("", "dev", "held"), default="")
    parser.add_argument("--meaning", action="store_true", help="ask the sentence model too")
    options = parser.parse_args()
    lines = [line for line in read(options.export).lines if line.reply]
    if options.action == "draw":
        rows = (json.dumps(row, ensure_ascii=False) for row in draw(lines))
        options.file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return
    alike = bundled() if options.meaning else None
    judged = judge(lines, options.file, options.half, alike)
    print("\n".join(report(judged)))
    if alike:
        print(mispaired(judged, alike))


if __name__ == "__main__":
    main()
