"""What one citizen message is, by rules alone: kind, category, urgency."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files


class Kind(StrEnum):
    """What the desk does with a message."""

    QUESTION = "question"
    COMPLAINT = "complaint"
    EMERGENCY = "emergency"
    THANKS = "thanks"
    NOISE = "noise"
    SPAM = "spam"
    MANIPULATION = "manipulation"


class Category(StrEnum):
    """类别, the field's own terms; the first five must be answered."""

    CONSULT = "咨询"
    HELP = "求助"
    SUGGESTION = "建议"
    COMPLAINT = "投诉"
    REPORT = "举报"
    THANKS = "感谢"
    CHAT = "闲聊"
    AD = "广告"
    INVALID = "无效"

    @property
    def must_answer(self) -> bool:
        return self in _MUST_ANSWER


_MUST_ANSWER = frozenset(
    {Category.CONSULT, Category.HELP, Category.SUGGESTION, Category.COMPLAINT, Category.REPORT}
)


@dataclass(frozen=True, slots=True)
class Triage:
    """The verdict on one message.

    `urgency` is 0 normal, 1 raised, 2 emergency; `reasons` are in Chinese, for staff;
    `complete` is False for a greeting or fragment after which more is likely to follow; `asks`
    says that a matter is put as a question.
    """

    kind: Kind
    category: Category
    urgency: int
    reasons: tuple[str, ...]
    wants_person: bool = False
    complete: bool = True
    asks: bool = False


_READ = 600  # characters read at either end of a long text
_LETTER = 150  # a longer text tells a story: what is said in it may be long past
_SHORT = 40
_UNFINISHED = (",", "、", ":", "...", "比如", "就是", "那个", "然后")
_GRIEVANCES = ("complaint", "nuisance", "breakdown", "insult", "report")
_CHEERS = ("public", "laugh", "ack", "yes_no", "greeting", "trial", "filler")
_GRATITUDE = ("thanks", "praise", "resolved", "greeting", "ack", "filler")
_SPAM_LISTS = (
    "contact",
    "money",
    "job",
    "loan",
    "goods",
    "gambling",
    "stocks",
    "prize",
    "papers",
    "adult",
    "pressure",
    "fans",
)
_MATTERS = ("ask", "request", *_GRIEVANCES)
_ASIDE = re.compile(r"@[\w-]+|\[[a-z\u4e00-\u9fff]{1,4}\]")
_NOT_WORD = re.compile(r"[\W_]+")
_SENTENCE_END = "。!?;\n"
_CLAUSE = re.compile(r"[,。!?;:~、\s]+")
_CRY_FOR_HELP = re.compile("救|来人")


@lru_cache(2048)  # a message is sorted when it comes, and again when it is decided
def triage(text: str, *, in_public: bool = False, has_attachment: bool = False) -> Triage:
    """Sort one message; when in doubt it is a question, so that nobody is ignored.

    `in_public` is a comment under a post or in a group, where cheers and chatter are set aside.
    """
    reader = _Reader(_fold(_clip(text)), in_public)
    if not reader.core:
        return _wordless(reader, has_attachment)
    for rule in (_emergency, _manipulation, _spam, _thanks, _small_talk):
        verdict = rule(reader)
        if verdict is not None:
            return _with_attachment(verdict) if has_attachment else verdict
    return _request(reader)


class _Reader:
    """A folded text and its evidence, looked up by the names of the word lists."""

    __slots__ = ("_found", "core", "in_public", "text")

    def __init__(self, text: str, in_public: bool) -> None:
        self.text = text
        self.core = _NOT_WORD.sub("", _ASIDE.sub(_set_aside, text))
        self.in_public = in_public
        self._found: dict[str, str] = {}

    def hit(self, *names: str) -> str:
        """The first word found of these lists, "" if there is none."""
        return next((word for name in names if (word := self._search(name))), "")

    def _search(self, name: str) -> str:
        if name not in self._found:
            match = _pattern(name).search(self.text)
            self._found[name] = match.group() if match else ""
        return self._found[name]

    def opens_with(self, name: str) -> str:
        match = _pattern(name).match(self.core)
        return match.group() if match else ""

    def consists_of(self, *names: str) -> bool:
        """Whether nothing is left of a short text without the words of these lists."""
        return len(self.core) <= _SHORT and not _pattern(*names).sub("", self.core)

    def clauses(self) -> list[str]:
        return [clause for clause in _CLAUSE.split(self.text) if _NOT_WORD.sub("", clause)]

    def part_at(self, place: int, marks: str) -> str:
        """The part of the text around `place`, from one of these marks to the next."""
        start = max(self.text.rfind(mark, 0, place) for mark in marks) + 1
        ends = (self.text.find(mark, place) for mark in marks)
        return self.text[start : min((end for end in ends if end >= 0), default=None)]


def _wordless(reader: _Reader, has_attachment: bool) -> Triage:
    if has_attachment:
        return Triage(Kind.QUESTION, Category.CONSULT, 0, ("只有附件，请人工查看",))
    if _has_any(reader.text, "alarm"):
        return Triage(
            Kind.QUESTION, Category.HELP, 1, ("只有求救表情，请人工查看",), complete=False
        )
    if reader.in_public:
        return Triage(Kind.NOISE, Category.INVALID, 0, ("没有文字",))
    if _has_any(reader.text, "angry") or "?" in reader.text or "@" in reader.text:
        urgency = 0 if "@" in reader.text else 1
        return Triage(
            Kind.QUESTION, Category.CONSULT, urgency, ("没有文字，疑似催问",), complete=False
        )
    if _has_any(reader.text, "glad"):
        return Triage(Kind.THANKS, Category.THANKS, 0, ("只有致谢表情",))
    return Triage(Kind.NOISE, Category.INVALID, 0, ("没有文字",))


def _emergency(reader: _Reader) -> Triage | None:
    word = reader.hit("self_harm") or _danger(reader)
    if not word and _pattern("cry").search(reader.core):
        word = reader.core[:_SHORT] if _CRY_FOR_HELP.search(reader.core) else ""
    if not word:
        return None
    category = Category.REPORT if reader.hit("crime") else Category.HELP
    return Triage(
        Kind.EMERGENCY,
        category,
        2,
        (f"含“{word}”，疑似危及人身安全",),
        wants_person=bool(reader.hit("wants_person")),
    )


def _danger(reader: _Reader) -> str:
    """A danger that is happening: not feared, not remembered, not asked about in general."""
    if len(reader.text) > _LETTER and not reader.hit("rescue"):
        return ""
    for match in _pattern("danger").finditer(reader.text):
        sentence = reader.part_at(match.start(), _SENTENCE_END)
        if _pattern("hypothetical").search(sentence):
            continue
        if _pattern("feared").search(reader.part_at(match.start(), _SENTENCE_END + ",")):
            continue
        if _pattern("rescue").search(sentence):
            return match.group()
        past = _pattern("past").search(sentence) and not _pattern("ongoing").search(sentence)
        if len(reader.text) <= _LETTER and not past:
            return match.group()
    return ""


def _manipulation(reader: _Reader) -> Triage | None:
    word = reader.hit("injection")
    if not word and len(reader.text) <= _LETTER:
        word = reader.hit("dictation")
    if not word:
        return None
    reason = f"含“{word}”，疑似诱导账号发言，请人工处理"
    # What is asked besides still counts among the matters to be answered.
    matters = len(reader.text) > _SHORT and reader.hit("how_to", *_GRIEVANCES)
    category = _categorise(reader)[0] if matters else Category.INVALID
    return Triage(Kind.MANIPULATION, category, 0, (reason,))


def _small_talk(reader: _Reader) -> Triage | None:
    """Messages made of nothing but greetings, lead-ins, acknowledgements and cheers."""
    if reader.consists_of("greeting", "filler") and reader.hit("greeting"):
        if reader.in_public:
            return Triage(Kind.NOISE, Category.CHAT, 0, ("只有招呼",))
        return Triage(Kind.QUESTION, Category.CHAT, 0, ("只有招呼，等待下文",), complete=False)
    idle = not reader.hit(*_MATTERS)
    if reader.in_public and idle and reader.consists_of(*_CHEERS):
        return Triage(Kind.NOISE, Category.CHAT, 0, ("只有应和、表情或招呼",))
    if _pattern("yes_no").fullmatch(reader.core):
        return Triage(Kind.QUESTION, Category.CONSULT, 0, ("简短应答",), complete=False)
    if idle and reader.consists_of("ack", "laugh", "filler") and reader.hit("ack", "laugh"):
        return Triage(Kind.NOISE, Category.CHAT, 0, ("只有应和或笑声",))
    if reader.consists_of("trial"):
        return Triage(Kind.NOISE, Category.INVALID, 0, ("测试内容",))
    if reader.consists_of("greeting", "lead_in", "filler"):
        return Triage(Kind.QUESTION, Category.CONSULT, 0, ("只有开头，等待下文",), complete=False)
    return None


def _spam(reader: _Reader) -> Triage | None:
    if len(reader.text) > 2 * _LETTER:
        return None
    words = [word for name in _SPAM_LISTS if (word := reader.hit(name))]
    if len(words) < 2 or reader.hit("guard"):
        return None
    if len(words) == 2 and reader.hit("ask", "complaint", "insult"):
        return None
    return Triage(Kind.SPAM, Category.AD, 0, tuple(f"含“{word}”" for word in words))


def _thanks(reader: _Reader) -> Triage | None:
    if len(reader.text) > _LETTER:
        return None
    word = reader.hit("thanks", "praise", "resolved")
    if not word:
        return None
    if reader.consists_of(*_GRATITUDE) or _grateful(reader):
        return Triage(Kind.THANKS, Category.THANKS, 0, (f"含“{word}”，没有诉求",))
    return None


def _grateful(reader: _Reader) -> bool:
    plain = _Reader(_pattern("courtesy").sub("", reader.text), reader.in_public)
    if plain.hit("ask", "contrast", "insult", "anger", "report"):
        return False
    solved = _pattern("resolved").search(plain.text)
    asking = [match.end() for match in _pattern("request", *_GRIEVANCES).finditer(plain.text)]
    if asking:
        return bool(solved and plain.hit("thanks", "praise") and max(asking) <= solved.end())
    if plain.hit("sour"):
        return False
    if plain.hit("praise") or (solved and plain.hit("thanks")):
        return True
    return all(_pattern("thanks_to").search(clause) for clause in plain.clauses())


def _request(reader: _Reader) -> Triage:
    category, word = _categorise(reader)
    grievance = category in (Category.COMPLAINT, Category.REPORT)
    raised = _raised(reader, category)
    person = reader.hit("wants_person")
    words = dict.fromkeys(found for found in (word, *raised, person) if found)
    complete = bool(person) or not _is_fragment(reader, category)
    return Triage(
        Kind.COMPLAINT if grievance else Kind.QUESTION,
        category,
        1 if raised else 0,
        tuple(f"含“{found}”" for found in words),
        wants_person=bool(person),
        complete=complete,
        asks=bool(reader.hit("ask")),
    )


def _categorise(reader: _Reader) -> tuple[Category, str]:
    """The category and the word that speaks for it; 咨询, with the shortest limit, in doubt."""
    asked = bool(reader.hit("ask"))
    pressing = reader.hit("insult", "anger", "repeated")
    neutral = asked and not pressing
    if neutral and reader.hit("how_to"):
        return Category.CONSULT, ""
    chat = reader.hit("chat") if len(reader.core) <= _SHORT else ""
    if chat and not reader.hit("request", *_GRIEVANCES):
        return Category.CHAT, chat
    found = (
        (Category.REPORT, reader.hit("accuse") or (not neutral and reader.hit("report"))),
        (Category.SUGGESTION, reader.opens_with("suggestion")),
        (Category.COMPLAINT, reader.hit("complaint", "insult")),
        (Category.COMPLAINT, not neutral and reader.hit("nuisance")),
        (Category.COMPLAINT, pressing and reader.hit("breakdown")),
        (Category.SUGGESTION, reader.hit("suggestion")),
        (Category.HELP, reader.hit("plea") or (not asked and reader.hit("breakdown"))),
        (Category.COMPLAINT, not asked and reader.hit("anger")),
    )
    return next(((category, word) for category, word in found if word), (Category.CONSULT, ""))


def _raised(reader: _Reader, category: Category) -> list[str]:
    names = ["insult", "anger", "shouting", "deadline", "self_harm", "danger"]
    if category in (Category.COMPLAINT, Category.REPORT, Category.HELP):
        names += ["repeated", "vulnerable"]
    return [word for name in names if (word := reader.hit(name))]


def _is_fragment(reader: _Reader, category: Category) -> bool:
    if category is not Category.CONSULT or reader.hit("ask"):
        return False
    if len(reader.core) <= _SHORT and reader.text.rstrip().endswith(_UNFINISHED):
        return True
    return len(reader.core) <= 4 and not reader.hit("request", "act")


def _with_attachment(verdict: Triage) -> Triage:
    """What is set aside as words may still show something in its picture."""
    if verdict.kind not in (Kind.NOISE, Kind.THANKS):
        return verdict
    return Triage(Kind.QUESTION, Category.CONSULT, 0, ("带附件，请人工查看",))


def _set_aside(match: re.Match[str]) -> str:
    """Nothing of a mention, unless a question was written on to the name without a blank."""
    return match.group() if _pattern(*_MATTERS).search(match.group()) else ""


def _has_any(text: str, mood: str) -> bool:
    lists = _lists()
    coded = any(f"[{code}]" in text for code in lists.get(f"{mood}_codes", ()))
    return coded or any(char in text for char in lists[mood])


def _clip(text: str) -> str:
    return text if len(text) <= 2 * _READ else f"{text[:_READ]}。{text[-_READ:]}"


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().translate(_script())


@lru_cache(maxsize=64)
def _pattern(*names: str) -> re.Pattern[str]:
    lists = _lists()
    # Longest first, so that a list works as a set of tokens too.
    words = sorted((word for name in names for word in lists[name]), key=len, reverse=True)
    return re.compile("|".join(words))


@lru_cache(maxsize=1)
def _script() -> dict[int, str]:
    lists = _lists()
    pairs = zip(lists["traditional"], lists["simplified"], strict=True)
    return {ord(old): new for old, new in pairs}


@lru_cache(maxsize=1)
def _lists() -> dict[str, list[str]]:
    table = tomllib.loads((files("bot") / "data" / "triage.toml").read_text(encoding="utf-8"))
    return {name: words for group in table.values() for name, words in group.items()}
