from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog import Entry
from knowledge.index import Index
from knowledge.reading import analyse

wordings = st.text(st.sampled_from("身份证社保卡丢失补领a1，"), max_size=8)
entries = st.builds(
    Entry,
    id=st.sampled_from("abcd"),
    question=wordings,
    answer=wordings,
    similar=st.lists(wordings, max_size=3).map(tuple),
)
changes = st.lists(st.tuples(st.booleans(), entries), max_size=12)


def found(index: Index, text: str) -> set[tuple[str, str, float]]:
    hits = index.find(analyse(text))
    return {(h.slot.entry.id, h.row.wording, round(h.gathered, 4)) for h in hits}


@settings(max_examples=60, deadline=None)
@given(changes, wordings)
def test_changes_in_place_equal_a_fresh_index(steps: list[tuple[bool, Entry]], text: str) -> None:
    index, kept = Index(), dict[str, Entry]()
    for put, entry in steps:
        if put:
            index.put(entry)
            kept[entry.id] = entry
        else:
            index.remove(entry.id)
            kept.pop(entry.id, None)
    fresh = Index()
    for entry in kept.values():
        fresh.put(entry)
    assert len(index) == len(kept)
    assert all(index.get(name) == entry for name, entry in kept.items())
    assert index.row_count == fresh.row_count
    found_now, found_fresh = found(index, text), found(fresh, text)
    assert {one[0] for one in found_now} == {one[0] for one in found_fresh}
    assert max((one[2] for one in found_now), default=0) == max(
        (one[2] for one in found_fresh), default=0
    )


def test_terms_fold_synonyms_and_hear_homophones() -> None:
    assert analyse("身份证丢了").words[-1] == analyse("身份证遗失").words[-1]
    assert analyse("身份正").sound == analyse("身分證").sound
    assert analyse("您好，身份证丢了。").clauses[0] == analyse("您好身份证丢了").sound


def test_stop_words_stay_if_there_is_nothing_else() -> None:
    assert analyse("怎么办").words
    assert "怎么办" not in analyse("社保怎么办").words


def test_answers_lead_to_their_entry() -> None:
    index = Index()
    index.put(Entry("a", "工本费标准", "首次申领居民身份证免费"))
    index.put(Entry("b", "公积金提取", "退休可以提取"))
    assert index.find(analyse("首次申领身份证"))[0].slot.entry.id == "a"
    assert index.find(analyse("退休"))[0].slot.entry.id == "b"


def test_empty_index_and_empty_query() -> None:
    index = Index()
    assert index.find(analyse("身份证")) == []
    index.put(Entry("a", "", ""))
    assert index.find(analyse("")) == []
