"""Personal data that must not be shown, logged or published."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

# Blanks, dashes and invisible characters that people put between digits.
_GAP = r"[ \t\u00a0\u3000\-‐-―−_·\u00ad\u200b-\u200f\u2060\ufeff]{0,3}"
_START, _END = r"(?<![\d*])", r"(?!\d)"
_NOT_MONEY = r"(?!\.\d)(?!\s?(?:多|余)?(?:元|万元|亿元|美元))"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
_NUMBER = r"(?:\d{1,5}|[一二三四五六七八九十百]{1,4})"
_HOME = (
    rf"{_NUMBER}\s?(?:栋|幢|座|号楼)\s?[\-—]?\s?"
    rf"(?:{_NUMBER}\s?(?:单元|门|层|楼)\s?[\-—]?\s?)?[A-Z]?\d{{1,5}}(?:室|户|房|号)?"
    rf"|(?:{_NUMBER}\s?(?:栋|幢|座|号楼)\s?)?{_NUMBER}\s?单元(?:\s?[\-—]?\s?\d{{1,5}}(?:室|户|房|号)?)?"
    rf"|(?:{_NUMBER}号)?\d{{3,4}}室"
)
_LIVING = r"(?:家住|我住|住在|住址|居住地|家庭地址|家庭住址|户籍地|我家在|家在)"
_PLACE = r"[\u4e00-\u9fff\w]{0,30}?"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text, `kind` in Chinese, and what may be shown in its place."""

    start: int
    end: int
    kind: str
    shown: str


def mask(text: str) -> str:
    """The text with phone, identity and card numbers, plates, mail and home addresses hidden."""
    parts: list[str] = []
    position = 0
    for span in personal_data(text):
        parts += text[position : span.start], span.shown
        position = span.end
    return "".join(parts) + text[position:]


def personal_data(text: str) -> list[Span]:
    """Every stretch of personal data, in order, none overlapping."""
    shadow = "".join(map(_narrow, text))
    spans: list[Span] = []
    for kind, pattern, shown in _RULES:
        found = [
            Span(*match.span(), kind, replacement)
            for match in pattern.finditer(shadow)
            if (replacement := shown(match.group())) is not None
        ]
        shadow = _blank_out(shadow, found)
        spans += found
    return sorted(spans, key=lambda span: span.start)


@lru_cache(maxsize=65_536)
def _narrow(char: str) -> str:
    """The plain form of a full-width character, so that positions stay the same."""
    if unicodedata.category(char) == "No":  # a footnote mark is no digit of the number after it
        return char
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and not plain.isspace() else char


def _blank_out(text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    position = 0
    for span in spans:
        parts += text[position : span.start], "*" * (span.end - span.start)
        position = span.end
    return "".join(parts) + text[position:]


def _digits(found: str) -> str:
    return "".join(c for c in found if c.isdigit() or c in "xX")


def _keep(first: int, last: int, stars: int) -> Callable[[str], str | None]:
    def shown(found: str) -> str:
        plain = _digits(found)
        return plain[:first] + "*" * stars + plain[-last:]

    return shown


_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d[\-–—](?:0?[1-9]|1[0-2])[\-–—](?:0?[1-9]|[12]\d|3[01])(?!\d)"
)


def _phone(found: str) -> str | None:
    return None if _DATE.search(found) else _keep(3, 4, 4)(found)


def _identity(found: str) -> str | None:
    plain = _digits(found)
    month, day = int(plain[10:12]), int(plain[12:14])
    dated = plain[6:8] in {"18", "19", "20"} and 1 <= month <= 12 and 1 <= day <= 31
    # Plain digits with no birth date in them are left to the card rule.
    return _keep(2, 3, 13)(found) if dated or plain[-1] in "xX" else None


def _card(found: str) -> str | None:
    plain = _digits(found)
    # Years in a row look like groups of four; no bank card starts with 0, 1 or 2.
    if len(plain) != len(found) and plain[0] in "012":
        return None
    return plain[:4] + "*" * (len(plain) - 8) + plain[-4:]


def _old_identity(found: str) -> str | None:
    month, day = int(found[8:10]), int(found[10:12])
    plausible = found[0] in "12345678" and 1 <= month <= 12 and 1 <= day <= 31
    return _keep(2, 3, 10)(found) if plausible else None


def _plate(found: str) -> str:
    return found[:2].upper() + "***" + found[-2:].upper()


def _mail(found: str) -> str:
    return found[0] + "***" + found[found.index("@") :]


def _address(found: str) -> str:
    """Up to the 街道 (or town), failing that up to the street, failing that nothing at all."""
    kept = list(_STREET_OFFICE.finditer(found)) or list(_STREET.finditer(found))
    return (found[: kept[0].end()] if kept else "") + "***"


def _living(found: str) -> str:
    cue = _CUE.match(found)
    head = cue.group() if cue else ""
    return head + _address(found[len(head) :])


def _gapped(first: str, count: int) -> str:
    return first + rf"(?:{_GAP}\d){{{count}}}"


_CUE = re.compile(_LIVING + r"(?:地址)?[是为在:：]?\s?")
_STREET_OFFICE = re.compile(r"街道(?:办事处)?|镇|乡(?!村)")
_STREET = re.compile(r"(?:大道|大街|路|街|巷|弄|胡同)")
_HOUSE = rf"(?:{_HOME}|{_NUMBER}(?:号楼|号院|号|弄|栋|幢|座))"

_RULES: tuple[tuple[str, re.Pattern[str], Callable[[str], str | None]], ...] = (
    (
        "身份证号",
        re.compile(_START + _gapped(r"[1-9]", 16) + _GAP + r"[\dXx]" + r"(?![\dA-Za-z])"),
        _identity,
    ),
    (
        "银行卡号",
        re.compile(
            rf"{_START}(?:\d{{16,19}}|\d{{4}}(?:{_GAP}\d{{4}}){{3}}(?:{_GAP}\d{{1,3}})?){_END}"
        ),
        _card,
    ),
    ("身份证号", re.compile(_START + r"\d{15}" + _END), _old_identity),
    (
        "手机号",
        re.compile(
            rf"(?<![\d*.¥$])1{_GAP}[3-9](?:{_GAP}\d){{9}}{_END}{_NOT_MONEY}"
            rf"|{_START}1[3-9]\d\.\d{{4}}\.\d{{4}}{_END}"
        ),
        _phone,
    ),
    (
        "邮箱",
        re.compile(r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+"),
        _mail,
    ),
    (
        "车牌号",
        re.compile(
            rf"[{_PROVINCES}][A-Z][·•. \-]?(?=(?:[A-Z]*\d){{3}})[A-Z\d]{{4,6}}"
            r"[挂学警港澳]?(?![A-Z\d])",
            re.IGNORECASE,
        ),
        _plate,
    ),
    (
        "住址",
        re.compile(
            rf"{_LIVING}(?:地址)?[是为在:：]?\s?{_PLACE}{_HOUSE}(?:\s?[\-—]?\s?{_HOUSE}){{0,4}}"
        ),
        _living,
    ),
    (
        "住址",
        re.compile(
            rf"(?:街道|镇|乡|大道|大街|路|街|巷|弄|胡同)[\u4e00-\u9fff\d]{{0,20}}?(?:{_HOME})"
        ),
        _address,
    ),
    ("住址", re.compile(_HOME), _address),
)


def kinds(text: str) -> Iterator[str]:
    """What kinds of personal data a text holds, each once, in order."""
    yield from dict.fromkeys(span.kind for span in personal_data(text))
