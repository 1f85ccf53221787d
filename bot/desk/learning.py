"""What the office could learn from decided questions, put before people who decide about that."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.desk.office import DeskError, Office
from bot.desk.similar import editor, keep, learnt
from knowledge.bundles import PREFIX
from knowledge.gold import Change, Gold, breaks
from knowledge.lexicon import LexiconError, join
from knowledge.matcher import Matcher
from knowledge.pairs import Pair, pairs
from knowledge.proposals import (
    BREAKS,
    SURE,
    Asked,
    Similar,
    impersonal,
    restates,
    similar,
    similar_key,
    standing,
)
from knowledge.trial import Trial, probe, weigh
from storage import evidence, gold, inbox, lexicon, proposals
from storage.models import Staff

REMEMBERED = timedelta(days=365)
SHORTEST_KEY = 6
_MOST, _MOST_PAIRS = 100, 10  # similar questions and pairs of words before people at a time
_EXAMPLES = 3
T = TypeVar("T", Similar, Pair)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One thing to learn, for a reader: `kind` is 相似问 or 同义词; `examples` are masked.

    `proposer` is the colleague who proposed it, "" if decided questions did.
    """

    key: str
    kind: str
    text: str
    citizens: int
    latest: datetime
    effect: str
    examples: tuple[str, ...] = ()
    proposer: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a proposal somebody accepted; `refused` says why not, "" if it was kept."""

    text: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """Proposals nobody decided about, with what they were found in."""

    similar: tuple[Similar, ...]
    pairs: tuple[Pair, ...]
    asked: tuple[Asked, ...]
    saved: tuple[Gold, ...]
    proposers: Mapping[str, str]

    def named(self, key: str) -> Similar | Pair:
        """The one whose key begins so. Raises DeskError."""
        if len(key) < SHORTEST_KEY:
            raise DeskError(f"编号“{key}”太短，至少写 {SHORTEST_KEY} 位。")
        known: list[Similar | Pair] = [*self.similar, *self.pairs]
        fitting = [one for one in known if one.key.startswith(key)]
        if not fitting:
            raise DeskError(f"没有编号“{key}”，它可能已经处理过了，请重新列出再看。")
        if len(fitting) > 1:
            raise DeskError(f"编号“{key}”不止一个，请多写几位。")
        return fitting[0]


class Learning:
    """相似问 and 同义词 that decided questions propose: to list, accept and reject."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def proposals(self) -> list[Proposal]:
        """Those that would help, the 相似问 first, each kind by how many citizens asked so."""
        found = await self._found()
        return await asyncio.to_thread(lambda: [*self._similar(found), *self._pairs(found)])

    async def waiting(self) -> str:
        """How many of each kind wait for a decision, in Chinese; "" if none do."""
        found = await self._found()
        counts = {"相似问": len(found.similar)}
        counts["同义词"] = await asyncio.to_thread(lambda: len(list(self._pairs(found))))
        return "、".join(f"{kind} {count} 个" for kind, count in counts.items() if count)

    async def add(self, staff: Staff, case_id: int, key: str) -> str:
        """记为相似问: keep the wording that a case's card offered under this key.

        Raises DeskError when something speaks against it.
        """
        actor = editor(staff)
        async with self._office.db.read() as session:
            wording, entry_id = await learnt(session, case_id)
        if not wording or similar_key(wording, entry_id) != key:
            raise DeskError("没有记：这件诉求后来有变化，卡片上的问法不作数了。")
        await keep(self._office, wording, entry_id, actor, case=case_id)
        return "已记为相似问"

    async def accept(self, by: Staff | str, keys: Iterable[str]) -> list[Outcome]:
        """Keep these proposals, one after the other; all of them must be there. Raises DeskError.

        ``by`` is a member of staff, or the name of whoever may do anything.
        """
        actor, found = editor(by), await self._found()
        wanted = {one.key: one for one in map(found.named, keys)}
        return [await self._keep(one, found, actor) for one in wanted.values()]

    async def reject(self, by: Staff | str, keys: Iterable[str]) -> list[str]:
        """Let these proposals never come back; their texts. Raises DeskError."""
        actor, found = editor(by), await self._found()
        unwanted = {one.key: one for one in map(found.named, keys)}
        async with self._office.db.write_alone() as session:
            await proposals.decide(session, unwanted, accepted=False, actor=actor)
        return [self._text(one) for one in unwanted.values()]

    async def _found(self) -> _Found:
        async with self._office.db.read() as session:
            asked = await evidence.asked(session, self._office.now() - REMEMBERED)
            done = await proposals.decided(session)
            saved = await gold.load(session)
            suggested = await proposals.open_suggestions(session, _MOST)
            names = await inbox.everyone(session)
        found = await asyncio.to_thread(self._search, asked, done, saved)
        proposers = {one.key: names.get(one.staff_id, "同事") for one in suggested}
        own = [Similar(one.wording, one.entry_id, 0, one.at) for one in suggested]
        rest = [one for one in found.similar if one.key not in proposers]
        return replace(found, similar=(*own, *rest), proposers=proposers)

    def _search(
        self, asked: Sequence[Asked], done: Collection[str], saved: Sequence[Gold]
    ) -> _Found:
        matcher = self._office.library.matcher
        # What a 一件事 is asked like stands in its file.
        entries = [one for one in similar(asked) if not one.entry_id.startswith(PREFIX)]
        fresh = (one for one in _undecided(entries, done) if self._teaches(matcher, one))
        wordings = [one for _, one in zip(range(_MOST), fresh, strict=False)]
        words = list(_undecided(pairs(asked, matcher.entries(), matcher.lexicon), done))
        return _Found(tuple(wordings), tuple(words[:_MOST_PAIRS]), tuple(asked), tuple(saved), {})

    def _teaches(self, matcher: Matcher, one: Similar) -> bool:
        """Whether the entry is there, no entry has the wording, and it is not found surely."""
        entry = matcher.get(one.entry_id)
        if entry is None or restates(entry, one.wording) or matcher.owners(one.wording):
            return False
        place, chance = standing(matcher, one.wording, one.entry_id, self._office.today())
        return place != 1 or chance < SURE

    def _similar(self, found: _Found) -> Iterator[Proposal]:
        matcher, today = self._office.library.matcher, self._office.today()
        for one in found.similar:
            effect = _place(*standing(matcher, one.wording, one.entry_id, today))
            told = self._text(one), one.citizens, one.latest, effect
            yield Proposal(one.key, "相似问", *told, proposer=found.proposers.get(one.key, ""))

    def _pairs(self, found: _Found) -> Iterator[Proposal]:
        for one in found.pairs:
            trial = self._try(one, found)
            if trial.helps:
                told = self._text(one), one.citizens, one.latest
                yield Proposal(one.key, "同义词", *told, _gain(trial), _examples(one))

    def _try(self, pair: Pair, found: _Found) -> Trial:
        matcher = self._office.library.matcher
        trying = probe(pair, found.asked, found.saved, matcher.lexicon)
        return weigh(matcher, trying, self._office.today())

    async def _keep(self, one: Similar | Pair, found: _Found, actor: str) -> Outcome:
        text = self._text(one)
        try:
            if isinstance(one, Similar):
                await keep(self._office, one.wording, one.entry_id, actor)
            else:
                await self._join(one, found, actor)
        except DeskError as error:
            return Outcome(text, str(error))
        return Outcome(text)

    async def _join(self, pair: Pair, found: _Found, actor: str) -> None:
        """Make two words mean the same, unless a saved question would go wrong by it."""
        library, said = self._office.library, (pair.word, pair.meant)
        await library.refresh()
        try:
            own = join(library.matcher.lexicon.own, said)
            spoilt = await asyncio.to_thread(self._spoilt, pair, own, found.saved)
            if spoilt:
                raise DeskError(f"没有记：{BREAKS.format(question=spoilt)}")
            async with self._office.db.write_alone() as session:
                await lexicon.change(session, lambda own: join(own, said), actor, "kb.words.add")
                await proposals.decide(session, [pair.key], accepted=True, actor=actor)
        except LexiconError as error:
            raise DeskError(f"没有记：{error}") from None
        await library.refresh()

    def _spoilt(self, pair: Pair, own: Mapping[str, str], saved: Sequence[Gold]) -> str:
        """The first saved question with one of the words that goes wrong by these synonyms."""
        matcher = self._office.library.matcher
        near = probe(pair, (), saved, matcher.lexicon).saved
        change = Change(matcher.entries(), words=matcher.lexicon.own, own=own)
        lost = breaks(change, near, self._office.today(), weights=matcher.weights) if near else []
        return lost[0].gold.query if lost else ""

    def _text(self, one: Similar | Pair) -> str:
        if isinstance(one, Pair):
            return f"{one.word} = {one.meant}"
        entry = self._office.library.get(one.entry_id)
        return f"{one.wording} → {entry.question if entry else one.entry_id}"


def _undecided(found: Iterable[T], done: Collection[str]) -> Iterator[T]:
    return (one for one in found if one.key not in done)


def _examples(pair: Pair) -> tuple[str, ...]:
    told = dict.fromkeys(impersonal(one.text) for one in pair.asked)
    return tuple(one for one in told if one)[-_EXAMPLES:]


def _place(place: int, chance: float) -> str:
    if not place:
        return "现在找不到这一条"
    return f"现在排第 {place}，把握 {chance:.0%}"


def _gain(trial: Trial) -> str:
    (was, now), (unsure, sure) = trial.first, trial.sure
    return f"试 {trial.asked} 句：排第一的 {was} → {now}，平均把握 {unsure:.0%} → {sure:.0%}"
