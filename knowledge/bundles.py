"""一件事: what one event in life asks of several departments, in one list made of entries."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from knowledge.catalog import Entry
from knowledge.screen import screen
from knowledge.text import normalize

PREFIX = "一件事-"
"""What the id of every bundle begins with, and of no entry."""
_MOST_STEPS = 20
_ASIDE = re.compile(r"[（(【\[].*?[)）】\]]|[\W_]+")
_SAME = (("户口本", "户口簿"), ("居民身份证", "身份证"), ("居民户口簿", "户口簿"), ("原件", ""))


class BundleError(ValueError):
    """A file of bundles that cannot be used; the text says where and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: the entry that explains it, and what must be brought."""

    entry_id: str
    title: str = ""
    materials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """An event in life; ``approved`` that it may be answered without a person, ``department`` who
    leads, ``note`` the answer's last line."""

    id: str
    name: str
    question: str
    similar: tuple[str, ...]
    stages: tuple[Stage, ...]
    department: str = ""
    approved: bool = False
    note: str = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """All of them in order."""
        return tuple(step for stage in self.stages for step in stage.steps)

    def mark(self, step: Step) -> str:
        """Names a step however the bundle is rearranged."""
        return hashlib.blake2b(f"{self.id} {step.entry_id}".encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Material:
    """Something to bring, and the numbers of the steps, from 1, that ask for it."""

    name: str
    steps: tuple[int, ...]


Known = Callable[[str], Entry | None]


def read_bundles(path: Path) -> tuple[Bundle, ...]:
    """The bundles of a TOML file. Raises BundleError, and OSError when it cannot be read."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"不是 UTF-8 编码的 TOML（{error}）") from None
    unknown = set(table) - {"bundle"}
    if unknown:
        raise BundleError(f"没有“{'、'.join(sorted(unknown))}”这一节，每件写成 [[bundle]]")
    found = [_bundle(number, one) for number, one in enumerate(table.get("bundle", []), 1)]
    names = [one.id for one in found]
    if repeated := {one for one in names if names.count(one) > 1}:
        raise BundleError(f"编号“{repeated.pop().removeprefix(PREFIX)}”重复，请改用不同的编号")
    return tuple(found)


def _bundle(number: int, table: Mapping[str, Any]) -> Bundle:
    place = f"第 {number} 件"
    _only(
        place,
        table,
        {"id", "name", "question", "similar", "department", "approved", "note", "stage"},
    )
    stages = [_stage(f"{place}阶段 {n}", one) for n, one in enumerate(table.get("stage", []), 1)]
    found = Bundle(
        id=f"{PREFIX}{_text(place, table, 'id')}",
        name=_text(place, table, "name"),
        question=_text(place, table, "question"),
        similar=_texts(place, table, "similar"),
        stages=tuple(stages),
        department=_text(place, table, "department", needed=False),
        approved=table.get("approved") is True,
        note=_text(place, table, "note", needed=False),
    )
    steps = [one.entry_id for one in found.steps]
    if not 1 < len(steps) <= _MOST_STEPS:
        raise BundleError(f"{place}：要有 2 到 {_MOST_STEPS} 步，现在 {len(steps)} 步")
    if len(set(steps)) < len(steps):
        raise BundleError(f"{place}：同一条目用了两次，请合成一步")
    return found


def _stage(place: str, table: Mapping[str, Any]) -> Stage:
    _only(place, table, {"name", "steps"})
    steps = []
    for number, one in enumerate(table.get("steps", []), 1):
        here = f"{place}第 {number} 步"
        _only(here, one, {"entry", "title", "materials"})
        title = _text(here, one, "title", needed=False)
        steps.append(Step(_text(here, one, "entry"), title, _texts(here, one, "materials")))
    return Stage(_text(place, table, "name"), tuple(steps))


def _only(place: str, table: Mapping[str, Any], known: set[str]) -> None:
    if not isinstance(table, Mapping) or set(table) - known:
        raise BundleError(f"{place}：只能有 {'、'.join(sorted(known))}")


def _text(place: str, table: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    value = table.get(name, "")
    if not isinstance(value, str) or (needed and not value.strip()):
        raise BundleError(f"{place}：{name} 要填文字")
    return value.strip()


def _texts(place: str, table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = table.get(name, [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise BundleError(f'{place}：{name} 要写成列表，例如 ["户口簿", "结婚证"]')
    return tuple(one.strip() for one in values if one.strip())


def materials(bundle: Bundle) -> list[Material]:
    """Everything to bring, each once under the name it has first, in the order it is needed."""
    found: dict[str, tuple[str, list[int]]] = {}
    for number, step in enumerate(bundle.steps, 1):
        for name in step.materials:
            _, steps = found.setdefault(plain_name(name), (name, []))
            if number not in steps:
                steps.append(number)
    return [Material(name, tuple(steps)) for name, steps in found.values()]


def plain_name(material: str) -> str:
    """By which two names of a material are one: without brackets, marks and ways of writing."""
    plain = _ASIDE.sub("", normalize(material)) or normalize(material)
    for written, meant in _SAME:
        plain = plain.replace(written, meant)
    return plain


def compose(bundle: Bundle, known: Known) -> Entry | None:
    """The bundle as one entry to match and answer with; None when none of its entries is there.

    It may be answered automatically only while every one of its entries may, and holds only as
    long as all of them do.
    """
    steps = [(step, known(step.entry_id)) for step in bundle.steps]
    there = [entry for _, entry in steps if entry is not None]
    if not there:
        return None
    return Entry(
        id=bundle.id,
        question=bundle.question,
        answer=_answer(bundle, known),
        similar=bundle.similar,
        department=bundle.department or there[0].department,
        topic="一件事",
        basis="",
        links=tuple(dict.fromkeys(entry.links[0] for entry in there if entry.links)),
        effective_on=max((one.effective_on for one in there if one.effective_on), default=None),
        expires_on=min((one.expires_on for one in there if one.expires_on), default=None),
        automatic=bundle.approved
        and len(there) == len(steps)
        and all(entry.automatic for entry in there),
    )


def composed(bundles: Iterable[Bundle], known: Mapping[str, Entry]) -> list[Entry]:
    """The bundles that stand on these entries, each as one."""
    return [entry for one in bundles if (entry := compose(one, known.get))]


def step_title(step: Step, entry: Entry | None) -> str:
    return step.title or (entry.question if entry else step.entry_id)


def _answer(bundle: Bundle, known: Known) -> str:
    wanted = materials(bundle)
    departments = {entry.department for step in bundle.steps if (entry := known(step.entry_id))}
    count = f"{len(bundle.steps)} 步、{len(departments - {''})} 个部门"
    lines = [f"{bundle.name}，一次告知：{count}。"]
    if wanted:
        lines += ["", f"要准备的材料（合起来 {len(wanted)} 样）", *map(_material, wanted)]
    note = [bundle.note] if bundle.note else []
    return "\n".join([*lines, "", "办理步骤", *_steps(bundle, known), *note])


def _material(one: Material) -> str:
    if len(one.steps) < 2:
        return f"· {one.name}"
    return f"· {one.name}（第 {'、'.join(map(str, one.steps))} 步都要）"


def _steps(bundle: Bundle, known: Known) -> Iterator[str]:
    number = 0
    for stage in bundle.stages:
        yield f"【{stage.name}】"
        for step in stage.steps:
            number += 1
            entry = known(step.entry_id)
            where = entry.department if entry else ""
            entrance = (
                f"入口：{entry.links[0].title or '办事入口'}" if entry and entry.links else ""
            )
            told = "，".join(part for part in (where, entrance) if part)
            yield f"{number}. {step_title(step, entry)}" + (f"（{told}）" if told else "")


def check_bundles(bundles: Sequence[Bundle], known: Known, today: date) -> list[tuple[str, str]]:
    """Everything that somebody should repair: the bundle's id and what is wrong, in Chinese."""
    return [
        (bundle.id, f"一件事“{bundle.name}”{reason}")
        for bundle in bundles
        for reason in _troubles(bundle, known, today)
    ]


def _troubles(bundle: Bundle, known: Known, today: date) -> Iterable[str]:
    for number, step in enumerate(bundle.steps, 1):
        entry = known(step.entry_id)
        if entry is None:
            yield f"第 {number} 步的条目“{step.entry_id}”不在用，请改清单或启用条目。"
        elif entry.expired_on(today):
            yield f"第 {number} 步的条目“{step.entry_id}”已于 {entry.expires_on} 失效，请更新。"
        elif not entry.valid_on(today):
            yield f"第 {number} 步的条目“{step.entry_id}”到 {entry.effective_on} 才生效。"
        elif bundle.approved and not entry.automatic:
            yield f"第 {number} 步的条目“{step.entry_id}”没有批准自动答复，整件都要人工答复。"
    said = "\n".join((bundle.name, *(name for step in bundle.steps for name in step.materials)))
    for finding in screen(said):
        yield f"里有不能发的内容：{finding}。"
