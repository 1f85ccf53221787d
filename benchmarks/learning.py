"""How learning helps: `python -m benchmarks.learning DATA [--words] [--cache DIR]`.

Every query is asked once of a base that was taught by the other queries of its entry, as staff
would teach it: at most so many wordings an entry, in rounds, and only such as the program would
propose. Three starts: the base without its 相似问, which then come after the queries; the base as
it is; and that again, learning only from queries whose entry did not come first. Then the pairs
of words that the same queries propose, all that help accepted unread, as nobody should.

DATA holds municipal_faq/; without it only the bases of the repository are measured. The ranker's
weights were fitted on these very queries and bases without what is taught here: compare the rows
of a table with each other, and see `benchmarks.train` for honest levels.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.figures import Answer, recall
from benchmarks.sets import Query, QuerySet, bases, query_sets
from knowledge.catalog import Entry
from knowledge.lexicon import LexiconError, join
from knowledge.matcher import Matcher
from knowledge.pairs import Pair, pairs
from knowledge.proposals import Asked, similar_wording
from knowledge.semantic import Bundled
from knowledge.trial import probe, weigh
from knowledge.vectors import Meaning, VectorCache

ROUNDS, TURNS = (0, 1, 2, 4, 8), 3
DAY, NOON = date(2026, 11, 23), datetime(2026, 11, 23, 4, tzinfo=UTC)
HEADER = f"{'':10}{'start':12}{'round':>6}{'learnt':>9}{'n':>6}{'R@1':>8}{'R@3':>8}"
BARE, WHOLE, MISSED = "bare", "as it is", "what missed"


@dataclass(frozen=True)
class Turn:
    """One third of the queries to ask; the others teach."""

    asked: Sequence[Query]
    taught: Sequence[Query]

    def of(self, entry_id: str) -> Iterator[Query]:
        return (one for one in self.taught if min(one.right) == entry_id)


@dataclass
class Curve:
    """Answers of every turn by round, and how many wordings were learnt in all."""

    answers: dict[int, list[Answer]] = field(default_factory=dict)
    learnt: dict[int, int] = field(default_factory=dict)

    def add(self, number: int, answers: Sequence[Answer], learnt: int) -> None:
        self.answers.setdefault(number, []).extend(answers)
        self.learnt[number] = self.learnt.get(number, 0) + learnt

    def show(self, base: str, start: str) -> None:
        last = -1
        for number, answers in self.answers.items():
            if self.learnt[number] > last:  # else there was nothing more to learn
                last = self.learnt[number]
                _row(base, start, str(number), str(round(last / TURNS)), answers)


def _row(base: str, start: str, number: str, learnt: str, answers: Sequence[Answer]) -> None:
    shares = "".join(f"{recall(answers, k):8.3f}" for k in (1, 3))
    print(f"{base:10}{start:12}{number:>6}{learnt:>9}{len(answers):6}{shares}", flush=True)


def turns(queries: Sequence[Query]) -> Iterator[Turn]:
    """Each query is asked in one turn; those of one entry as evenly as can be."""
    places: dict[str, int] = {}
    numbers = []
    for query in queries:
        name = min(query.right)
        numbers.append(places.get(name, 0) % TURNS)
        places[name] = places.get(name, 0) + 1
    for turn in range(TURNS):
        yield Turn(
            [one for one, number in zip(queries, numbers, strict=True) if number == turn],
            [one for one, number in zip(queries, numbers, strict=True) if number != turn],
        )


class Bench:
    """A base and its queries, to be taught and asked."""

    def __init__(
        self, entries: Sequence[Entry], queries: Sequence[Query], meaning: Meaning | None
    ) -> None:
        self.entries, self.queries, self.meaning = entries, queries, meaning
        self.set = QuerySet("learning", "", list(queries), 0.0)

    def matcher(self, entries: Sequence[Entry]) -> Matcher:
        matcher = Matcher(entries, meaning=self.meaning)
        self._fill()
        return matcher

    def _fill(self) -> None:
        if self.meaning is not None:
            self.meaning.fill()

    def ask(self, matcher: Matcher, queries: Sequence[Query]) -> list[Answer]:
        found = []
        for query in queries:
            match = matcher.match(query.text, DAY)
            names = tuple(one.entry.id for one in match.candidates)
            first = match.candidates[0].probability if match.candidates else 0.0
            found.append(Answer(query, self.set, names, first))
        return found

    def curve(self, start: str) -> Curve:
        curve = Curve()
        for turn in turns(self.queries):
            base = {
                one.id: replace(one, similar=()) if start == BARE else one for one in self.entries
            }
            matcher = self.matcher(list(base.values()))
            told = self._missed(matcher, turn) if start == MISSED else turn
            wordings = {one.id: self._wordings(one, told, start) for one in self.entries}
            for number in ROUNDS:
                for entry in base.values():
                    learnt = (*entry.similar, *wordings[entry.id][:number])
                    taught = replace(entry, similar=learnt)
                    if taught != matcher.get(entry.id):
                        matcher.put(taught)
                self._fill()
                count = sum(len(one[:number]) for one in wordings.values())
                curve.add(number, self.ask(matcher, turn.asked), count)
        return curve

    def _missed(self, matcher: Matcher, turn: Turn) -> Turn:
        """What would be proposed because another entry came first."""
        wrong = [one.query for one in self.ask(matcher, turn.taught) if not one.right]
        return Turn(turn.asked, wrong)

    def _wordings(self, entry: Entry, turn: Turn, start: str) -> list[str]:
        """What the queries teach an entry, each once; for the bare start its own 相似问 after."""
        asked = [wording for query in turn.of(entry.id) if (wording := similar_wording(query.text))]
        known = {*entry.wordings} if asked and start != BARE else {entry.question}
        rest = entry.similar if start == BARE else ()
        return [one for one in dict.fromkeys((*asked, *rest)) if one not in known]

    def words(self) -> tuple[Curve, list[str], Curve]:
        """Round 0 before and 1 after all pairs that help; the pairs; the queries they concern."""
        curve, concerned, found = Curve(), Curve(), list[str]()
        for turn in turns(self.queries):
            matcher = self.matcher(self.entries)
            before = self.ask(matcher, turn.asked)
            own, accepted = self._accepted(matcher, turn)
            for _ in matcher.learn(own):
                pass
            after = self.ask(matcher, turn.asked)
            found += [f"{one.word}={one.meant}" for one in accepted]
            said = tuple(one.word for one in accepted)
            for number, answers in enumerate((before, after)):
                curve.add(number, answers, number * len(accepted))
                there = [one for one in answers if any(word in one.query.text for word in said)]
                concerned.add(number, there, number * len(accepted))
        return curve, sorted(set(found)), concerned

    def _accepted(self, matcher: Matcher, turn: Turn) -> tuple[dict[str, str], list[Pair]]:
        asked = [
            Asked(query.text, number, NOON, (), min(query.right), (), "staff")
            for number, query in enumerate(turn.taught)
        ]
        own, accepted = dict[str, str](), list[Pair]()
        for pair in pairs(asked, self.entries, matcher.lexicon):
            if weigh(matcher, probe(pair, asked, (), matcher.lexicon), DAY).helps:
                try:
                    own = join(own, (pair.word, pair.meant))
                except LexiconError:
                    continue
                accepted.append(pair)
        return own, accepted


def measure(name: str, bench: Bench, starts: Sequence[str]) -> None:
    for start in starts:
        bench.curve(start).show(name, start)
    curve, found, concerned = bench.words()
    curve.show(name, "words")
    concerned.show(name, "  concerned")
    print(f"{'':10}{'、'.join(found)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--words", action="store_true", help="by words alone")
    parser.add_argument("--cache", type=Path, help="where vectors are kept between runs")
    arguments = parser.parse_args()
    cache, found = VectorCache(arguments.cache), query_sets(arguments.data)
    for way in ("words",) if arguments.words else ("words", "meaning"):
        print(f"\nby {way}\n{HEADER}")
        for name, entries in bases(arguments.data).items():
            sets = [one for one in found if one.base == name and one.natural and one.answerable]
            meaning = Meaning(Bundled(), cache) if way == "meaning" else None
            bench = Bench(entries, [query for one in sets for query in one.queries], meaning)
            bare = any(entry.similar for entry in entries)
            measure(name, bench, (BARE, WHOLE, MISSED) if bare else (WHOLE, MISSED))
    cache.close()


if __name__ == "__main__":
    main()
